import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { readProcesses } from '../../../bench/usage/processes.ts';
import { settings as postriderSettings } from '../../../config.ts';
import { followOutput, type Output } from '../../../temporal/child-output.ts';
import { type GuardedChild, startGuardedChild } from '../../../temporal/guarded-child.ts';

/** A Postrider process that can be killed and started again, on the same port and folder. */
export interface PostriderProcess {
  readonly role: 'api' | 'worker' | 'both';
  /** Of its API; undefined where it has none. */
  readonly origin: string | undefined;
  readonly pid: () => number;
  hasExited(): boolean;
  /** Resolves when it says that it is ready. */
  start(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  signal(signal: NodeJS.Signals): void;
  /** SIGKILL to one of the processes that it looks after, each as likely; resolves when it has started another one. */
  killChild(random: () => number): Promise<void>;
  /** SIGTERM; resolves, with how it ended, when it has done what it had begun. */
  stop(): Promise<string>;
  /** The end of what it printed. */
  said(): string;
}

const main = fileURLToPath(new URL('../../../dist/main.js', import.meta.url));
/** Longer than any attempt under way. */
const stopGraceMs = 60_000;
const readyMs = 60_000;
const lookMs = 50;

export function postriderProcess(
  role: PostriderProcess['role'],
  env: Readonly<Record<string, string>>,
  {
    nodeOptions = [],
    wrap = (command) => command,
  }: { nodeOptions?: readonly string[]; wrap?: (command: string[]) => string[] } = {},
): PostriderProcess {
  let child: GuardedChild | undefined;
  let output: Output | undefined;

  function running(): GuardedChild {
    if (child === undefined) throw new Error(`the ${role} process was never started`);
    return child;
  }

  return {
    role,
    origin: role === 'worker' ? undefined : `http://127.0.0.1:${env.PORT}`,
    pid: () => running().pid,
    hasExited: () => running().hasExited(),
    async start() {
      const [program = '', ...args] = wrap([process.execPath, ...nodeOptions, main, role]);
      child = startGuardedChild(program, args, { ...withoutSettings(process.env), ...env });
      output = followOutput(child, (line) => keepLine(role, line));
      const ended = child.exited.then((how) => `ended at its start (${how})`);
      const failure = await within(readyMs, output.said(/Postrider is ready/), ended);
      if (failure === undefined) return;
      await child.stop(0);
      throw new Error(`the ${role} process ${failure}: ${output.tail().join('\n')}`);
    },
    async kill() {
      process.kill(running().pid, 'SIGKILL');
      await running().exited;
    },
    signal: (signal) => void process.kill(running().pid, signal),
    async killChild(random) {
      const children = childrenOf(running().pid);
      const victim = children[Math.floor(random() * children.length)];
      if (victim === undefined) throw new Error(`the ${role} process looks after no others`);
      process.kill(victim, 'SIGKILL');
      const deadline = Date.now() + readyMs;
      for (;;) {
        const now = childrenOf(running().pid);
        if (!now.includes(victim) && now.length === children.length) return;
        if (Date.now() > deadline) throw new Error(`the ${role} process has started no other process`);
        await delay(lookMs);
      }
    },
    async stop() {
      await running().stop(stopGraceMs);
      return running().exited;
    },
    said: () => output?.tail().join('\n') ?? '',
  };
}

/** Processes of its own program: not the shell that ends them with it. */
function childrenOf(parent: number): number[] {
  const processes = readProcesses();
  if (processes === undefined) throw new Error('this machine has no /proc to find processes in');
  return processes.filter((one) => one.parent === parent && one.name !== 'sh').map(({ pid }) => pid);
}

async function within(
  ms: number,
  ready: Promise<void>,
  failed: Promise<string>,
): Promise<string | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<string>((resolve) => {
    timer = setTimeout(resolve, ms, `was not ready within ${ms / 1_000} s`);
  });
  try {
    return await Promise.race([ready.then(() => undefined), failed, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** The user's own settings are for the user's own Postrider; only where the Temporal CLI is holds here too. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(
      ([name]) => name === 'TEMPORAL_CLI_PATH' || (!(name in postriderSettings) && name !== 'NODE_OPTIONS'),
    ),
  );
}

/** With FAULT_LOGS, a folder, what processes print is kept there. */
function keepLine(role: string, line: string): void {
  const folder = process.env.FAULT_LOGS;
  if (folder) appendFileSync(join(folder, `${role}.log`), `${new Date().toISOString()} ${line}\n`);
}
