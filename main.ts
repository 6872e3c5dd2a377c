import { pathToFileURL } from 'node:url';
import { ConfigError, parseConfig } from './config.ts';
import { createLog } from './log.ts';
import { type Role, roles, StartRefused, startPostrider } from './postrider.ts';

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
    const postrider = await startPostrider(config, {
      role,
      log: createLog(config.LOG_LEVEL),
      report: (line) => process.stdout.write(`${line}\n`),
    });
    const signalled = new Promise<string>((resolve) => {
      onSignal = resolve;
    });
    const signal = await Promise.race([signalled, postrider.failed]);
    onSignal = () => process.exit(1);
    process.stdout.write(`${signal}: finishing what is under way; a second signal ends at once\n`);
    await postrider.stop();
    process.exit(0);
  } catch (error) {
    if (!(error instanceof StartRefused || error instanceof ConfigError)) throw error;
    process.stderr.write(`postrider: ${error.message}\n`);
    process.exit(1);
  }
}

function roleOf(argv: readonly string[]): Role {
  const [role = 'both', ...rest] = argv;
  const known = roles.find((name) => name === role);
  if (known === undefined || rest.length > 0) throw new StartRefused('usage: main.js [api | worker | both]');
  return known;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.argv.slice(2), process.env);
