import { setTimeout as delay } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import { type LoadedDelivery, loadDeliveriesById } from '../db/due-deliveries.ts';

/** What became of deliveries whose first attempt another process makes. */
export interface Elsewhere {
  /** Theirs to attempt who asked: the attempt was made and recorded, or left, or its process has died. */
  free: LoadedDelivery[];
  /** No longer pending, or no longer there. */
  ended: (LoadedDelivery['status'] | 'gone')[];
  /** The other process is still at it. */
  underWay: LoadedDelivery[];
}

/** Most attempts have ended within this. */
const waitMs = 1_000;
const firstPauseMs = 50;
/** A process that lives says so every second. */
const staleMs = 3_000;
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
    deliveries.map(({ id, head_start }) => [id, { at: head_start?.at_ms, since: startedAt }]),
  );

  for (let pauseMs = firstPauseMs; heard.size > 0; pauseMs = Math.min(pauseMs * 2, watchMs / 4)) {
    await delay(pauseMs);
    const stored = new Map((await loadDeliveriesById(db, [...heard.keys()])).map((one) => [one.id, one]));
    const now = performance.now();
    for (const id of [...heard.keys()]) {
      const delivery = stored.get(id);
      const headStart = delivery?.head_start ?? null;
      if (headStart !== null && headStart.at_ms !== heard.get(id)?.at) {
        heard.set(id, { at: headStart.at_ms, since: now });
      }
      const silentMs = now - (heard.get(id)?.since ?? now);
      if (delivery === undefined || delivery.status !== 'pending')
        result.ended.push(delivery?.status ?? 'gone');
      else if (headStart === null || (headStart.age_ms > staleMs && silentMs >= watchMs))
        result.free.push(delivery);
      else if (headStart.age_ms <= staleMs && now - startedAt > waitMs) result.underWay.push(delivery);
      else continue;
      heard.delete(id);
    }
  }
  return result;
}
