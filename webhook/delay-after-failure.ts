import type { FailureReason } from './failure-reasons.ts';
import { delayAfterOwnFault } from './own-faults.ts';
import { type NextDelayOptions, nextDelayMs, type RetrySchedule } from './retry-schedule.ts';

/** What is known of a failed attempt that may be followed by another. */
export interface FailedAttempt {
  readonly reason: FailureReason;
  /** How long the receiver asks the sender to wait, in ms; null when it does not ask. */
  readonly retryAfterMs: number | null;
  /** How many attempts of the schedule were made, this one included. */
  readonly attemptsMade: number;
  /**
   * How many were made beside the schedule before this one, because of faults of ours; undefined where its consumer says that it failed:
   * then it is none of ours, whatever the reason.
   */
  readonly attemptsBeside: number | undefined;
}

/** What follows a failed attempt. */
export interface AfterFailure {
  /** How long to wait before the next attempt, in whole ms; null when there is none. */
  readonly delayMs: number | null;
  /** Whether the failed attempt stands beside the schedule: it used up no step of it. */
  readonly isBeside: boolean;
}

/** A fault of ours that has not lasted for too long has its own delays (own-faults.ts); all else has the schedule's. */
export function delayAfterFailure(
  schedule: RetrySchedule,
  { reason, retryAfterMs, attemptsMade, attemptsBeside }: FailedAttempt,
  chance: Pick<NextDelayOptions, 'random' | 'scale'>,
): AfterFailure {
  const besideMs = attemptsBeside === undefined ? null : delayAfterOwnFault(reason, attemptsBeside, chance);
  return besideMs === null
    ? { delayMs: nextDelayMs(schedule, attemptsMade, { retryAfterMs, ...chance }), isBeside: false }
    : { delayMs: besideMs, isBeside: true };
}

/** What comes after an attempt that no other follows. */
export const notFollowed: AfterFailure = { delayMs: null, isBeside: false };
