import type { Logger } from 'pino';
import { foldAttempts, pruneStats } from '../db/attempt-stats.ts';
import type { Database } from '../db/database.ts';

/** Keeps the statistics of attempts, beside what makes them. */
export interface StatsKeeper {
  /** Resolves once nothing is being counted. What is not counted yet is so by another process, or after the next start. */
  close(): Promise<void>;
}

const foldEveryMs = 5_000;
const pruneEveryMs = 60_000;
/** Groups of attempts that `foldAttempts` counts at most: then there are probably more. */
const fullFold = 500;

/** Counts every five seconds what was attempted meanwhile. Any number of processes may do it: one of them does at a time. */
export function keepStats({ db, log }: { db: Database; log: Logger }): StatsKeeper {
  let isClosed = false;
  let running: Promise<void> | undefined;
  let prunedAt = performance.now();

  async function keep(): Promise<void> {
    try {
      while (!isClosed && (await foldAttempts(db)) >= fullFold);
      if (isClosed || performance.now() - prunedAt < pruneEveryMs) return;
      prunedAt = performance.now();
      await pruneStats(db);
    } catch (error) {
      // Nothing is lost: it is counted the next time.
      log.debug({ reason: (error as Error).name }, 'attempts could not be counted');
    }
  }

  const timer = setInterval(() => {
    running ??= keep().finally(() => {
      running = undefined;
    });
  }, foldEveryMs);
  timer.unref();
  return {
    async close() {
      isClosed = true;
      clearInterval(timer);
      await running;
    },
  };
}
