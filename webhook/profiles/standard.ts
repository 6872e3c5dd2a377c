import type { Profile } from '../profile.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Standard Webhooks 1.0, whose spec leaves the event types to the sender. */
export const standard: Profile = {
  name: 'standard',
  body: ({ type, createdAt, data }) => JSON.stringify({ type, timestamp: createdAt.toISOString(), data }),
  signs: ['standard-webhooks'],
  // "Deliverability and reliability": the example schedule, and some random jitter.
  retrySchedule: {
    delaysMs: [
      0,
      5 * SECOND,
      5 * MINUTE,
      30 * MINUTE,
      2 * HOUR,
      5 * HOUR,
      10 * HOUR,
      14 * HOUR,
      20 * HOUR,
      24 * HOUR,
    ],
    jitter: 0.1,
  },
  // "Request timeouts": somewhere between 15 and 30 s.
  timeoutMs: 15 * SECOND,
  neverRetried: {},
  carries: 'any',
  httpsOnly: false,
  authTypes: ['none', 'basic', 'bearer', 'oauth2'],
  health: { count: 'deliveries', failures: 5, min_failing_ms: 0, reenable: 'manual' },
  catalogue: [],
};
