import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { addCounts, latencyBound, mostLatencyClass, percentile } from '../../db/latency.ts';

/** As the database sorts them. */
const classOf = (ms: number) =>
  Math.min(mostLatencyClass, Math.max(0, Math.ceil(3 * Math.log2(Math.max(ms, 1)))));
const countsOf = (durations: readonly number[]) =>
  durations.reduce<number[]>((counts, ms) => addCounts(counts, [...Array(classOf(ms)).fill(0), 1]), []);

describe('a percentile of latencies in classes', () => {
  test('is within a class, which is a quarter, of the true one', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 1, maxLength: 200 }),
        fc.constantFrom(0.5, 0.95),
        (durations, share) => {
          const sorted = durations.toSorted((a, b) => a - b);
          const exact = sorted[Math.ceil(share * sorted.length) - 1] ?? 0;
          const told = percentile(countsOf(durations), share) ?? 0;
          expect(told).toBeGreaterThanOrEqual(Math.floor(exact / 1.27) - 1);
          expect(told).toBeLessThanOrEqual(Math.ceil(exact * 1.27) + 1);
        },
      ),
    );
  });

  test('is null of nothing, and the classes reach beyond the longest attempt', () => {
    expect([percentile([], 0.5), percentile([0, 0], 0.5)]).toEqual([null, null]);
    expect(latencyBound(mostLatencyClass)).toBeGreaterThan(60_000);
  });
});
