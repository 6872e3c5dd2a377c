import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseRetryAfter, retryAfterOf } from '../../webhook/retry-after.ts';

const now = Date.parse('1994-11-06T08:49:00Z');

describe('parseRetryAfter', () => {
  test.each([
    ['0', 0],
    ['120', 120_000],
    [' 7 ', 7_000],
    ['Sun, 06 Nov 1994 08:49:37 GMT', 37_000],
    ['Sunday, 06-Nov-94 08:49:37 GMT', 37_000],
    ['Sun Nov  6 08:49:37 1994', 37_000],
    ['Sun, 06 Nov 1994 08:48:37 GMT', 0],
  ])('reads %j', (value, expected) => {
    expect(parseRetryAfter(value, now)).toBe(expected);
  });

  test.each([
    '',
    '-1',
    '1.5',
    '1e3',
    'soon',
    'Sun, 06 Now 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 25:49:37 GMT',
    'Sun, 06 Nov 1994 08:49:37 CET',
    '1994-11-06T08:49:37Z',
  ])('takes %j for no answer', (value) => {
    expect(parseRetryAfter(value, now)).toBeNull();
  });

  test('a two-digit year is the next with those digits, unless that is over 50 years ahead', () => {
    const yearOf = (digits: string) => {
      const wait = parseRetryAfter(
        `Sunday, 06-Nov-${digits} 08:49:37 GMT`,
        Date.parse('2026-01-01T00:00:00Z'),
      );
      return wait === 0
        ? 'past'
        : new Date(Date.parse('2026-01-01T00:00:00Z') + (wait ?? 0)).getUTCFullYear();
    };
    expect(yearOf('76')).toBe(2076);
    expect(yearOf('77')).toBe('past');
  });

  test('reads back any date in the form that servers send', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 10 * 365 * 86_400 }), (seconds) => {
        const date = new Date(now + seconds * 1_000);
        expect(parseRetryAfter(date.toUTCString(), now)).toBe(seconds * 1_000);
      }),
    );
  });

  test('an absurd number of seconds stays a number', () => {
    expect(parseRetryAfter('9'.repeat(400), now)).toBe(Number.MAX_SAFE_INTEGER);
  });
});

describe('retryAfterOf', () => {
  const answered = (status: number, headers: Record<string, string>) =>
    ({ kind: 'answered', status, headers, body: '', bodyTruncated: false, durationMs: 1 }) as const;

  test.each([429, 503])('heeds the header on %d', (status) => {
    expect(retryAfterOf(answered(status, { 'retry-after': '5' }), now)).toBe(5_000);
    expect(retryAfterOf(answered(status, {}), now)).toBeNull();
  });

  test.each([200, 301, 404, 500])('does not heed it on %d', (status) => {
    expect(retryAfterOf(answered(status, { 'retry-after': '5' }), now)).toBeNull();
  });

  test('an attempt without an answer asks for nothing', () => {
    expect(retryAfterOf({ kind: 'failed', reason: 'timeout', detail: '', durationMs: 1 }, now)).toBeNull();
  });
});
