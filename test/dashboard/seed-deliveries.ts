import { type SQL, sql } from 'drizzle-orm';
import { pino } from 'pino';
import type { Config } from '../../config.ts';
import { uuidOf, type WebhookId } from '../../db/ids.ts';
import { openStorage } from '../../storage.ts';

/** The ids and moments of the rows, which are so far apart that 100,000 of them take eleven hours. */
function rowsUntil(now: number) {
  const ms = `(${now}::bigint - row * 400)`;
  const hex = `lpad(to_hex(${ms}), 12, '0')`;
  return {
    /** A UUIDv7, the same for the same kind and row. */
    id: (kind: number): SQL =>
      sql.raw(
        `(substr(${hex}, 1, 8) || '-' || substr(${hex}, 9, 4) || '-7' || lpad(to_hex(row % 4096), 3, '0') ||
          '-8${kind}00-' || lpad(to_hex(row), 12, '0'))::uuid`,
      ),
    moment: sql.raw(`to_timestamp(${ms} / 1000.0)`),
  };
}

/**
 * Fills the database of a Postrider that is stopped with so many events, each with a delivery to the webhook and its attempt:
 * every twentieth failed, every hundredth of another type.
 */
export async function seedDeliveries(config: Config, webhookId: WebhookId, count: number): Promise<void> {
  const log = pino({ level: 'silent' });
  const { database } = await openStorage(config, { folder: config.DATA_DIR, poolSize: 4, log });
  const webhook = sql`${uuidOf(webhookId)}::uuid`;
  const account = sql`(select account_id from webhooks where id = ${webhook})`;
  const { id, moment } = rowsUntil(Date.now());
  const rows = sql`generate_series(1, ${count}::int) as row`;
  try {
    await database.db.execute(sql`
      insert into events (id, account_id, type, channel, data, created_at)
      select ${id(1)}, ${account}, case when row % 100 = 0 then 'message.read' else 'message.delivered' end,
        'whatsapp:+1555' || (row % 50), '{"message_id": "msg_' || row || '", "to": "+15551234567"}', ${moment}
      from ${rows}`);
    await database.db.execute(sql`
      insert into deliveries (id, account_id, event_id, webhook_id, workflow_id, status, attempt_count, scheduled_attempts,
        reason, created_at, ended_at)
      select ${id(2)}, ${account}, ${id(1)}, ${webhook}, 'deliver/seeded',
        case when row % 20 = 0 then 'failed' else 'succeeded' end, 1, 1,
        case when row % 20 = 0 then 'answered 500' end, ${moment}, ${moment}
      from ${rows}`);
    await database.db.execute(sql`
      insert into attempts (id, account_id, webhook_id, delivery_id, number, trigger, started_at, duration_ms, url,
        request_headers, succeeded, reason, detail, response_status, response_headers, response_body)
      select ${id(3)}, ${account}, ${webhook}, ${id(2)}, 1, 'schedule', ${moment}, 40 + row % 60, 'https://example.com/hooks',
        '{"content-type": "application/json"}', row % 20 <> 0,
        case when row % 20 = 0 then 'http_status' end, case when row % 20 = 0 then 'answered 500' end,
        case when row % 20 = 0 then 500 else 200 end, '{"content-type": "text/plain"}', 'ok'
      from ${rows}`);
    await database.db.execute(sql`analyze`);
  } finally {
    await database.close();
  }
}
