import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { attempterAlone, deliveryWith, sealer } from './attempter-alone.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['Date'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const later = (ms: number) => new Date(Date.now() + ms);
const oauth2 = {
  ...{ type: 'oauth2', token_url: 'https://receiver.test/token', client_id: 'id', client_secret: 's3cret' },
  client_authentication: 'basic',
};
/** Passes so much time, in ms. */
type Wait = <T>(result: T) => Promise<T>;
const dependencies = (wait: Wait) => ({
  expressions: {
    filter: () => wait({ passes: true }),
    transform: () => wait({ body: '{}' }),
  },
  tokens: {
    get: () => wait({ token: 'secret', askedAt: 0 }),
    renew: async () => undefined,
    refusedNew: () => {},
  },
});

test.each([
  { of: 'its filter', webhook: () => ({ filter: 'data.amount > 1' }) },
  { of: 'its transformation', webhook: () => ({ transformation: 'data' }) },
  {
    of: 'its token',
    webhook: (id: string) => ({ auth_sealed: sealer.seal(JSON.stringify(oauth2), id) }),
  },
])('what expires while $of is waited for is not sent, and no attempt', async ({ webhook }) => {
  for (const [ms, isSent] of [
    [500, true],
    [2_000, false],
  ] as const) {
    const { attempter, sent, records, expired } = attempterAlone(
      dependencies(async (result) => {
        vi.setSystemTime(later(ms));
        return result;
      }),
    );
    const delivery = deliveryWith(webhook, { is_filter_open: true, expires_at: later(1_000) });
    const outcome = await attempter.attempt(delivery);
    expect(sent).toHaveLength(isSent ? 1 : 0);
    expect(records).toHaveLength(isSent ? 1 : 0);
    expect(expired).toEqual(isSent ? [] : [delivery.id]);
    expect(outcome.status).toBe(isSent ? 'pending' : 'expired');
  }
});
