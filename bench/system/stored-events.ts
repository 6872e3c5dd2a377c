import { sql } from 'drizzle-orm';
import { type OpenDatabase, selectRows } from '../../db/database.ts';
import { ensurePartitions } from '../../db/partitions.ts';
import { eventData } from '../payload.ts';

const perStatement = 25_000;
const dayMs = 86_400_000;
/** Over so long, before now, they seem to have come. */
const spreadMs = 6 * 3_600_000;

/**
 * Stores so many events with a delivery and an attempt each, as if they had been delivered to the first webhook in the last
 * six hours.
 */
export async function storeEvents({ db }: OpenDatabase, count: number): Promise<void> {
  await ensurePartitions(db, new Date(Date.now() - dayMs));
  const [webhook] = await selectRows<{ id: string; account_id: string }>(
    db,
    sql`select id, account_id from webhooks order by id limit 1`,
  );
  if (webhook === undefined) throw new Error('there is no webhook to have been delivered to');
  const start = Date.now() - spreadMs;
  for (let first = 0; first < count; first += perStatement) {
    const last = Math.min(count, first + perStatement) - 1;
    const moment = sql`${start}::bigint + (n::bigint * ${spreadMs}::bigint) / ${count}::bigint`;
    const rows = sql`select n, to_timestamp((${moment}) / 1000.0) as at, ${uuidv7(moment, 'e')} as event_id,
        ${uuidv7(moment, 'd')} as delivery_id, ${uuidv7(moment, 'a')} as attempt_id,
        ${webhook.account_id}::uuid as account_id, ${webhook.id}::uuid as webhook_id
      from generate_series(${first}::int, ${last}::int) as n`;
    await db.execute(
      sql`insert into events (id, account_id, type, data, created_at)
          select event_id, account_id, 'bench.t0', ${eventData(0)}::text, at from (${rows}) as made`,
    );
    await db.execute(
      sql`insert into deliveries (id, account_id, event_id, webhook_id, workflow_id, status, attempt_count,
            scheduled_attempts, created_at, ended_at)
          select delivery_id, account_id, event_id, webhook_id, 'deliver/stored', 'succeeded', 1, 1, at, at
          from (${rows}) as made`,
    );
    await db.execute(
      sql`insert into attempts (id, account_id, webhook_id, delivery_id, number, trigger, started_at, duration_ms,
            url, request_headers, succeeded, response_status, response_headers, response_body)
          select attempt_id, account_id, webhook_id, delivery_id, 1, 'schedule', at, 3,
            'http://127.0.0.1/e/0', ${JSON.stringify(headers)}::jsonb, true, 200, '{}'::jsonb, 'OK'
          from (${rows}) as made`,
    );
  }
  await db.execute(sql`vacuum analyze`);
  await db.execute(sql`checkpoint`);
}

/** Of about the size of real ones. */
const headers = {
  'Content-Type': 'application/json',
  'User-Agent': 'Postrider/0.1.0',
  'X-Inbox-Signature': `sha256=${'0'.repeat(64)}`,
  'webhook-id': 'evt_01h455vb4pex5vsknk084sn02q',
  'webhook-timestamp': '1700000000',
  'webhook-signature': `v1,${'0'.repeat(44)}`,
};

/** The UUIDv7 of a moment in Unix ms, unlike every other of its kind (one hex digit) and number `n`. */
function uuidv7(moment: ReturnType<typeof sql>, kind: string) {
  return sql`(lpad(to_hex(${moment}), 12, '0') || '7' || substr(md5(n::text), 1, 3) || '8'
    || substr(md5('x' || n), 1, 5) || ${kind}::text || lpad(to_hex(n), 9, '0'))::uuid`;
}
