import type { Logger } from 'pino';
import type { TemporalConnection } from './connect.ts';
import { ensureSearchAttributes } from './ensure-search-attributes.ts';
import { ensureRetentionSchedule } from './retention-schedule.ts';
import { searchAttributes } from './search-attributes.ts';
import { ensureSweepSchedule } from './sweep-schedule.ts';

/** Keeps in Temporal what Postrider needs there before anything else. */
export interface SweepKeeper {
  /** Resolves once nothing of it is under way. */
  stop(): Promise<void>;
}

/** Often enough that what is due goes out within 15 s of Temporal's being back, and 0.1 % of a processor. */
const everyMs = 3_000;
/** A look that takes longer than this is given up: Temporal is away. */
const patienceMs = 5_000;

/**
 * Makes the search attributes and the schedules of the sweep and the retention again when they have gone, with Temporal's database or by hand. The
 * sweep then starts, from our database, what else is missing there. Any number of processes may do so.
 */
export function keepSweep({
  temporal: { client, connection },
  namespace,
  taskQueue,
  log,
}: {
  temporal: Pick<TemporalConnection, 'client' | 'connection'>;
  namespace: string;
  taskQueue: string;
  log: Logger;
}): SweepKeeper {
  let looking: Promise<void> | undefined;

  async function look() {
    const deadline = Date.now() + patienceMs;
    try {
      const areThere = await connection.withDeadline(deadline, () =>
        ensureSearchAttributes(connection, namespace, searchAttributes),
      );
      if (!areThere) log.warn("Temporal had lost Postrider's search attributes: they are made again");
      const isThere = await client.withDeadline(deadline, () => ensureSweepSchedule(client, taskQueue));
      await client.withDeadline(deadline, () => ensureRetentionSchedule(client, taskQueue));
      if (!isThere) log.warn("Temporal had lost the sweep's schedule: it is made again");
    } catch {
      // Temporal is away, as others say: the next look finds out more.
    }
  }

  const timer = setInterval(() => {
    looking ??= look().finally(() => {
      looking = undefined;
    });
  }, everyMs);
  return {
    async stop() {
      clearInterval(timer);
      await looking;
    },
  };
}
