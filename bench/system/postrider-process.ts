import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { settings as postriderSettings } from '../../config.ts';
import { processStartTime } from '../../process-start-time.ts';
import { followOutput } from '../../temporal/child-output.ts';
import { freePorts } from '../../temporal/free-ports.ts';
import { startGuardedChild } from '../../temporal/guarded-child.ts';
import { groupProcesses } from '../usage/groups.ts';
import { readProcesses } from '../usage/processes.ts';
import type { SystemOptions } from './system.ts';

export interface PostriderProcess {
  readonly apiUrl: string;
  readonly adminKey: string;
  /** Of the process that has started the others, where there are several. */
  readonly pid: number;
  /** Ends it in order, but hard after some seconds, and waits until all that it started is gone. */
  stop(): Promise<void>;
}

/** As long as a first start may take, which may have to build the Temporal CLI. */
const readyMs = 10 * 60_000;
const pauseMs = 50;
/** Deliveries that are under way are of no use to anyone any more. */
const stopGraceMs = 3_000;
/** A profile is written when the process ends in order. */
const profileGraceMs = 30_000;
const goneMs = 15_000;

/** Starts the compiled program, as `npm start` does, with nobody's settings but these; resolves when it is ready. */
export async function startPostriderProcess(
  { program, settings, profileFolder, report }: SystemOptions,
  ownSettings: Readonly<Record<string, string>>,
): Promise<PostriderProcess> {
  const adminKey = `bench_${randomBytes(16).toString('hex')}`;
  const [port] = await freePorts('127.0.0.1', [undefined]);
  const profiling =
    profileFolder === undefined
      ? []
      : ['--cpu-prof', '--cpu-prof-interval=500', `--cpu-prof-dir=${profileFolder}`];
  const child = startGuardedChild(process.execPath, [...profiling, join(program, 'main.js')], {
    ...withoutSettings(process.env),
    HOST: '127.0.0.1',
    PORT: `${port}`,
    ADMIN_API_KEY: adminKey,
    ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
    LOG_LEVEL: 'warn',
    ...ownSettings,
    ...settings,
  });
  const output = followOutput(child, (line) => {
    if (/^Temporal CLI: .* …|"level":(50|60)|^postrider:/.test(line)) report(line);
  });
  const apiUrl = `http://127.0.0.1:${port}`;
  const stop = async () => {
    const started = groupProcesses({ postrider: child.pid }, readProcesses() ?? []);
    const all = [...started.values()].flat().map(({ pid }) => ({ pid, startTime: processStartTime(pid) }));
    await child.stop(profileFolder === undefined ? stopGraceMs : profileGraceMs);
    const deadline = Date.now() + goneMs;
    while (
      Date.now() < deadline &&
      all.some(({ pid, startTime }) => startTime !== undefined && processStartTime(pid) === startTime)
    ) {
      await delay(pauseMs);
    }
  };
  try {
    await isReady(apiUrl, child.hasExited);
  } catch (error) {
    await stop();
    const said = output.tail().map((line) => `\n  ${line}`);
    throw new Error(`${(error as Error).message}${said.join('')}`);
  }
  return { apiUrl, adminKey, pid: child.pid, stop };
}

/** The user's own settings are for the user's own Postrider; only where the Temporal CLI is holds here too. */
function withoutSettings(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(env).filter(([name]) => name === 'TEMPORAL_CLI_PATH' || !(name in postriderSettings)),
  );
}

async function isReady(apiUrl: string, hasExited: () => boolean): Promise<void> {
  const deadline = Date.now() + readyMs;
  for (;;) {
    if (hasExited()) throw new Error('Postrider ended at its start');
    if (Date.now() > deadline) throw new Error(`Postrider was not ready after ${readyMs / 60_000} minutes`);
    const answer = await fetch(`${apiUrl}/readyz`).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return;
    await delay(pauseMs);
  }
}
