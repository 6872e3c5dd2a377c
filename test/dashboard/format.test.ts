import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { counted, percent } from '../../dashboard/format/numbers.ts';
import { duration, fieldOfMoment, momentOfField, relativeTime } from '../../dashboard/format/time.ts';
import { reasonInWords } from '../../dashboard/format/words.ts';
import { durationsInText, textOfDurations } from '../../dashboard/pages/webhooks/durations.ts';
import { failureReasons } from '../../webhook/failure-reasons.ts';

describe('times and lengths of time', () => {
  test('a distance is told in the largest whole unit, behind and ahead', () => {
    const now = Date.parse('2025-01-15T10:00:00Z');
    const at = (ms: number) => relativeTime(new Date(now + ms).toISOString(), now);
    expect(at(-2_000)).toBe('just now');
    expect(at(-42_000)).toBe('42 s ago');
    expect(at(-120_000)).toBe('2 min ago');
    expect(at(7_200_000)).toBe('in 2 h');
    expect(at(-3 * 86_400_000)).toBe('3 d ago');
  });

  test('a length of time is short and right to one place', () => {
    expect([0, 820, 1_400, 30_000, 120_000, 7_200_000].map(duration)).toEqual([
      ...['0 ms', '820 ms', '1.4 s', '30 s', '2 min', '2 h'],
    ]);
  });

  test('what a field for a time holds is the moment that it was given, to the minute', () => {
    fc.assert(
      fc.property(
        fc.date({ min: new Date('2000-01-01'), max: new Date('2100-01-01'), noInvalidDate: true }),
        (date) => {
          date.setSeconds(0, 0);
          expect(momentOfField(fieldOfMoment(date.toISOString()))).toBe(date.toISOString());
        },
      ),
    );
    expect(momentOfField('')).toBeUndefined();
    expect(fieldOfMoment('nonsense')).toBe('');
  });
});

describe('numbers', () => {
  test('a share is never rounded up to all', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (share) => {
        expect(percent(share)).not.toMatch(/^100/);
      }),
    );
    expect(percent(1)).toBe('100 %');
  });

  test('one is one, others are many', () => {
    expect(counted(1, 'delivery', 'deliveries')).toBe('1 delivery');
    expect(counted(12_480, 'delivery', 'deliveries')).toBe('12,480 deliveries');
  });
});

test('every failure reason has words of its own', () => {
  const words = failureReasons.map(reasonInWords);
  expect(new Set(words).size).toBe(failureReasons.length);
  for (const [index, reason] of failureReasons.entries()) {
    expect(words[index]).not.toBe(reason.replaceAll('_', ' '));
  }
});

describe('a retry schedule as text', () => {
  test('is read back as it was', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 7 * 86_400_000 })), (durations) => {
        expect(durationsInText(textOfDurations(durations))).toEqual(durations);
      }),
    );
  });

  test('is taken with and without units, and nonsense is told', () => {
    expect(durationsInText('0, 30s, 2 m; 1.5 h')).toEqual([0, 30_000, 120_000, 5_400_000]);
    expect(durationsInText('soon')).toEqual([Number.NaN]);
  });
});
