import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const here = fileURLToPath(new URL('.', import.meta.url));
const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Child {
  readonly process: ChildProcess;
  readonly pid: number;
  /** The next line that it prints; rejects, with what it wrote to stderr, when it ends before. */
  nextLine(): Promise<string>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Compiles an entry of this folder for plain Node, with all it imports of ours. Gone after the test. */
export async function compileChild(entry: string): Promise<string> {
  const { build } = await import('vite');
  // Beside node_modules' packages, so that the compiled file finds them.
  const folder = await mkdtemp(join(root, 'node_modules', '.postrider-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await build({
    root,
    configFile: false,
    logLevel: 'error',
    build: {
      ssr: join(here, entry),
      outDir: folder,
      rollupOptions: { output: { entryFileNames: 'child.mjs' } },
    },
  });
  return join(folder, 'child.mjs');
}

/** Runs a compiled child; it does not outlive the test. */
export function startChild(compiled: string, args: readonly string[], env = process.env): Child {
  const child = spawn(process.execPath, [compiled, ...args], { env, stdio: ['ignore', 'pipe', 'pipe'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const exited = once(child, 'exit').then(([code, signal]) => ({ code, signal }));
  return {
    process: child,
    pid: child.pid as number,
    exited,
    async nextLine() {
      const { value, done } = await lines.next();
      if (!done) return value;
      throw new Error(`the child ended without another line: ${errors}`);
    },
  };
}
