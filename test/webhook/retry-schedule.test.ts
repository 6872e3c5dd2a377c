import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { profileNames, profiles } from '../../webhook/profiles.ts';
import {
  attemptsOf,
  nextDelayMs,
  type RetrySchedule,
  retryScheduleLimits,
  stepsOf,
} from '../../webhook/retry-schedule.ts';

const { maxAttempts, maxDelayMs, minFactor, maxFactor } = retryScheduleLimits;
const jitter = fc.double({ min: 0, max: 1, noNaN: true });
const delay = fc.integer({ min: 0, max: maxDelayMs });
const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });
const schedules: fc.Arbitrary<RetrySchedule> = fc.oneof(
  fc.record({ delaysMs: fc.array(delay, { minLength: 1, maxLength: maxAttempts }), jitter }),
  fc.record({
    initialMs: delay,
    factor: fc.double({ min: minFactor, max: maxFactor, noNaN: true }),
    maxMs: delay,
    attempts: fc.integer({ min: 1, max: maxAttempts }),
    jitter,
  }),
  fc.constantFrom(...profileNames.map((name) => profiles[name].retrySchedule)),
);

const plain = { random: () => 0, scale: 1 };

describe('the schedule of seed 003', () => {
  const { retrySchedule } = profiles.inbox;

  test("gives the table's delays, and nothing after the sixth attempt", () => {
    const delays = [0, 1, 2, 3, 4, 5, 6, 7].map((made) => nextDelayMs(retrySchedule, made, plain));
    expect(delays).toEqual([0, 30_000, 120_000, 480_000, 1_920_000, 7_200_000, null, null]);
  });

  test('has no jitter', () => {
    expect(nextDelayMs(retrySchedule, 1, { random: () => 0.999, scale: 1 })).toBe(30_000);
  });

  test('shrinks with the scale', () => {
    expect(nextDelayMs(retrySchedule, 5, { ...plain, scale: 0.001 })).toBe(7_200);
  });
});

test('an exponential schedule multiplies up to its longest step', () => {
  const schedule = { initialMs: 1_000, factor: 3, maxMs: 10_000, attempts: 6, jitter: 0 };
  expect(stepsOf(schedule)).toEqual([0, 1_000, 3_000, 9_000, 10_000, 10_000]);
});

test('the standard schedule reaches 75 h 35 min 5 s, and jitter adds at most a tenth', () => {
  const { retrySchedule } = profiles.standard;
  const total = (random: () => number) =>
    stepsOf(retrySchedule).reduce(
      (sum, _, made) => sum + (nextDelayMs(retrySchedule, made, { random, scale: 1 }) ?? Number.NaN),
      0,
    );
  const documented = ((75 * 60 + 35) * 60 + 5) * 1_000;
  expect(total(() => 0)).toBe(documented);
  expect(total(() => 1)).toBeCloseTo(documented * 1.1, -1);
});

describe('Retry-After', () => {
  const { retrySchedule } = profiles.inbox;
  const asked = (retryAfterMs: number | null, made = 2, scale = 1) =>
    nextDelayMs(retrySchedule, made, { ...plain, retryAfterMs, scale });

  test('later than the step is heeded', () => expect(asked(600_000)).toBe(600_000));
  test('earlier than the step changes nothing', () => expect(asked(1_000)).toBe(120_000));
  test('later than the longest step is cut to it', () => expect(asked(86_400_000)).toBe(7_200_000));
  test('none changes nothing', () => expect(asked(null)).toBe(120_000));
  test('does not bring back a spent schedule', () => expect(asked(1_000, 6)).toBeNull());
  test('is scaled as the steps are', () => expect(asked(600_000, 2, 0.001)).toBe(600));
});

describe('every schedule', () => {
  test('has a delay before each of its attempts and none after the last', () => {
    fc.assert(
      fc.property(schedules, random, fc.nat({ max: 100 }), (schedule, share, made) => {
        const next = nextDelayMs(schedule, made, { random: () => share, scale: 1 });
        expect(next === null).toBe(made >= attemptsOf(schedule));
      }),
    );
  });

  test('waits whole milliseconds, never fewer than its step, never more than its jitter allows', () => {
    fc.assert(
      fc.property(schedules, random, (schedule, share) => {
        stepsOf(schedule).forEach((step, made) => {
          const next = nextDelayMs(schedule, made, { random: () => share, scale: 1 });
          expect(Number.isInteger(next)).toBe(true);
          expect(next).toBeGreaterThanOrEqual(Math.floor(step));
          expect(next).toBeLessThanOrEqual(Math.ceil(step * (1 + schedule.jitter)));
        });
      }),
    );
  });

  test('with a Retry-After waits neither less than without nor longer than its longest step', () => {
    fc.assert(
      fc.property(schedules, random, fc.nat({ max: 30 * 86_400_000 }), (schedule, share, retryAfterMs) => {
        const steps = stepsOf(schedule);
        steps.forEach((_, made) => {
          const options = { random: () => share, scale: 1 };
          const without = nextDelayMs(schedule, made, options) ?? Number.NaN;
          const next = nextDelayMs(schedule, made, { ...options, retryAfterMs });
          expect(next).toBeGreaterThanOrEqual(without);
          expect(next).toBeLessThanOrEqual(Math.max(without, Math.ceil(Math.max(...steps))));
        });
      }),
    );
  });

  test('takes as long in all as its steps say, within its jitter', () => {
    fc.assert(
      fc.property(schedules, random, (schedule, share) => {
        const steps = stepsOf(schedule);
        const sum = (delays: number[]) => delays.reduce((total, delay) => total + delay, 0);
        const total = sum(
          steps.map(
            (_, made) => nextDelayMs(schedule, made, { random: () => share, scale: 1 }) ?? Number.NaN,
          ),
        );
        expect(total).toBeGreaterThanOrEqual(sum(steps) - steps.length);
        expect(total).toBeLessThanOrEqual(sum(steps) * (1 + schedule.jitter) + steps.length);
      }),
    );
  });
});
