import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, type AttemptId, type DeliveryId, idOf, uuidOf, type WebhookId } from './ids.ts';
import type { AttemptTrigger, DeliveryStatus } from './schema.ts';
import { unnest } from './unnest.ts';

/** One attempt that was made, and what it means for its delivery. */
export interface AttemptRecord {
  id: AttemptId;
  delivery_id: DeliveryId;
  webhook_id: WebhookId;
  account_id: AccountId;
  trigger: AttemptTrigger;
  started_at: Date;
  duration_ms: number;
  url: string;
  /** Secret values already replaced. */
  request_headers: Record<string, string>;
  succeeded: boolean;
  reason: string | null;
  detail: string | null;
  response_status: number | null;
  response_headers: Record<string, string> | null;
  response_body: string | null;
  response_truncated: boolean;
  /** For a failed scheduled attempt: when the next is due; null when the schedule is spent or the failure is final. */
  next_attempt_at: Date | null;
}

/** Where a delivery stands after an attempt of it was recorded. */
export interface RecordedAttempt {
  delivery_id: DeliveryId;
  number: number;
  status: DeliveryStatus;
}

/**
 * Writes attempts and moves their deliveries on, in one statement; the records are of different deliveries. Each gets its
 * delivery's next number; one that was recorded before is left as it is, so the call may be repeated. A success ends its
 * delivery whatever its status was; a failure moves it only when it was made by the schedule and the delivery is still
 * pending.
 */
export const recordAttempts = query(
  async (db: Database, records: readonly AttemptRecord[]): Promise<RecordedAttempt[]> => {
    const rows = await selectRows<{ delivery_id: string; number: number; status: DeliveryStatus }>(
      db,
      sql`with input as (
          select * from ${unnest(records, {
            id: ['uuid', (record) => uuidOf(record.id)],
            delivery_id: ['uuid', (record) => uuidOf(record.delivery_id)],
            webhook_id: ['uuid', (record) => uuidOf(record.webhook_id)],
            account_id: ['uuid', (record) => uuidOf(record.account_id)],
            trigger: ['text', (record) => record.trigger],
            started_at: ['text', (record) => record.started_at.toISOString()],
            duration_ms: ['int', (record) => Math.round(record.duration_ms)],
            url: ['text', (record) => record.url],
            request_headers: ['text', (record) => JSON.stringify(record.request_headers)],
            succeeded: ['boolean', (record) => record.succeeded],
            reason: ['text', (record) => record.reason],
            detail: ['text', (record) => record.detail],
            response_status: ['int', (record) => record.response_status],
            response_headers: [
              'text',
              (record) => (record.response_headers === null ? null : JSON.stringify(record.response_headers)),
            ],
            response_body: ['text', (record) => record.response_body],
            response_truncated: ['boolean', (record) => record.response_truncated],
            next_attempt_at: ['text', (record) => record.next_attempt_at?.toISOString() ?? null],
          })}
        ), unrecorded as (
          select * from input where not exists (select from attempts where attempts.id = input.id)
        ), moved as (
          update deliveries d set
            attempt_count = d.attempt_count + 1,
            scheduled_attempts = d.scheduled_attempts + (case when u.trigger = 'manual' then 0 else 1 end),
            status = case
              when u.succeeded then 'succeeded'
              when u.trigger = 'manual' or d.status <> 'pending' then d.status
              when u.next_attempt_at is null then 'failed'
              else 'pending' end,
            next_attempt_at = case
              when u.succeeded then null
              when u.trigger = 'manual' or d.status <> 'pending' then d.next_attempt_at
              else u.next_attempt_at::timestamptz end,
            reason = case
              when u.succeeded then null
              when d.status <> 'pending' then d.reason
              else u.detail end,
            ended_at = case
              when u.succeeded and d.status = 'succeeded' then d.ended_at
              when u.succeeded or (u.trigger <> 'manual' and d.status = 'pending' and u.next_attempt_at is null) then now()
              else d.ended_at end
          from unrecorded u where d.id = u.delivery_id
          returning d.id, d.attempt_count, d.status
        ), written as (
          insert into attempts (id, account_id, webhook_id, delivery_id, number, trigger, started_at, duration_ms, url,
            request_headers, succeeded, reason, detail, response_status, response_headers, response_body,
            response_truncated)
          select u.id, u.account_id, u.webhook_id, u.delivery_id, m.attempt_count, u.trigger,
            u.started_at::timestamptz, u.duration_ms, u.url, u.request_headers::jsonb, u.succeeded, u.reason, u.detail,
            u.response_status, u.response_headers::jsonb, u.response_body, u.response_truncated
          from unrecorded u join moved m on m.id = u.delivery_id
          returning delivery_id, number
        )
        select w.delivery_id, w.number, m.status from written w join moved m on m.id = w.delivery_id
        union all
        select a.delivery_id, a.number, d.status
        from input i join attempts a on a.id = i.id join deliveries d on d.id = a.delivery_id`,
    );
    return rows.map((row) => ({
      delivery_id: idOf('dlv', row.delivery_id),
      number: row.number,
      status: row.status,
    }));
  },
);

/** Whether the attempt is stored already: a worker that died after it need not make it again. */
export const isAttemptRecorded = query(async (db: Database, id: AttemptId): Promise<boolean> => {
  const rows = await selectRows(db, sql`select from attempts where id = ${uuidOf(id)}`);
  return rows.length > 0;
});
