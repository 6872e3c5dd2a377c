/** The delay before each attempt, the first included: as many attempts as there are delays. */
export interface DelayList {
  readonly delaysMs: readonly number[];
  /** 0–1: each delay is lengthened by a random part of up to this share of itself. */
  readonly jitter: number;
}

/** A first attempt at once, then `initialMs`, times `factor` for each further one, at most `maxMs`. */
export interface ExponentialBackoff {
  readonly initialMs: number;
  readonly factor: number;
  readonly maxMs: number;
  /** Attempts in all, the first included. */
  readonly attempts: number;
  /** As in `DelayList`. */
  readonly jitter: number;
}

/** When the attempts of a delivery are made. Plain JSON, so that it can be stored and overridden. */
export type RetrySchedule = DelayList | ExponentialBackoff;

/** What a schedule of a webhook's own may hold. */
export const retryScheduleLimits = {
  maxAttempts: 30,
  /** The longest single delay: 7 days. */
  maxDelayMs: 7 * 86_400_000,
  minFactor: 1,
  maxFactor: 10,
} as const;

/** How many attempts the schedule holds, the first included. */
export function attemptsOf(schedule: RetrySchedule): number {
  return 'delaysMs' in schedule ? schedule.delaysMs.length : schedule.attempts;
}

/** The schedule's delays in ms, one an attempt, without jitter. */
export function stepsOf(schedule: RetrySchedule): number[] {
  if ('delaysMs' in schedule) return [...schedule.delaysMs];
  const { initialMs, factor, maxMs, attempts } = schedule;
  return Array.from({ length: attempts }, (_, index) =>
    index === 0 ? 0 : Math.min(maxMs, initialMs * factor ** (index - 1)),
  );
}

export interface NextDelayOptions {
  /** What the receiver asked for in Retry-After, in ms from now. */
  readonly retryAfterMs?: number | null | undefined;
  /** Uniform in [0, 1): `Math.random`, or a workflow's own. */
  readonly random: () => number;
  /** Multiplies every delay, a receiver's own included; 1 but in tests (`SCHEDULE_SCALE`). */
  readonly scale: number;
}

/**
 * How long to wait, in whole ms, before the attempt that follows `attemptsMade` attempts; `null` when
 * the schedule is spent. Jitter only ever lengthens a step. A Retry-After is never earlier than the
 * step and never makes the wait longer than the schedule's longest step.
 */
export function nextDelayMs(
  schedule: RetrySchedule,
  attemptsMade: number,
  { retryAfterMs, random, scale }: NextDelayOptions,
): number | null {
  const steps = stepsOf(schedule);
  const step = steps[attemptsMade];
  if (step === undefined) return null;
  const jittered = step * (1 + schedule.jitter * random());
  const asked = Math.min(retryAfterMs ?? 0, Math.max(...steps));
  return Math.round(Math.max(jittered, asked) * scale);
}
