import { pathToFileURL } from 'node:url';
import { PortNotUsable } from './api-listener.ts';
import { ConfigError, parseConfig } from './config.ts';
import { DataFolderInUse, DataFolderNotAFolder, DataFolderNotUsable } from './data-folder.ts';
import { DatabaseUnavailable } from './db/errors.ts';
import { createLog } from './log.ts';
import { type Postrider, type Role, roles, startPostrider } from './postrider.ts';
import { installTemporalRuntime } from './temporal/connect.ts';
import { DevelopmentServerFailed } from './temporal/development-server.ts';
import { TemporalCliNotFound } from './temporal/find-cli.ts';
import { TemporalUnavailable } from './temporal/workflow-starter.ts';

/** The command line is not understood. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

/** What prevents a start and has a message that says so to the user. */
const refusals = [
  UsageError,
  ConfigError,
  PortNotUsable,
  DataFolderInUse,
  DataFolderNotAFolder,
  DataFolderNotUsable,
  DatabaseUnavailable,
  TemporalUnavailable,
  TemporalCliNotFound,
  DevelopmentServerFailed,
];

/** npm passes on a signal that the terminal or the supervisor has sent to this process as well: that is one signal. */
const sameSignalMs = 1_000;

/**
 * Runs Postrider in this process until a signal stops it: the API, the worker or, without an argument, both. What
 * prevents the start is one line on stderr and exit code 1.
 */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  // Until it has started there is nothing to finish: what it has opened closes with the process.
  let onSignal = (_signal: string): void => process.exit(1);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => onSignal(signal));

  try {
    const role = roleOf(argv);
    const config = parseConfig(env);
    const log = createLog(config.LOG_LEVEL);
    const report = (line: string) => process.stdout.write(`${line}\n`);
    installTemporalRuntime(log);
    const postrider = await startPostrider(config, { role, env, log, report });
    const signalled = new Promise<string>((resolve) => {
      onSignal = resolve;
    });
    announce(postrider, report);
    const failure = await Promise.race([signalled.then(() => undefined), postrider.failed]);
    const stoppingSince = Date.now();
    onSignal = () => {
      if (Date.now() - stoppingSince > sameSignalMs) process.exit(1);
    };
    if (failure !== undefined) process.stderr.write(`postrider: ${failure}\n`);
    report('stopping: what is under way is finished first; a second signal ends at once');
    await postrider.stop();
    process.exit(failure === undefined ? 0 : 1);
  } catch (error) {
    if (!refusals.some((refusal) => error instanceof refusal)) throw error;
    process.stderr.write(`postrider: ${(error as Error).message}\n`);
    process.exit(1);
  }
}

function announce({ apiUrl, temporalUiUrl, madeAdminKey }: Postrider, report: (line: string) => void): void {
  report('');
  if (apiUrl !== undefined) report(`  API          ${apiUrl}/v1\n  API docs     ${apiUrl}/docs`);
  if (temporalUiUrl !== undefined) report(`  Temporal UI  ${temporalUiUrl}`);
  if (madeAdminKey !== undefined) report(`  Admin key    ${madeAdminKey}   (shown only this once)`);
  report('\n  Postrider is ready. Ctrl-C stops it.\n');
}

function roleOf(argv: readonly string[]): Role {
  const [role = 'both', ...rest] = argv;
  const known = roles.find((name) => name === role);
  if (known === undefined || rest.length > 0) throw new UsageError('usage: main.js [api | worker | both]');
  return known;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await main(process.argv.slice(2), process.env);
