import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isSameRange, rangeIn } from '../../workflows/recover-request.ts';

const now = Date.parse('2025-01-15T12:00:00Z');
const since = '2025-01-15T10:00:00.000Z';

describe('a request to send again what has ended', () => {
  it('is about what failed, until the moment of the request', () => {
    expect(rangeIn({ since: '2025-01-15T11:00:00+01:00' }, now)).toEqual({
      status: 'failed',
      since,
      until: '2025-01-15T12:00:00.000Z',
      is_open: true,
      is_marked: false,
    });
    expect(rangeIn({ since, asked_at: '2025-01-15T11:59:58Z' }, now)?.until).toBe('2025-01-15T11:59:58.000Z');
  });

  it('never reaches beyond that moment, so that what fails again is not sent again', () => {
    expect(rangeIn({ since, until: '2099-01-01T00:00:00Z' }, now)).toMatchObject({
      until: '2025-01-15T12:00:00.000Z',
      is_open: true,
    });
    expect(rangeIn({ since, until: '2025-01-15T10:30:00Z', status: 'cancelled' }, now)).toMatchObject({
      until: '2025-01-15T10:30:00.000Z',
      status: 'cancelled',
      is_open: false,
    });
  });

  it('is the same a moment later, but not with another time or status', () => {
    const first = rangeIn({ since }, now)!;
    expect(isSameRange(first, rangeIn({ since }, now + 1_000)!)).toBe(true);
    expect(isSameRange(first, rangeIn({ since, until: since }, now)!)).toBe(false);
    expect(isSameRange(first, rangeIn({ since, status: 'cancelled' }, now)!)).toBe(false);
    expect(isSameRange(first, rangeIn({ since: '2025-01-15T10:00:01Z' }, now)!)).toBe(false);
    const bounded = rangeIn({ since, until: '2025-01-15T11:00:00Z' }, now)!;
    expect(isSameRange(bounded, rangeIn({ since, until: '2025-01-15T11:00:00Z' }, now + 1)!)).toBe(true);
    expect(isSameRange(bounded, rangeIn({ since, until: '2025-01-15T11:00:01Z' }, now)!)).toBe(false);
  });

  it.each([
    undefined,
    null,
    'yesterday',
    {},
    { since: 'yesterday' },
    { since: 0 },
    { since, until: 'tomorrow' },
    { since, status: 'succeeded' },
    { since: '-000001-01-01T00:00:00Z' },
  ])('that makes no sense is none: %j', (request) => {
    expect(rangeIn(request, now)).toBeUndefined();
  });

  it('of any form is taken or left, and never throws', () => {
    fc.assert(
      fc.property(fc.anything(), (request) => {
        const range = rangeIn(request, now);
        if (range !== undefined) expect(Date.parse(range.until)).toBeLessThanOrEqual(now);
      }),
    );
  });
});
