import { sql } from 'drizzle-orm';
import type { Database } from '../../db/database.ts';
import { type AccountId, uuidOf, type WebhookId } from '../../db/ids.ts';

/**
 * Stores so many delivered events with their deliveries, a second apart, the last one at `endedAt`. Of every thousand one has failed, the
 * type `rare.type`, the channel `rare` and the text `needle` in its data.
 */
export async function seedDeliveries(
  db: Database,
  {
    accountId,
    webhookId,
    count,
    endedAt = new Date(),
  }: { accountId: AccountId; webhookId: WebhookId; count: number; endedAt?: Date },
): Promise<void> {
  const millis = sql`(${endedAt.getTime()}::bigint - (${count}::int - n) * 1000::bigint)`;
  // Another one for each account, so that the ids of two do not meet.
  const suffix = uuidOf(accountId).slice(-8);
  const uuidAt = (kind: string) =>
    sql`(lpad(to_hex(${millis}), 12, '0') || ${kind}::text || '8' || lpad(to_hex(n), 7, '0') || ${suffix}::text)::uuid`;
  const isRare = sql`n % 1000 = 0`;
  await db.execute(sql`insert into events (id, account_id, type, channel, data, created_at)
    select ${uuidAt('7e01')}, ${uuidOf(accountId)}, case when ${isRare} then 'rare.type' else 'common.type' end,
      case when ${isRare} then 'rare' else 'common' end,
      '{"text":"' || case when ${isRare} then 'The Needle' else 'hay' end || ' ' || n || '"}', to_timestamp(${millis} / 1000.0)
    from generate_series(1, ${count}::int) n`);
  await db.execute(sql`insert into deliveries (id, account_id, event_id, webhook_id, workflow_id, status, attempt_count, created_at)
    select ${uuidAt('7d01')}, ${uuidOf(accountId)}, ${uuidAt('7e01')}, ${uuidOf(webhookId)}, 'deliver/' || n,
      case when ${isRare} then 'failed' else 'succeeded' end, 1, to_timestamp(${millis} / 1000.0)
    from generate_series(1, ${count}::int) n`);
  for (const table of ['events', 'deliveries']) await db.execute(sql`analyze ${sql.identifier(table)}`);
}
