import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { foldAttempts } from '../../db/attempt-stats.ts';
import type { WebhookId } from '../../db/ids.ts';
import { deliveries, webhooks } from '../../db/schema.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';
import { recordSome } from '../setup/attempts.ts';

// So that nothing that is counted falls out of the last minute's bucket.
const now = new Date(Math.floor(Date.now() / 60_000) * 60_000 + 30_000);
let api: TestApi;
let owner: { account_id: TestApi['accountId']; webhook_id: WebhookId };
beforeAll(async () => {
  api = await startTestApi({ now: () => now });
  const webhook = await api.request('POST', '/v1/webhooks', {
    body: { url: 'https://receiver.test/', events: ['*'] },
  });
  owner = { account_id: api.accountId, webhook_id: webhook.json.id };
  const at = (minutesAgo: number) => ({ started_at: new Date(now.getTime() - minutesAgo * 60_000) });
  await recordSome(api.db, owner, [
    { ...at(0), duration_ms: 10 },
    { ...at(0), duration_ms: 10 },
    { ...at(30), duration_ms: 2_000, reason: 'timeout', next_attempt_at: new Date() },
    { ...at(30), duration_ms: 10, reason: 'http_status' },
    { ...at(30), duration_ms: 10, reason: 'http_status' },
    { ...at(600), duration_ms: 10 },
    { ...at(5_000), duration_ms: 10 },
    { ...at(20_000), duration_ms: 10 },
  ]);
});
afterAll(() => api.close());

const read = async (path: string, key = api.key) => (await api.request('GET', path, { key })).json;

describe.each([['before they are added to the statistics'], ['after']])('attempts, %s', (when) => {
  beforeAll(async () => {
    if (when === 'after') await foldAttempts(api.db);
  });

  test.each([
    ['1h', 60, 60, { attempts: 5, succeeded: 2, failed: 3, success_rate: 0.4 }],
    ['24h', 96, 900, { attempts: 6, succeeded: 3, failed: 3, success_rate: 0.5 }],
    ['7d', 84, 7_200, { attempts: 7, succeeded: 4, failed: 3, success_rate: 4 / 7 }],
  ])('are counted over %s', async (range, count, bucket_seconds, totals) => {
    for (const path of ['/v1/stats', `/v1/webhooks/${owner.webhook_id}/stats`]) {
      const stats = await read(`${path}?range=${range}`);
      expect(stats).toMatchObject({ range, bucket_seconds, totals });
      expect(stats.buckets).toHaveLength(count);
      const starts = stats.buckets.map(({ start }: { start: string }) => Date.parse(start));
      for (const [index, start] of starts.entries()) {
        expect(start % (bucket_seconds * 1_000)).toBe(0);
        if (index > 0) expect(start - starts[index - 1]).toBe(bucket_seconds * 1_000);
      }
      expect(starts.at(-1)).toBeLessThanOrEqual(now.getTime());
      const sum = (field: string) =>
        stats.buckets.reduce((all: number, bucket: Record<string, number>) => all + (bucket[field] ?? 0), 0);
      expect([sum('succeeded'), sum('failed')]).toEqual([totals.succeeded, totals.failed]);
      expect(stats.by_reason).toEqual([
        { reason: 'http_status', count: 2 },
        { reason: 'timeout', count: 1 },
      ]);
      expect(stats.totals.p50_ms).toBeGreaterThanOrEqual(8);
      expect(stats.totals.p50_ms).toBeLessThanOrEqual(13);
      expect(stats.totals.p95_ms).toBeGreaterThan(range === '1h' ? 1_500 : 8);
      const empty = stats.buckets.find(
        (bucket: Record<string, number>) => bucket.succeeded === 0 && bucket.failed === 0,
      );
      expect(empty).toMatchObject({ p50_ms: null, p95_ms: null });
    }
  });
});

test('deliveries that have not ended, and endpoints, are counted by their state', async () => {
  const stats = await read('/v1/stats');
  expect(stats.deliveries).toEqual({ pending: 0, failing: 1, held: 0, queued: 0, is_capped: false });
  // Recording a failure made it so.
  expect(stats.endpoints).toEqual({ healthy: 0, failing: 1, disabled: 0, probing: 0 });
  await api.db.update(deliveries).set({ status: 'held' }).where(eq(deliveries.status, 'failed'));
  await api.db.update(webhooks).set({ endpoint_state: 'disabled' });
  const held = await read('/v1/stats');
  expect(held).toMatchObject({ deliveries: { held: 2 }, endpoints: { failing: 0, disabled: 1 } });
  const ofWebhook = await read(`/v1/webhooks/${owner.webhook_id}/stats`);
  expect(ofWebhook.deliveries).toEqual(held.deliveries);
  expect(ofWebhook.endpoints).toBeUndefined();
});

test('another account sees nothing of it', async () => {
  const stats = await read('/v1/stats', api.otherKey);
  expect(stats.totals).toEqual({
    ...{ attempts: 0, succeeded: 0, failed: 0, success_rate: null, p50_ms: null, p95_ms: null },
  });
  expect(stats.deliveries).toMatchObject({ pending: 0, failing: 0, held: 0 });
  expect(await read(`/v1/webhooks/${owner.webhook_id}/stats`, api.otherKey)).toMatchObject({ status: 404 });
});

test('the list of webhooks has their last 24 hours when it is asked for', async () => {
  const [listed] = (await read('/v1/webhooks?include=activity')).data;
  expect(listed.activity.buckets).toHaveLength(24);
  const sum = (field: string) =>
    listed.activity.buckets.reduce(
      (all: number, bucket: Record<string, number>) => all + (bucket[field] ?? 0),
      0,
    );
  expect([sum('succeeded'), sum('failed')]).toEqual([3, 3]);
  expect(listed.activity.last_failure).toBeNull();
  expect((await read('/v1/webhooks')).data[0].activity).toBeUndefined();
});

test.each(['range=2h', 'range=', 'from=1'])('%s is refused', async (query) => {
  expect(await read(`/v1/stats?${query}`)).toMatchObject({ status: 400, code: 'invalid_parameter' });
});
