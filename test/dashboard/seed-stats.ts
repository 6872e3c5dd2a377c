import { pino } from 'pino';
import type { Config } from '../../config.ts';
import { statsSpans } from '../../db/attempt-stats.ts';
import { type AccountId, uuidOf, type WebhookId } from '../../db/ids.ts';
import { attemptStats } from '../../db/schema.ts';
import { openStorage } from '../../storage.ts';

const allWebhooks = '00000000-0000-0000-0000-000000000000';
const spanCount = 96;
const rowsAtOnce = 500;

/** How a webhook has done: attempts a minute, and the share that failed so many hours ago. */
export interface Past {
  id: WebhookId;
  perMinute: number;
  failing: (hoursAgo: number) => number;
}

/** Fills the statistics of a Postrider that is stopped, as if it had been at work for a week. */
export async function seedStats(
  config: Config,
  accountId: AccountId,
  webhooks: readonly Past[],
): Promise<void> {
  const log = pino({ level: 'silent' });
  const { database } = await openStorage(config, { folder: config.DATA_DIR, poolSize: 4, log });
  try {
    const rows = statsSpans.flatMap(({ seconds }) =>
      Array.from({ length: spanCount }, (_, index) => {
        const start = new Date((Math.floor(Date.now() / 1_000 / seconds) - index - 1) * seconds * 1_000);
        const each = webhooks.map((past) => ({
          webhook_id: uuidOf(past.id),
          ...attemptsIn(past, start, seconds),
        }));
        const all = {
          webhook_id: allWebhooks,
          succeeded: sum(each.map(({ succeeded }) => succeeded)),
          failed: sum(each.map(({ failed }) => failed)),
        };
        return [...each, all].map((one) => ({
          ...{ ...one, account_id: accountId, seconds, start },
          latency: latencies(one.succeeded, one.failed, start.getTime() / 60_000),
          reasons: reasonsOf(one.failed),
        }));
      }).flat(),
    );
    for (let from = 0; from < rows.length; from += rowsAtOnce) {
      await database.db
        .insert(attemptStats)
        .values(rows.slice(from, from + rowsAtOnce))
        .onConflictDoNothing();
    }
  } finally {
    await database.close();
  }
}

function attemptsIn({ perMinute, failing }: Past, start: Date, seconds: number) {
  const hour = start.getTime() / 3_600_000;
  // Less at night, and never quite the same.
  const busy =
    0.65 + 0.35 * Math.sin(((hour - 8) / 24) * 2 * Math.PI) + 0.12 * Math.sin(start.getTime() / 7e5);
  const all = Math.max(0, Math.round(((perMinute * seconds) / 60) * busy));
  const failed = Math.round(all * failing((Date.now() - start.getTime()) / 3_600_000));
  return { succeeded: all - failed, failed };
}

/** Most around 50 ms, a tail, and what failed was slow. */
function latencies(succeeded: number, failed: number, minute: number): number[] {
  const counts = Array.from({ length: 61 }, () => 0);
  for (const [latencyClass, share] of [0, 0.06, 0.22, 0.3, 0.22, 0.12, 0.05, 0.03].entries()) {
    const wave = 1 + 0.5 * Math.sin(minute / 37 + latencyClass);
    counts[13 + latencyClass] = Math.round(succeeded * share * wave);
  }
  counts[24] = failed;
  return counts;
}

function reasonsOf(failed: number): Record<string, number> {
  if (failed === 0) return {};
  const timeouts = Math.floor(failed * 0.18);
  const resets = Math.floor(failed * 0.05);
  const reasons = { http_status: failed - timeouts - resets, timeout: timeouts, connection_reset: resets };
  return Object.fromEntries(Object.entries(reasons).filter(([, count]) => count > 0));
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
