import fc from 'fast-check';
import { expect, it } from 'vitest';
import { latenciesOf, median, percentile } from '../../bench/percentiles.ts';

const values = fc.array(fc.double({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 300 });

it('a percentile is one of the values, and the least that so many do not exceed', () => {
  fc.assert(
    fc.property(values, fc.double({ min: 0.1, max: 100, noNaN: true }), (list, percent) => {
      const sorted = Float64Array.from(list).sort();
      const found = percentile(sorted, percent) as number;
      expect(list).toContain(found);
      const share = (limit: number) => list.filter((value) => value <= limit).length / list.length;
      expect(share(found)).toBeGreaterThanOrEqual(percent / 100 - 1e-9);
      for (const smaller of sorted.filter((value) => value < found)) {
        expect(share(smaller)).toBeLessThan(percent / 100 + 1e-9);
      }
    }),
  );
});

it('of a hundred values the 99th percentile is the 99th', () => {
  const latencies = latenciesOf(Float64Array.from({ length: 100 }, (_, index) => 100 - index));
  expect(latencies).toEqual({ count: 100, p50: 50, p90: 90, p99: 99, p999: 100, max: 100 });
});

it('percentiles rise, and the last is the greatest value', () => {
  fc.assert(
    fc.property(values, (list) => {
      const { count, p50, p90, p99, p999, max } = latenciesOf(Float64Array.from(list)) ?? {};
      expect(count).toBe(list.length);
      expect(max).toBe(Math.max(...list));
      const rising = [p50, p90, p99, p999, max] as number[];
      expect([...rising].sort((a, b) => a - b)).toEqual(rising);
    }),
  );
});

it('nothing has no percentiles and no median', () => {
  expect(latenciesOf(new Float64Array())).toBeUndefined();
  expect(median([])).toBeUndefined();
});

it('the median of three is the middle one, and of two their mean', () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([1, 4])).toBe(2.5);
});
