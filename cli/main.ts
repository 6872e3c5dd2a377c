import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { commands } from './registry.ts';
import { runCli } from './run.ts';

/** Runs a command line in this process, and leaves its exit code to it. */
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const interruption = new AbortController();
  process.once('SIGINT', () => interruption.abort());
  process.once('SIGTERM', () => interruption.abort());
  // Whoever reads less than all, `head` for one, is no fault.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    process.exit();
  });
  process.exitCode = await runCli(argv, commands, {
    env,
    stdout: process.stdout,
    stderr: process.stderr,
    readInput: () => text(process.stdin),
    signal: interruption.signal,
  });
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href)
  await main(process.argv.slice(2), process.env);
