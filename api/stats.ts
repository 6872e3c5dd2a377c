import { readStats, type SpanSeconds, type StatsRow } from '../db/attempt-stats.ts';
import type { AccountId, WebhookId } from '../db/ids.ts';
import { addCounts, percentile } from '../db/latency.ts';
import { countEndpoints, countOpenDeliveries } from '../db/open-deliveries.ts';
import { findWebhook } from '../db/webhooks.ts';
import { notFound } from './problems.ts';
import { type Route, route, type Services } from './routes.ts';
import { accountStatsSchema, statsQuery, type statsRanges, webhookStatsSchema } from './stats.schemas.ts';
import { webhookParams } from './webhooks.schemas.ts';

type Range = (typeof statsRanges)[number];

const ranges: Record<Range, { bucket_seconds: SpanSeconds; buckets: number }> = {
  '1h': { bucket_seconds: 60, buckets: 60 },
  '24h': { bucket_seconds: 900, buckets: 96 },
  '7d': { bucket_seconds: 7_200, buckets: 84 },
};
const usualRange: Range = '24h';

const description =
  'Of attempts, by when they began, of whatever kind. Buckets follow each other without a gap; the last one is not over yet. They ' +
  'are counted from the day on which this version was installed.';

const getStats = route({
  method: 'get',
  path: '/v1/stats',
  name: 'getStats',
  tag: 'Statistics',
  summary: 'Get how the account’s deliveries go',
  description,
  access: 'account',
  query: statsQuery,
  responses: { 200: { description: 'The statistics', schema: accountStatsSchema } },
  async handle(services, { query, caller }) {
    const { account_id } = caller;
    const stats = await statsOf(services, account_id, null, query.range);
    return { status: 200, body: { ...stats, endpoints: await countEndpoints(services.db, account_id) } };
  },
});

const getWebhookStats = route({
  method: 'get',
  path: '/v1/webhooks/{id}/stats',
  name: 'getWebhookStats',
  tag: 'Statistics',
  summary: 'Get how a webhook’s deliveries go',
  description,
  access: 'account',
  params: webhookParams,
  query: statsQuery,
  responses: { 200: { description: 'The statistics', schema: webhookStatsSchema } },
  async handle(services, { params, query, caller }) {
    const webhook = await findWebhook(services.db, services.sealer, caller.account_id, params.id);
    if (webhook === undefined) throw notFound('webhook');
    return { status: 200, body: await statsOf(services, caller.account_id, params.id, query.range) };
  },
});

async function statsOf(
  { db, now }: Services,
  accountId: AccountId,
  webhookId: WebhookId | null,
  range: Range = usualRange,
) {
  const { bucket_seconds, buckets } = ranges[range];
  const last = Math.floor(now().getTime() / 1_000 / bucket_seconds) * bucket_seconds;
  const first = last - (buckets - 1) * bucket_seconds;
  const from = new Date(first * 1_000);
  const rows = await readStats(db, accountId, webhookId, { seconds: bucket_seconds, from });
  const byStart = new Map(rows.map((row) => [row.start, row]));
  const shown = Array.from({ length: buckets }, (_, index) => {
    const start = first + index * bucket_seconds;
    const { succeeded = 0, failed = 0, latency = [] } = byStart.get(start) ?? {};
    return { start: new Date(start * 1_000), succeeded, failed, ...percentilesOf(latency) };
  });
  return {
    range,
    bucket_seconds,
    buckets: shown,
    ...summaryOf(rows.filter(({ start }) => start <= last)),
    deliveries: await countOpenDeliveries(db, accountId, webhookId),
  };
}

function summaryOf(rows: readonly StatsRow[]) {
  const succeeded = rows.reduce((sum, row) => sum + row.succeeded, 0);
  const failed = rows.reduce((sum, row) => sum + row.failed, 0);
  const attempts = succeeded + failed;
  const reasons = new Map<string, number>();
  for (const row of rows) {
    for (const [reason, count] of Object.entries(row.reasons)) {
      reasons.set(reason, (reasons.get(reason) ?? 0) + count);
    }
  }
  const latency = rows.reduce<number[]>((sum, row) => addCounts(sum, row.latency), []);
  return {
    totals: {
      ...{ attempts, succeeded, failed },
      success_rate: attempts === 0 ? null : succeeded / attempts,
      ...percentilesOf(latency),
    },
    by_reason: [...reasons]
      .map(([reason, count]) => ({ reason, count }))
      .sort((a, b) => b.count - a.count || (a.reason < b.reason ? -1 : 1)),
  };
}

function percentilesOf(latency: readonly number[]) {
  return { p50_ms: percentile(latency, 0.5), p95_ms: percentile(latency, 0.95) };
}

export const statsRoutes: Route[] = [getStats, getWebhookStats];
