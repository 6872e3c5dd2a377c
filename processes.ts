import cluster, { type Worker } from 'node:cluster';
import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import { type Announcement, announce, stoppingLine } from './announcement.ts';
import type { Config } from './config.ts';
import { createLoadSharing, relayLoadSharing } from './load-sharing.ts';
import { createLog } from './log.ts';
import { createMetricsRelay } from './metrics-relay.ts';
import { type FromProcess, processEnv } from './process-messages.ts';
import type { Role } from './roles.ts';
import { firstStopSignal } from './stop-signals.ts';

/** A process that has died is started again soon; when it lives no longer than this, it waits longer each time. */
const livesMs = 10_000;
const firstPauseMs = 200;
const longestPauseMs = 30_000;

/**
 * The SDK has many threads, and glibc would keep memory for each of them. What is large is given back when it is free: unless told, glibc takes ever larger
 * pieces for small ones.
 */
const memoryEnv = {
  MALLOC_ARENA_MAX: '2',
  MALLOC_MMAP_THRESHOLD_: '131072',
  MALLOC_TRIM_THRESHOLD_: '131072',
};
/** Of each thread's young objects, in MB: as Node 20 and 22 have it; Node 24 would take twice as much (docs/performance.md). */
const memoryOptions = ['--max-semi-space-size=16'];

/**
 * Runs as many processes as the settings ask for, each of them all of Postrider, on one port, until a signal stops them. One
 * that dies is started again. This one keeps what there can be only one of: a development server.
 * @throws what prevents the start
 */
export async function run(
  config: Config,
  { role, env, program }: { role: Role; env: NodeJS.ProcessEnv; program: string },
): Promise<never> {
  const log = createLog(config.LOG_LEVEL);
  const report = (line: string) => process.stdout.write(`${line}\n`);
  const workers = new Set<Worker>();
  let isStopping = false;
  const stopAll = () => {
    // Once: a process that is busy may hear of a second signal so late that it takes it for another one, and ends at once.
    if (isStopping) return;
    isStopping = true;
    for (const worker of workers) worker.process.kill('SIGTERM');
  };
  const signalled = firstStopSignal(() => process.exit(1)).then(stopAll);

  const server = await openOwnServer(config, { env, log, report });
  // Each takes connections from the port itself: one that is handed to a process which has just died would hang.
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: program, args: [role], execArgv: [...memoryOptions, ...process.execArgv] });
  const relay = createMetricsRelay();
  const sharing = createLoadSharing();
  const start = (number: number, isFirst: boolean) => {
    const own = server === undefined ? {} : { TEMPORAL_ADDRESS: server.address };
    const worker = cluster.fork({
      ...memoryEnv,
      ...own,
      ...processEnv({ isFirst, number, temporalUiUrl: server?.uiUrl }),
    });
    workers.add(worker);
    relay.add(worker, `${number}`);
    relayLoadSharing(sharing, worker, number);
    let wasReady = false;
    const exited = new Promise<Exit>((resolve) => {
      worker.once('exit', (code, signal) => {
        workers.delete(worker);
        resolve({ pid: worker.process.pid, how: signal ?? code, wasReady });
      });
    });
    const ready = new Promise<Announcement>((resolve) => {
      worker.on('message', (message: FromProcess) => {
        if (!('ready' in message)) return;
        wasReady = true;
        resolve(message.ready);
      });
    });
    if (isStopping) worker.process.kill('SIGTERM');
    return { number, exited, ready };
  };

  /** Resolves when the process has ended and is not to be started again. */
  async function keepRunning(first: Started): Promise<Exit> {
    const { number } = first;
    let { exited } = first;
    for (let pauseMs = firstPauseMs; ; ) {
      const startedAt = Date.now();
      const exit = await exited;
      pauseMs = Date.now() - startedAt > livesMs ? firstPauseMs : Math.min(pauseMs * 2, longestPauseMs);
      // A signal for all of them may have reached that one first.
      await delay(isStopping ? 0 : pauseMs);
      if (isStopping) return exit;
      log.error({ pid: exit.pid, how: exit.how }, 'a process ended by itself: starting it again');
      exited = start(number, false).exited;
    }
  }

  const first = start(0, true);
  const announcement = await Promise.race([first.ready, first.exited.then(() => undefined)]);
  // It has said why.
  if (announcement === undefined && !isStopping) {
    await server?.close();
    process.exit(1);
  }
  const others = Array.from({ length: config.PROCESSES - 1 }, (_, index) => start(index + 1, false));
  const ended = Promise.all([first, ...others].map(keepRunning));
  await Promise.race([Promise.all(others.map(({ ready }) => ready)), ended]);
  if (announcement !== undefined && !isStopping) announce(announcement, report);

  const failure = await Promise.race([signalled, server?.failed ?? signalled]);
  if (typeof failure === 'string') process.stderr.write(`postrider: ${failure}\n`);
  report(stoppingLine);
  stopAll();
  const exits = await ended;
  await server?.close();
  process.exit(
    typeof failure === 'string' || exits.some(({ how, wasReady }) => wasReady && how !== 0) ? 1 : 0,
  );
}

interface Exit {
  pid: number | undefined;
  /** Its exit code, or the signal that ended it. */
  how: number | string;
  /** One that is stopped while it starts has nothing to finish. */
  wasReady: boolean;
}

interface Started {
  /** Its number among the processes. */
  number: number;
  exited: Promise<Exit>;
  /** Stays pending when it ends before. */
  ready: Promise<Announcement>;
}

/** A development server for all processes, where the settings name none. */
async function openOwnServer(
  config: Config,
  { env, log, report }: { env: NodeJS.ProcessEnv; log: Logger; report: (line: string) => void },
) {
  if (config.TEMPORAL_ADDRESS !== undefined) return undefined;
  const { openDataFolder } = await import('./data-folder.ts');
  const { openTemporalServer } = await import('./temporal-server.ts');
  const folder = await openDataFolder(config.DATA_DIR);
  try {
    const server = await openTemporalServer(config, { folder: folder.path, env, log, report });
    const close = () => server.close().finally(() => folder.release());
    return { ...server, close };
  } catch (error) {
    folder.release();
    throw error;
  }
}
