import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import type { LoadedDelivery } from '../db/due-deliveries.ts';
import type { DeliveryId } from '../db/ids.ts';
import { type PutOff, putOffDeliveries } from '../db/waiting-deliveries.ts';
import { isLimited, waitingReason } from '../webhook/endpoint-limits.ts';
import type { EndpointLimiter, LimitedWebhook } from './endpoint-limiter.ts';
import type { EndpointSlots } from './endpoint-slots.ts';
import { noteWaiting, waitingKnownMs } from './note-waiting.ts';

/** Has deliveries wait in the database whose turn at their endpoint does not come soon. */
export interface PuttingOff {
  /**
   * Puts off a delivery, with others of about the same moment. Answers in how many ms its workflow should look after it; null
   * when someone else has taken it up, or it has ended. It does not count as an attempt.
   */
  putOff(delivery: LoadedDelivery, options: { hasHeadStart: boolean }): Promise<number | null>;
}

/** A workflow may look so much later than it should, in ms: what it has at several endpoints it then looks after together. */
export const lookSlackMs = 4_000;
const mostPerStatement = 1_000;
/** What is put off waits for a second or more: where many are, a statement has those of so many ms. */
const apartMs = 200;

export function createPuttingOff({
  db,
  limiter,
  slots,
  onWaiting,
}: {
  db: Database;
  limiter: Pick<EndpointLimiter, 'everyMs' | 'noteWaiting'>;
  slots: Pick<EndpointSlots, 'everyMs' | 'noteWaiting'>;
  /** Hears of webhooks for which something waits from now on. */
  onWaiting: (webhook: LimitedWebhook) => void;
}): PuttingOff {
  let gathering: { putOffs: PutOff[]; stored: Promise<Map<DeliveryId, number>> } | undefined;

  let lastAt = Number.NEGATIVE_INFINITY;

  async function store(putOffs: PutOff[]): Promise<Map<DeliveryId, number>> {
    await nextTurn();
    const waitMs = lastAt + apartMs - performance.now();
    if (waitMs > 0) await delay(waitMs);
    lastAt = performance.now();
    gathering = undefined;
    return putOffDeliveries(db, putOffs);
  }

  function gather(putOff: PutOff): Promise<Map<DeliveryId, number>> {
    if (gathering === undefined || gathering.putOffs.length >= mostPerStatement) {
      const putOffs: PutOff[] = [];
      gathering = { putOffs, stored: store(putOffs) };
    }
    gathering.putOffs.push(putOff);
    return gathering.stored;
  }

  return {
    async putOff({ id, webhook }, { hasHeadStart }) {
      noteWaiting({ limiter, slots }, webhook, waitingKnownMs);
      const stored = await gather({
        id,
        webhook_id: webhook.id,
        every_ms: isLimited(webhook) ? limiter.everyMs(webhook) : slots.everyMs,
        reason: waitingReason(webhook),
        has_head_start: hasHeadStart,
      });
      onWaiting(webhook);
      return stored.get(id) ?? null;
    },
  };
}
