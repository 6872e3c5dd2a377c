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
 * as the settings ask for, which this one then looks after. What prevents the start is one line on stderr and exit code 1.
 */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  // Until it has started there is nothing to finish: what it has opened closes with the process.
  const end = () => process.exit(1);
  process.on('SIGINT', end).on('SIGTERM', end);
  try {
    const role = roleOf(argv);
    const config = parseConfig(env);
    const isAlone = cluster.isWorker || config.PROCESSES === 1;
    // Only what is needed is loaded: a process that looks after others is a small one.
    const { run } = isAlone ? await import('./run.ts') : await import('./processes.ts');
    const running = run(config, { role, env, program: fileURLToPath(import.meta.url) });
    // It has taken over: a signal that comes when nobody listens, or is on its way then, would be lost.
    process.off('SIGINT', end).off('SIGTERM', end);
    await running;
  } catch (error) {
    refuse(error);
  }
}

function roleOf(argv: readonly string[]): Role {
  const [role = 'both', ...rest] = argv;
  const known = roles.find((name) => name === role);
  if (known === undefined || rest.length > 0) throw new UsageError('usage: main.js [api | worker | both]');
  return known;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await main(process.argv.slice(2), process.env);
