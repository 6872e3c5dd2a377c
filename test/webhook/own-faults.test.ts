import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { blamelessReasons, failureReasons } from '../../webhook/failure-reasons.ts';
import { delayAfterOwnFault, ownFaults } from '../../webhook/own-faults.ts';

const chance = { random: () => 0, scale: 1 };
const day = 86_400_000;

describe('an attempt that failed by a fault of ours', () => {
  test('is made again soon, then every quarter of an hour, for about a day', () => {
    const delays = Array.from({ length: 100 }, (_, beside) => delayAfterOwnFault('proxy', beside, chance));
    expect(delays.slice(0, 8)).toEqual([10, 20, 40, 80, 160, 320, 640, 900].map((s) => s * 1_000));
    const sum = delays.reduce<number>((total, ms) => total + (ms ?? 0), 0);
    expect(sum).toBeGreaterThan(0.9 * day);
    expect(sum).toBeLessThan(1.2 * day);
    expect(delayAfterOwnFault('proxy', 100, chance)).toBeNull();
  });

  test('is one of those that say nothing of the endpoint, and no other is', () => {
    for (const reason of failureReasons) {
      expect(delayAfterOwnFault(reason, 0, chance) !== null).toBe(ownFaults.includes(reason));
    }
    for (const reason of ownFaults) expect(blamelessReasons).toContain(reason);
  });

  test('waits for a whole number of ms, by up to a fifth longer, however often it was made', () => {
    fc.assert(
      fc.property(fc.nat(99), fc.double({ min: 0, max: 0.999, noNaN: true }), (beside, chosen) => {
        const usual = delayAfterOwnFault('proxy', beside, chance) ?? 0;
        const ms = delayAfterOwnFault('proxy', beside, { random: () => chosen, scale: 1 }) ?? -1;
        expect(Number.isInteger(ms)).toBe(true);
        expect(ms).toBeGreaterThanOrEqual(usual);
        expect(ms).toBeLessThanOrEqual(usual * 1.2);
      }),
    );
  });
});
