import { describe, expect, test } from 'vitest';
import type { Answered } from '../../webhook/answer.ts';
import { describeFailure, failureReasons } from '../../webhook/failure-reasons.ts';
import { profileNames, profiles } from '../../webhook/profiles.ts';
import { judge } from '../../webhook/response-rules.ts';

const now = Date.parse('2025-01-15T10:25:03Z');
const statuses = Array.from({ length: 400 }, (_, index) => 200 + index);

function answered(status: number, headers: Record<string, string> = {}): Answered {
  return { kind: 'answered', status, headers, body: '', bodyTruncated: false, durationMs: 1 };
}

/** The rules once more, as a table of exceptions: what is not in it is tried again. */
const finalStatuses: Record<string, number[]> = {
  inbox: [410],
  'inbox-components': [410],
  'app-inbox': [400, 410],
  omnichannel: [410],
  standard: [410],
};

describe.each(profileNames)('%s', (name) => {
  const profile = profiles[name];

  test.each(statuses)('judges %d by its rule', (status) => {
    const verdict = judge(profile, answered(status), { now });
    if (status < 300) return expect(verdict).toEqual({ outcome: 'succeeded' });
    expect(verdict).toMatchObject({
      outcome: 'failed',
      reason: status < 400 ? 'redirect' : status === 410 ? 'gone' : 'http_status',
      retryable: !finalStatuses[name]?.includes(status),
      disablesEndpoint: status === 410,
      retryAfterMs: null,
    });
    return expect('detail' in verdict && verdict.detail).toContain(`answered ${status}`);
  });

  test.each(failureReasons.filter((reason) => reason !== 'unsendable'))('tries again after %s', (reason) => {
    const answer = { kind: 'failed', reason, detail: 'in words', durationMs: 1 } as const;
    expect(judge(profile, answer, { now })).toEqual({
      outcome: 'failed',
      reason,
      detail: 'in words',
      retryable: true,
      disablesEndpoint: false,
      retryAfterMs: null,
    });
  });
});

test("the seeds' own list for app-inbox holds: 401, 429, 500, 502 and 503 are retried, 400 is not and says why", () => {
  const verdict = (status: number) => judge(profiles['app-inbox'], answered(status), { now });
  for (const status of [401, 429, 500, 502, 503]) expect(verdict(status)).toMatchObject({ retryable: true });
  expect(verdict(400)).toMatchObject({
    retryable: false,
    disablesEndpoint: false,
    detail: 'answered 400: the receiver could not process the payload, and such requests are not retried',
  });
});

test('an event that cannot be sent is not tried again', () => {
  const answer = { kind: 'failed', reason: 'unsendable', detail: '', durationMs: 0 } as const;
  expect(judge(profiles.inbox, answer, { now })).toMatchObject({ retryable: false, disablesEndpoint: false });
});

test('a verdict carries the Retry-After of 429 and 503 in both forms', () => {
  const asked = (status: number, value: string) => {
    const verdict = judge(profiles.inbox, answered(status, { 'retry-after': value }), { now });
    return verdict.outcome === 'failed' ? verdict.retryAfterMs : undefined;
  };
  expect(asked(429, '90')).toBe(90_000);
  expect(asked(503, 'Wed, 15 Jan 2025 10:26:03 GMT')).toBe(60_000);
  expect(asked(500, '90')).toBeNull();
});

describe('failures in words', () => {
  test.each([
    [describeFailure('http_status', { status: 500 }), 'answered 500'],
    [describeFailure('timeout', { timeoutMs: 10_000 }), 'no answer within 10 s'],
    [describeFailure('connect_timeout', { timeoutMs: 1_500 }), 'no connection within 1.5 s'],
    [describeFailure('redirect', { status: 302 }), 'answered 302, a redirect; redirects are not followed'],
    [describeFailure('dns', { code: 'ENOTFOUND' }), 'the host name does not resolve (ENOTFOUND)'],
  ])('%s', (words, expected) => {
    expect(words).toBe(expected);
  });

  test('every reason has words even when nothing more is known', () => {
    for (const reason of failureReasons) {
      expect(describeFailure(reason)).toMatch(/^[a-z].{5,}/);
      expect(describeFailure(reason)).not.toMatch(/undefined|NaN/);
    }
  });
});
