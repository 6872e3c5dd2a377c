import type { Logger } from 'pino';
import { filteredReason } from '../db/deliveries.ts';
import type { LoadedDelivery } from '../db/due-deliveries.ts';
import type { Sealer } from '../db/encryption.ts';
import { expiredReason } from '../db/expired-deliveries.ts';
import { type AttemptId, type DeliveryId, newId } from '../db/ids.ts';
import type { AttemptRecord } from '../db/record-attempts.ts';
import type { AttemptTrigger, DeliveryStatus } from '../db/schema.ts';
import type { Cidr } from '../webhook/address-policy.ts';
import { delayAfterFailure, notFollowed } from '../webhook/delay-after-failure.ts';
import { isLimited } from '../webhook/endpoint-limits.ts';
import { isOwnFault } from '../webhook/own-faults.ts';
import { judge } from '../webhook/response-rules.ts';
import type { AccessTokens } from './access-tokens.ts';
import { logAttempt, responseOf } from './attempt-record.ts';
import { attemptsBeside } from './attempts-beside.ts';
import type { EndpointLimiter } from './endpoint-limiter.ts';
import { type Expirer, hasExpired } from './expirer.ts';
import type { Expressions } from './expressions.ts';
import type { FailureTeller } from './failure-teller.ts';
import type { HealthReporter } from './health-reporter.ts';
import type { HttpClient } from './http-client.ts';
import { createInHand } from './in-hand.ts';
import type { Lanes } from './lanes.ts';
import { notSent, postDelivery } from './post-delivery.ts';
import type { Recorder } from './recorder.ts';
import { askFilterAgain, isFilterDue } from './shaped-body.ts';
import { createTargetOpener } from './target.ts';

/** Where a delivery stands after an attempt. */
export interface AttemptOutcome {
  status: DeliveryStatus;
  /** The attempt's number within its delivery. */
  number: number;
  /** Why it failed, in words; empty when it succeeded. */
  reason: string;
  /** When the next attempt is due, in ms of `performance.now()`, which no setting of the clock moves. */
  due_at: number | null;
  /** No further attempt can change it, whatever becomes of the endpoint. */
  is_final: boolean;
  /** The endpoint answered 410: it wants no more. */
  is_gone: boolean;
  /** It failed by a fault of ours: the endpoint was not asked. */
  is_own_fault?: boolean;
}

/**
 * Makes attempts: one POST each, judged by the profile's rules and recorded. Whoever asks, none begins once its event has expired: then
 * the delivery has ended as `expired`, and nothing is recorded.
 */
export interface Attempter {
  /**
   * The next attempt of the delivery's schedule. While one is under way in this process, a second call joins it. `release` is
   * called as soon as the POST of this call is over, before it is recorded: the endpoint need not wait for the database.
   */
  attempt(delivery: LoadedDelivery, release?: () => void): Promise<AttemptOutcome>;
  /** An attempt that someone asked for: outside the schedule, and never followed by another. */
  attemptManually(delivery: LoadedDelivery, id: AttemptId): Promise<AttemptOutcome>;
  /** An attempt of a held delivery, to see whether its disabled endpoint is well. Its failure uses up no step of the schedule. */
  probe(delivery: LoadedDelivery): Promise<AttemptOutcome>;
  /** Resolves once no attempt is under way. */
  idle(): Promise<void>;
}

