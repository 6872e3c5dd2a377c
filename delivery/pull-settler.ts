import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import type { LoadedWebhook } from '../db/due-deliveries.ts';
import { type AccountId, type DeliveryId, newId, type WebhookId } from '../db/ids.ts';
import type { AttemptRecord, RecordedAttempt } from '../db/record-attempts.ts';
import type { DeliveryStatus } from '../db/schema.ts';
import {
  type HandedOut,
  mostSettled,
  type Places,
  type Settleable,
  type Settled,
  settleQueued,
} from '../db/settle-queued.ts';
import type { Answer } from '../webhook/answer.ts';
import { delayAfterFailure, notFollowed } from '../webhook/delay-after-failure.ts';
import { judge } from '../webhook/response-rules.ts';
import { logAttempt, responseOf } from './attempt-record.ts';
import type { FailureTeller } from './failure-teller.ts';
import type { PullCursor } from './pull-cursor.ts';
import { rulesOf } from './target.ts';

/** A webhook whose deliveries are pulled, as far as their attempts need it. */
export interface PulledWebhook extends Pick<LoadedWebhook, 'profile' | 'retry_schedule' | 'timeout_ms'> {
  id: WebhookId;
  account_id: AccountId;
}

/** Where a delivery stands after what its consumer said of it. */
export interface PullOutcome {
  delivery_id: DeliveryId;
  status: DeliveryStatus;
  /** When it can be pulled again; null when it has ended. */
  next_attempt_at: Date | null;
}

/** What its consumer says of a delivery at a place. */
export interface PullResult extends Pick<PullCursor, 'number' | 'at_ms'> {
  answer: Answer;
  /**
   * It is Postrider that says so, of what nobody got: then a fault of ours uses up no step of the schedule. How many such attempts there
   * were (webhook/own-faults.ts).
   */
  attempts_beside?: number;
}

/** Records what consumers say of what they have pulled. */
export interface PullSettler {
  /** All up to a place are done; answers how many were not before. */
  acknowledge(webhook: PulledWebhook, cursor: Pick<PullCursor, 'number' | 'at_ms'>): Promise<number>;
  /**
   * What came of some, judged as the answers of a URL, in one transaction. Answers in their order: undefined for what no longer has its
   * place, and for what was said of it before.
   */
  report(webhook: PulledWebhook, results: readonly PullResult[]): Promise<(PullOutcome | undefined)[]>;
}

/** The longest that an attempt can have taken, in ms. */
const mostDurationMs = 2 ** 31 - 1;

export function createPullSettler({
  db,
  failures,
  scheduleScale,
  onSettled,
  log,
}: {
  db: Database;
  failures: Pick<FailureTeller, 'tell'>;
  /** Multiplies every retry delay: 1 but in tests. */
  scheduleScale: number;
  /** Hears of every attempt that was recorded. */
  onSettled: (record: AttemptRecord, recorded: RecordedAttempt) => void;
  log: Logger;
}): PullSettler {
  async function settle(
    webhook: PulledWebhook,
    places: Places,
    recordOf: (delivery: Settleable) => AttemptRecord,
  ) {
    const settled = await settleQueued(db, webhook.id, places, recordOf);
    for (const { record, recorded } of settled) {
      if (recorded.is_untold) failures.tell(recorded.delivery_id);
      onSettled(record, recorded);
      logAttempt(log, record, { attempt: recorded.number });
    }
    return settled;
  }

  function recordOfAnswer(
    webhook: PulledWebhook,
    delivery: Settleable,
    { answer, attempts_beside }: PullResult,
  ): AttemptRecord {
    const { profile, retrySchedule } = rulesOf(webhook);
    const verdict = judge(profile, answer, { now: Date.now() });
    const record = { ...doneRecord(webhook, delivery, answer.durationMs), ...responseOf(answer) };
    if (verdict.outcome === 'succeeded') return record;
    const { reason, detail, retryAfterMs } = verdict;
    const isFollowed = verdict.retryable && !delivery.is_test;
    const attemptsMade = delivery.scheduled_attempts + 1;
    const { delayMs, isBeside } = isFollowed
      ? delayAfterFailure(
          retrySchedule,
          { reason, retryAfterMs, attemptsMade, attemptsBeside: attempts_beside },
          { random: Math.random, scale: scheduleScale },
        )
      : notFollowed;
    const next_attempt_at = delayMs === null ? null : new Date(Date.now() + delayMs);
    return { ...record, succeeded: false, reason, detail, is_beside: isBeside, next_attempt_at };
  }

  return {
    async acknowledge(webhook, { number, at_ms }) {
      const now = Date.now();
      const durationMs = Math.min(Math.max(0, now - at_ms), mostDurationMs);
      const places = { up_to: handedOut(number, at_ms) };
      for (let count = 0; ; ) {
        const settled = await settle(webhook, places, (delivery) =>
          doneRecord(webhook, delivery, durationMs),
        );
        count += settled.length;
        if (settled.length < mostSettled) return count;
      }
    },

    async report(webhook, results) {
      const first = new Map<number, PullResult>();
      for (const result of results) if (!first.has(result.number)) first.set(result.number, result);
      const these = [
        ...new Map(results.map(({ number, at_ms }) => [number, handedOut(number, at_ms)])).values(),
      ];
      const settled = await settle(webhook, { these }, (delivery) =>
        recordOfAnswer(webhook, delivery, first.get(delivery.number) as PullResult),
      );
      const outcomes = new Map(settled.map((one) => [one.number, outcomeOf(one)]));
      return results.map(({ number }) => {
        const outcome = outcomes.get(number);
        outcomes.delete(number);
        return outcome;
      });
    },
  };
}

/** Not later than now, whatever its consumer has made of the cursor. */
function handedOut(number: number, at_ms: number): HandedOut {
  return { number, at: new Date(Math.min(at_ms, Date.now())) };
}

/** What has expired by its next attempt is not pulled again. */
function outcomeOf({ record, expires_ms, recorded: { status } }: Settled): PullOutcome {
  const { delivery_id, next_attempt_at } = record;
  const isToCome =
    status === 'queued' && (next_attempt_at?.getTime() ?? 0) < (expires_ms ?? Number.POSITIVE_INFINITY);
  return { delivery_id, status, next_attempt_at: isToCome ? next_attempt_at : null };
}

/** Of a delivery of which its consumer says that it is done. */
function doneRecord(
  { id, account_id }: PulledWebhook,
  delivery: Settleable,
  durationMs: number,
): AttemptRecord {
  return {
    id: newId('att'),
    ...{ delivery_id: delivery.id, webhook_id: id, account_id },
    trigger: delivery.is_test ? 'test' : 'pull',
    started_at: new Date(Date.now() - durationMs),
    duration_ms: durationMs,
    url: null,
    request_headers: {},
    ...{ succeeded: true, reason: null, detail: null, next_attempt_at: null },
    ...{ response_status: null, response_headers: null, response_body: null, response_truncated: false },
  };
}
