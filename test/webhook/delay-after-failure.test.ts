import fc from 'fast-check';
import { expect, test } from 'vitest';
import { delayAfterFailure } from '../../webhook/delay-after-failure.ts';
import { failureReasons } from '../../webhook/failure-reasons.ts';
import { isOwnFault, ownFaults } from '../../webhook/own-faults.ts';

const schedule = { delaysMs: [0, 60_000, 120_000], jitter: 0 };
const chance = { random: () => 0, scale: 1 };
const reasons = fc.constantFrom(...failureReasons);
const faults = fc.constantFrom(...ownFaults);
const fewBeside = fc.nat(99);
const made = fc.integer({ min: 1, max: 4 });
const retryAfter = fc.option(fc.nat(200_000));

/** What the schedule says, by hand: a step is made longer by what the receiver asks, up to the longest. */
function stepOf(attemptsMade: number, retryAfterMs: number | null): number | null {
  const step = schedule.delaysMs[attemptsMade];
  return step === undefined ? null : Math.max(step, Math.min(retryAfterMs ?? 0, 120_000));
}

test('a fault of ours uses up no step: not the last one either, and whatever the receiver asked for', () => {
  fc.assert(
    fc.property(faults, fewBeside, made, retryAfter, (reason, attemptsBeside, attemptsMade, retryAfterMs) => {
      const failed = { reason, retryAfterMs, attemptsMade, attemptsBeside };
      const { delayMs, isBeside } = delayAfterFailure(schedule, failed, chance);
      expect(isBeside).toBe(true);
      expect(delayMs).toBe(Math.min(900_000, 10_000 * 2 ** attemptsBeside));
    }),
  );
});

test('a fault of ours that has lasted for too long goes by the schedule', () => {
  fc.assert(
    fc.property(faults, fewBeside, made, retryAfter, (reason, more, attemptsMade, retryAfterMs) => {
      const failed = { reason, retryAfterMs, attemptsMade, attemptsBeside: 100 + more };
      expect(delayAfterFailure(schedule, failed, chance)).toEqual({
        delayMs: stepOf(attemptsMade, retryAfterMs),
        isBeside: false,
      });
    }),
  );
});

test("another's fault goes by the schedule, and so does every reason that a consumer gives", () => {
  const beside = fc.option(fewBeside, { nil: undefined });
  fc.assert(
    fc.property(reasons, beside, made, retryAfter, (reason, count, attemptsMade, retryAfterMs) => {
      const attemptsBeside = isOwnFault(reason) ? undefined : count;
      const failed = { reason, retryAfterMs, attemptsMade, attemptsBeside };
      expect(delayAfterFailure(schedule, failed, chance)).toEqual({
        delayMs: stepOf(attemptsMade, retryAfterMs),
        isBeside: false,
      });
    }),
  );
});