export function createAttempter(dependencies: {
  http: HttpClient;
  tokens: AccessTokens;
  recorder: Recorder;
  reporter: HealthReporter;
  failures: Pick<FailureTeller, 'tell'>;
  limiter: Pick<EndpointLimiter, 'count'>;
  expirer: Expirer;
  lanes: Pick<Lanes, 'advance' | 'tryAgain'>;
  expressions: Pick<Expressions, 'filter' | 'transform'>;
  /** How often a delivery was attempted beside its schedule because of faults of ours. */
  countBeside: (id: DeliveryId) => Promise<number>;
  /** Ends a delivery that its webhook's filter keeps from it after all. */
  cancelFiltered: (id: DeliveryId) => Promise<void>;
  sealer: Sealer;
  userAgent: string;
  /** Multiplies every retry delay: 1 but in tests. */
  scheduleScale: number;
  random: () => number;
  allowedPrivateCidrs: readonly Cidr[];
  log: Logger;
}): Attempter {
  const { recorder, reporter, failures, limiter, expirer, lanes, expressions, cancelFiltered, countBeside } =
    dependencies;
  const { scheduleScale, random, log } = dependencies;
  const targets = createTargetOpener(dependencies);
  const underWay = createInHand<string, Promise<AttemptOutcome>>();

  async function make(
    delivery: LoadedDelivery,
    id: AttemptId,
    trigger: AttemptTrigger,
    release: () => void = () => {},
  ): Promise<AttemptOutcome> {
    const isAsked = isFilterDue(delivery, trigger) && !hasExpired(delivery);
    const asked = isAsked ? await askFilterAgain(expressions, delivery) : 'passes';
    if (asked === 'filtered') {
      release();
      return endFiltered(delivery);
    }
    // The filter may have been waited for.
    if (hasExpired(delivery)) {
      release();
      return expire(delivery);
    }
    const target = targets.open(delivery.webhook);
    const startedAt = new Date();
    // Those of the schedule have waited for their turn.
    const isCounted = trigger !== 'schedule' && isLimited(delivery.webhook);
    const uncount = isCounted ? limiter.count(delivery.webhook) : undefined;
    const posting =
      asked === 'passes' ? postDelivery(delivery, target, startedAt, dependencies) : notSent(asked);
    const posted = await Promise.resolve(posting).finally(() => {
      uncount?.();
      release();
    });
    if (posted === undefined) return expire(delivery);
    const { headers, body, answer } = posted;
    const verdict = judge(target.profile, answer, { now: Date.now() });
    const isFollowed = trigger === 'schedule' && verdict.outcome === 'failed' && verdict.retryable;
    const next = isFollowed
      ? delayAfterFailure(
          target.retrySchedule,
          {
            reason: verdict.reason,
            retryAfterMs: verdict.retryAfterMs,
            attemptsMade: delivery.scheduled_attempts + 1,
            attemptsBeside: await attemptsBeside(delivery, verdict.reason, countBeside),
          },
          { random, scale: scheduleScale },
        )
      : notFollowed;
    const delayMs = next.delayMs === null ? null : Math.min(next.delayMs, expiresInMs(delivery));
    const dueAt = delayMs === null ? null : performance.now() + delayMs;
    const record: AttemptRecord = {
      id,
      delivery_id: delivery.id,
      webhook_id: delivery.webhook.id,
      account_id: delivery.account_id,
      trigger,
      started_at: startedAt,
      duration_ms: answer.durationMs,
      url: target.url,
      request_headers: headers,
      ...(body === null ? {} : { request_body: body }),
      succeeded: verdict.outcome === 'succeeded',
      reason: verdict.outcome === 'failed' ? verdict.reason : null,
      detail: verdict.outcome === 'failed' ? verdict.detail : null,
      ...responseOf(answer),
      is_awaited: delivery.lane !== null,
      blocks:
        verdict.outcome === 'failed' && delayMs === null && trigger === 'schedule' && blocksLane(delivery),
      is_beside: next.isBeside,
      next_attempt_at: delayMs === null ? null : new Date(Date.now() + delayMs),
    };
    const { status, number, outcome_number, is_blocking, is_untold } = await recorder.record(record);
    const isGone = verdict.outcome === 'failed' && verdict.disablesEndpoint;
    if (is_untold) failures.tell(delivery.id);
    if (outcome_number !== null) {
      reporter.report(record, {
        number: outcome_number,
        succeeded: record.succeeded,
        spent_delivery: !record.succeeded && (status === 'failed' || is_blocking),
        ...(is_blocking ? { blocks: true } : {}),
        gone: isGone,
        at: startedAt.toISOString(),
        ...(record.detail === null ? {} : { reason: record.detail }),
      });
    }
    const { event, workflow_id } = delivery;
    logAttempt(log, record, { attempt: number, event_id: event.id, workflow_id });
    return {
      status,
      number,
      reason: record.detail ?? '',
      due_at: dueAt,
      is_gone: isGone,
      is_final: verdict.outcome === 'failed' && !verdict.retryable && !isGone,
      is_own_fault: verdict.outcome === 'failed' && isOwnFault(verdict.reason),
    };
  }

  async function expire({ id, attempt_count }: LoadedDelivery): Promise<AttemptOutcome> {
    const status = await expirer.end(id);
    const outcome = { status, number: attempt_count, reason: expiredReason, due_at: null };
    return { ...outcome, is_final: false, is_gone: false };
  }

  /** No attempt: it is as if the filter had said so when the event came in. */
  async function endFiltered(delivery: LoadedDelivery): Promise<AttemptOutcome> {
    await cancelFiltered(delivery.id);
    const { attempt_count: number } = delivery;
    return {
      status: 'cancelled',
      number,
      reason: filteredReason,
      due_at: null,
      is_final: true,
      is_gone: false,
    };
  }

  /** When it has ended, the next of its lane is on its way before anybody hears of it. */
  async function makeInLane(...attempt: Parameters<typeof make>): Promise<AttemptOutcome> {
    const outcome = await make(...attempt);
    const [delivery, , trigger] = attempt;
    const { lane, webhook } = delivery;
    if (lane !== null && isEnded(outcome.status)) await lanes.advance({ webhook_id: webhook.id, lane });
    else if (outcome.status === 'pending' && trigger === 'schedule') lanes.tryAgain(delivery);
    return outcome;
  }

  /** One attempt under a key at a time: whoever asks again meanwhile gets the same outcome. */
  function joined(key: string, ...attempt: Parameters<typeof make>): Promise<AttemptOutcome> {
    const [{ lane }] = attempt;
    const start = lane === null ? make : makeInLane;
    const running = underWay.get(key) ?? start(...attempt).finally(() => underWay.delete(key));
    underWay.set(key, running);
    return running;
  }

  return {
    attempt: (delivery, release) =>
      joined(delivery.id, delivery, newId('att'), delivery.event.is_test ? 'test' : 'schedule', release),
    attemptManually: (delivery, id) => joined(id, delivery, id, 'manual'),
    probe: (delivery) => joined(delivery.id, delivery, newId('att'), 'probe'),
    async idle() {
      while (underWay.size > 0) await Promise.allSettled(underWay.values());
    },
  };
}

/** When its event expires, it is looked after once more. */
function expiresInMs({ expires_at }: LoadedDelivery): number {
  return expires_at === null ? Number.POSITIVE_INFINITY : Math.max(0, expires_at.getTime() - Date.now());
}

/** Whether those behind it in its lane wait when it fails for good. */
export function blocksLane({ lane, webhook }: LoadedDelivery): boolean {
  return lane !== null && webhook.on_failure === 'block';
}

function isEnded(status: DeliveryStatus): boolean {
  return status !== 'pending' && status !== 'held';
}
