import cluster from 'node:cluster';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseConfig } from './config.ts';
import { refuse } from './refusals.ts';
import { type Role, roles } from './roles.ts';

/** The command line is not understood. */
class UsageError extends Error {
  override readonly name = 'UsageError';
}

/**
 * Runs Postrider until a signal stops it: the API, the worker or, without an argument, both; in this process, or in as many
 * as the settings ask for, which this one then looks after. With the argument `migrate` it only brings the database to this
 * version's schema. What prevents either is one line on stderr and exit code 1.
 */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  // Until it has started there is nothing to finish: what it has opened closes with the process.
  const end = () => process.exit(1);
  process.on('SIGINT', end).on('SIGTERM', end);
  try {
    const command = commandOf(argv);
    const config = parseConfig(env);
    if (command === 'migrate') {
      const { migrate } = await import('./migrate.ts');
      await migrate(config, (line) => process.stdout.write(`${line}\n`));
      process.off('SIGINT', end).off('SIGTERM', end);
      return;
    }
    const isAlone = cluster.isWorker || config.PROCESSES === 1;
    // Only what is needed is loaded: a process that looks after others is a small one.
    const { run } = isAlone ? await import('./run.ts') : await import('./processes.ts');
    const running = run(config, { role: command, env, program: fileURLToPath(import.meta.url) });
    // It has taken over: a signal that comes when nobody listens, or is on its way then, would be lost.
    process.off('SIGINT', end).off('SIGTERM', end);
    await running;
  } catch (error) {
    refuse(error);
  }
}

function commandOf(argv: readonly string[]): Role | 'migrate' {
  const [name = 'both', ...rest] = argv;
  const known = [...roles, 'migrate' as const].find((command) => command === name);
  if (known === undefined || rest.length > 0) {
    throw new UsageError('usage: main.js [api | worker | both | migrate]');
  }
  return known;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await main(process.argv.slice(2), process.env);
