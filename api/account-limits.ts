import type { Response } from 'express';
import { type UsageKind, usageWindows } from '../db/account-usage.ts';
import type { Caller } from '../db/api-keys.ts';
import type { AccountLimits } from '../db/schema.ts';
import type { AccountLimiter, Allowance } from '../delivery/account-limiter.ts';
import { withinDeadline } from './deadline.ts';
import { Problem } from './problems.ts';

const limitNames = {
  requests: 'requests_per_second',
  events: 'events_per_day',
} as const satisfies Record<UsageKind, keyof AccountLimits>;
const windowSeconds = { second: 1, day: 86_400 } as const;

/** How long the database is waited for where a limit is looked at, in ms. */
const deadlineMs = 1_000;

/** What an account may still do: asked in a handler for as much as it is about to do. */
export type CountUsage = (wanted: number) => Promise<void>;

/**
 * Counts what an account does against its limit, and sets the headers that say how it stands. Where it has none, that is all that is
 * looked at; and while the database is away, nothing is counted.
 * @throws Problem 429
 * @throws DatabaseUnavailable when it does not answer in time
 */
export async function countUsage(
  limiter: AccountLimiter,
  response: Response,
  { account_id, limits }: Pick<Caller, 'account_id' | 'limits'>,
  kind: UsageKind,
  wanted: number,
): Promise<void> {
  const limit = limits[limitNames[kind]];
  if (limit === undefined || wanted === 0) return;
  const allowance = await withinDeadline(limiter.take(account_id, kind, limit, wanted), deadlineMs);
  if (allowance === undefined) return;
  const seconds = setRateLimitHeaders(response, kind, allowance);
  if (allowance.isGiven) return;
  const detail = {
    requests: `The account may send ${limit} requests a second`,
    events: `The account may post ${limit} events a day (UTC), and has ${allowance.left} left`,
  }[kind];
  throw new Problem({
    ...{ status: 429, code: kind === 'requests' ? 'too_many_requests' : 'too_many_events', detail },
    headers: { 'Retry-After': `${seconds}` },
  });
}

/** draft-ietf-httpapi-ratelimit-headers-11: the policy, and how the account stands with it. Answers for how long, in s. */
function setRateLimitHeaders(
  response: Response,
  kind: UsageKind,
  { limit, left, endsInMs }: Allowance,
): number {
  const seconds = Math.max(1, Math.ceil(endsInMs / 1_000));
  response.append('RateLimit-Policy', `"${kind}";q=${limit};w=${windowSeconds[usageWindows[kind]]}`);
  response.append('RateLimit', `"${kind}";r=${left};t=${seconds}`);
  return seconds;
}

/** The data's text is asked for only where there is a limit. @throws Problem 413 when the account's events may not be as large */
export function assertEventFits(
  textOf: () => string,
  { limits }: Pick<Caller, 'limits'>,
  pointer = '/data',
): void {
  const most = limits.event_bytes;
  if (most === undefined || Buffer.byteLength(textOf()) <= most) return;
  throw new Problem({
    status: 413,
    code: 'body_too_large',
    detail: `The data of the account’s events may have at most ${most} bytes`,
    errors: [{ pointer, detail: `has more than ${most} bytes` }],
  });
}
