import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';

const root = fileURLToPath(new URL('../..', import.meta.url));
const packages = join(root, 'node_modules');

/** A main.ts that says what happens to it, line by line. */
const mainSource = `
export async function main(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      console.log('got ' + signal);
      setTimeout(() => process.exit(0), 300);
    });
  }
  setInterval(() => {}, 1000);
  console.log(JSON.stringify({ pid: process.pid, argv, greeting: env.GREETING ?? 'none' }));
}
`;

/** A checkout with our scripts and a program that is quick to build; its packages are installed, unless it is bare. */
export function checkout({ isBare = false } = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-checkout-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const name of ['scripts', 'package.json', 'tsconfig.json', 'tsconfig.build.json']) {
    cpSync(join(root, name), join(folder, name), { recursive: true });
  }
  for (const name of readdirSync(root, { withFileTypes: true })) {
    if (
      name.isDirectory() &&
      /^[a-z]+$/.test(name.name) &&
      !/^(node_modules|dist|data|test|scripts)$/.test(name.name)
    ) {
      mkdirSync(join(folder, name.name));
    }
  }
  mkdirSync(join(folder, 'sdk', 'client', 'src'), { recursive: true });
  writeFileSync(join(folder, 'package-lock.json'), '{"packages": {}}');
  mkdirSync(join(folder, 'db', 'migrations', 'meta'), { recursive: true });
  writeFileSync(join(folder, 'db', 'migrations', '0000_first.sql'), 'SELECT 1;');
  writeFileSync(join(folder, 'db', 'migrations', 'meta', '_journal.json'), '{}');
  writeFileSync(
    join(folder, 'workflows', 'index.ts'),
    'export async function anything(): Promise<void> {}\n',
  );
  cpSync(join(root, 'workflows', 'trace-header.ts'), join(folder, 'workflows', 'trace-header.ts'));
  writeFileSync(join(folder, 'main.ts'), mainSource);
  cpSync(join(root, 'dashboard', 'vite.config.ts'), join(folder, 'dashboard', 'vite.config.ts'));
  writeFileSync(join(folder, 'dashboard', 'index.html'), '<!doctype html><title>A page</title>');
  if (!isBare) installInto(folder);
  return folder;
}

/** Our packages, as npm would have installed them. */
function installInto(folder: string): void {
  const into = join(folder, 'node_modules');
  mkdirSync(into);
  for (const name of readdirSync(packages)) {
    if (!name.startsWith('.')) symlinkSync(join(packages, name), join(into, name));
  }
  writeFileSync(join(into, '.package-lock.json'), '{"packages": {}}');
}

/** A folder for PATH with an `npm` that does this. `$PACKAGES` are real packages, for it to install. */
export function fakeNpm(script: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-npm-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeFileSync(join(folder, 'npm'), `#!/bin/sh\nPACKAGES='${packages}'\n${script}\n`);
  chmodSync(join(folder, 'npm'), 0o755);
  return folder;
}

export interface Run {
  readonly child: ChildProcess;
  /** What it has printed, both streams. */
  output(): string;
  /** The first match in the output, once it is there; rejects when the run ends without it. */
  printed(pattern: RegExp): Promise<RegExpExecArray>;
  readonly exited: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;
}

/** Runs a command in the folder; it does not outlive the test. */
export function run(
  folder: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Run {
  // As from a terminal: not from within a script of npm's.
  const outer = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  const child = spawn(command, args, {
    cwd: folder,
    env: { ...Object.fromEntries(outer), ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  const { pid } = child;
  onTestFinished(() => {
    try {
      if (pid !== undefined) process.kill(-pid, 'SIGKILL');
    } catch {
      // All of its group have ended.
    }
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
      child.emit('printed');
    });
  }
  const exited = once(child, 'close').then(([code, signal]) => ({ code, signal }));
  let hasExited = false;
  void exited.then(() => {
    hasExited = true;
    child.emit('printed');
  });
  return {
    child,
    exited,
    output: () => output,
    async printed(pattern) {
      for (;;) {
        const match = pattern.exec(output);
        if (match !== null) return match;
        if (hasExited) throw new Error(`it ended without printing ${pattern}:\n${output}`);
        await once(child, 'printed');
      }
    },
  };
}
