import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import { type HeadStart, type LoadedDelivery, loadDeliveriesById } from '../db/due-deliveries.ts';
import { findHeadStarts, silentAfterMs, takeOverHeadStarts } from '../db/head-starts.ts';
import type { DeliveryId } from '../db/ids.ts';
import type { DeliveryStatus } from '../db/schema.ts';

/** What became of deliveries whose first attempt another process makes. */
export interface Elsewhere {
  /** Theirs to attempt who asked: the attempt was made and recorded, or left, or its process has died. */
  free: LoadedDelivery[];
  /** No longer pending, or no longer there. */
  ended: (Exclude<LoadedDelivery['status'], 'pending'> | 'gone')[];
  /** The other process is still at it. */
  underWay: LoadedDelivery[];
}

/** Most attempts have ended within this. */
const waitMs = 1_000;
const firstPauseMs = 50;
const longestPauseMs = 500;
/**
 * And after so long of its silence, watched, it is taken for dead. Watched, since a database that was away for a while shows
 * everyone as silent.
 */
const watchMs = 2_000;

/**
 * Waits a moment for first attempts that other processes make, so that none is made twice: an attempt is only taken over
 * from a process that has said nothing for seconds. Takes 2 s or so when one has died, else 1 s at most.
 */
export async function awaitElsewhere(
  db: Database,
  deliveries: readonly LoadedDelivery[],
): Promise<Elsewhere> {
  const result: Elsewhere = { free: [], ended: [], underWay: [] };
  const startedAt = performance.now();
  const heard = new Map(
    deliveries.map((delivery) => [delivery.id, { delivery, at_ms: delivery.head_start?.at_ms, silentMs: 0 }]),
  );
  const free: DeliveryId[] = [];
  const settle = (id: DeliveryId, status: DeliveryStatus | undefined) => {
    heard.delete(id);
    if (status === 'pending') free.push(id);
    else result.ended.push(status ?? 'gone');
  };

  for (let pauseMs = firstPauseMs; heard.size > 0; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
    await delay(pauseMs);
    const stored = await findHeadStarts(db, [...heard.keys()]);
    const silent: { id: DeliveryId; head_start: HeadStart }[] = [];
    for (const [id, last] of heard) {
      const now = stored.get(id);
      const headStart = now?.head_start ?? null;
      if (now?.status !== 'pending' || headStart === null) {
        settle(id, now?.status);
        continue;
      }
      // The pause, and not the time: where everyone had to wait, silence says nothing.
      last.silentMs = headStart.at_ms === last.at_ms ? last.silentMs + pauseMs : 0;
      last.at_ms = headStart.at_ms;
      if (headStart.age_ms > silentAfterMs && last.silentMs >= watchMs)
        silent.push({ id, head_start: headStart });
      else if (headStart.age_ms <= silentAfterMs && performance.now() - startedAt > waitMs) {
        heard.delete(id);
        result.underWay.push(last.delivery);
      }
    }
    if (silent.length > 0) {
      await takeOverHeadStarts(db, silent);
      const taken = await findHeadStarts(
        db,
        silent.map(({ id }) => id),
      );
      for (const { id } of silent) if (taken.get(id)?.head_start == null) settle(id, taken.get(id)?.status);
    }
  }
  for (const delivery of free.length === 0 ? [] : await loadDeliveriesById(db, free)) {
    if (delivery.status === 'pending') result.free.push(delivery);
    else result.ended.push(delivery.status);
  }
  return result;
}
