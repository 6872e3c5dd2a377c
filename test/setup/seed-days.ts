import { sql } from 'drizzle-orm';
import type { Database } from '../../db/database.ts';
import { type AccountId, firstUuidAt, uuidOf, type WebhookId } from '../../db/ids.ts';
import { ensurePartitions } from '../../db/partitions.ts';

/**
 * Stores so many events on a day that is so many days ago (UTC), each with a delivery that ended a minute later, one attempt and a key.
 * Answers when the day began.
 */
export async function seedDay(
  db: Database,
  {
    accountId,
    webhookId,
    daysAgo,
    count,
    status = 'succeeded',
  }: { accountId: AccountId; webhookId: WebhookId; daysAgo: number; count: number; status?: string },
): Promise<Date> {
  const today = Math.floor(Date.now() / 86_400_000) * 86_400_000;
  const day = new Date(today - daysAgo * 86_400_000);
  await ensurePartitions(db, day);
  const prefix = firstUuidAt(new Date(day.getTime() + 3_600_000)).slice(0, 13);
  const suffix = `${uuidOf(accountId).slice(-4)}${status.slice(0, 1).charCodeAt(0).toString(16)}`;
  const id = (kind: number) =>
    sql.raw(`('${prefix}-7${kind}00-8000-' || '${suffix}' || lpad(to_hex(n), 6, '0'))::uuid`);
  const at = sql`${new Date(day.getTime() + 3_600_000).toISOString()}::timestamptz`;
  const rows = sql`from generate_series(1, ${count}::int) n`;
  const account = sql`${uuidOf(accountId)}::uuid`;
  const webhook = sql`${uuidOf(webhookId)}::uuid`;
  await db.execute(sql`insert into events (id, account_id, type, data, created_at)
    select ${id(1)}, ${account}, 'message.read', '{}', ${at} ${rows}`);
  await db.execute(sql`insert into deliveries (id, account_id, event_id, webhook_id, workflow_id, status, attempt_count, created_at, ended_at)
    select ${id(2)}, ${account}, ${id(1)}, ${webhook}, 'deliver/' || n, ${status}::text, 1, ${at},
      case when ${status}::text in ('pending', 'held') then null else ${at} + interval '1 minute' end ${rows}`);
  await db.execute(sql`insert into attempts (id, account_id, webhook_id, delivery_id, number, trigger, started_at, duration_ms, url, request_headers, succeeded)
    select ${id(3)}, ${account}, ${webhook}, ${id(2)}, 1, 'schedule', ${at}, 5, 'https://receiver.test/', '{}', true ${rows}`);
  await db.execute(sql`insert into idempotency_keys (account_id, key, event_id, request_hash, created_at)
    select ${account}, ${`${daysAgo} ${status} `}::text || n, ${id(1)}, 'hash', ${at} ${rows}`);
  return day;
}
