import { readActivity } from '../db/attempt-stats.ts';
import type { Database } from '../db/database.ts';
import { type AccountId, uuidOf } from '../db/ids.ts';
import type { Webhook } from '../db/webhooks.ts';

const hours = 24;
const hourMs = 3_600_000;

/** What a list shows of how webhooks have done in the last 24 hours, for all of them at once. */
export async function loadActivity(
  db: Database,
  accountId: AccountId,
  webhooks: readonly Webhook[],
  now: Date,
): Promise<(webhook: Webhook) => object> {
  const first = Math.floor(now.getTime() / hourMs) - (hours - 1);
  const ids = webhooks.map(({ id }) => id);
  const rows = ids.length === 0 ? [] : await readActivity(db, accountId, ids, new Date(first * hourMs));
  const byHour = new Map(rows.map((row) => [`${row.webhook_id} ${row.hour}`, row]));
  return ({ id, last_failure }) => ({
    buckets: Array.from({ length: hours }, (_, index) => {
      const { succeeded = 0, failed = 0 } = byHour.get(`${uuidOf(id)} ${first + index}`) ?? {};
      return { succeeded, failed };
    }),
    last_failure,
  });
}
