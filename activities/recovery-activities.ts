import { Context } from '@temporalio/activity';
import type { Database } from '../db/database.ts';
import type { DeliveryId, WebhookId } from '../db/ids.ts';
import { countLeft, findRecovery, markEnded, takeBackMarked } from '../db/recoveries.ts';
import type { Lanes } from '../delivery/lanes.ts';
import type { PageEnd, RecoverySender, SentCounts } from '../delivery/recovery-sender.ts';
import { whileHeartbeating } from './heartbeat.ts';

/** A page of a recovery. */
export interface SentPage extends SentCounts {
  end: PageEnd;
  /** Deliveries a second. */
  rate: number;
  /** How many deliveries are still held, */
  left: number;
  /** and how many of these had ended and are to be sent again. */
  marked_left: number;
}

/** Ended deliveries that are to be sent again. Times are ISO 8601. */
export interface MarkedRange {
  status: 'failed' | 'cancelled';
  since: string;
  until: string;
}

export interface RecoveryActivities {
  /** Sends held deliveries, oldest first, at the webhook's recovery rate, for ten seconds at most. */
  sendHeld(webhookId: string): Promise<SentPage>;
  /** Marks ended deliveries to be sent again, for some seconds at most; answers how many, and whether those were all. */
  markEndedDeliveries(webhookId: string, range: MarkedRange): Promise<{ marked: number; is_done: boolean }>;
  /** Gives every marked delivery that is not yet sent its former status back; answers how many. */
  takeBackMarkedDeliveries(webhookId: string): Promise<number>;
}

const markForMs = 3_000;

export function createRecoveryActivities({
  db,
  sender,
  lanes,
}: {
  db: Database;
  lanes: Pick<Lanes, 'advanceEnded'>;
  sender: Pick<RecoverySender, 'sendPage'>;
}): RecoveryActivities {
  return {
    async sendHeld(webhookId) {
      const id = webhookId as WebhookId;
      const { info, cancellationSignal } = Context.current();
      // What a worker counted that died over it, as far as it had told.
      const before = info.heartbeatDetails as SentCounts | undefined;
      const counts: SentCounts = { sent: 0, succeeded: 0, failed: 0, ...before };
      const end = await whileHeartbeating(
        () => sender.sendPage(id, counts, cancellationSignal),
        () => counts,
      );
      const { held, marked } = await countLeft(db, id);
      const rate = (await findRecovery(db, id, new Date()))?.recovery_rate ?? 0;
      return { ...counts, end, rate, left: held, marked_left: marked };
    },

    markEndedDeliveries: (webhookId, { status, since, until }) =>
      whileHeartbeating(async () => {
        const range = { status, since: new Date(since), until: new Date(until) };
        const endsAt = performance.now() + markForMs;
        let marked = 0;
        let isDone = false;
        while (!isDone && performance.now() < endsAt) {
          const count = await markEnded(db, webhookId as WebhookId, range);
          marked += count;
          isDone = count === 0;
        }
        await lanes.advanceEnded(webhookId as WebhookId);
        return { marked, is_done: isDone };
      }),

    takeBackMarkedDeliveries: (webhookId) =>
      whileHeartbeating(async () => {
        let takenBack = 0;
        for (let after: DeliveryId | null = null; ; ) {
          const { count, last } = await takeBackMarked(db, webhookId as WebhookId, after);
          if (last === null) {
            await lanes.advanceEnded(webhookId as WebhookId);
            return takenBack;
          }
          takenBack += count;
          after = last;
        }
      }),
  };
}
