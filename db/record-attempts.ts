import { sql } from 'drizzle-orm';
import { blamelessReasons } from '../webhook/failure-reasons.ts';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, type AttemptId, type DeliveryId, idOf, uuidOf, type WebhookId } from './ids.ts';
import type { AttemptTrigger, DeliveryStatus } from './schema.ts';
import { unnest } from './unnest.ts';
import { isFailureTold } from './untold-failures.ts';

/** One attempt that was made, and what it means for its delivery. */
export interface AttemptRecord {
  id: AttemptId;
  delivery_id: DeliveryId;
  webhook_id: WebhookId;
  account_id: AccountId;
  trigger: AttemptTrigger;
  started_at: Date;
  duration_ms: number;
  /** Null where it was pulled. */
  url: string | null;
  /** Secret values already replaced. */
  request_headers: Record<string, string>;
  /** Where a transformation made it; otherwise the profile makes it again. */
  request_body?: string;
  succeeded: boolean;
  reason: string | null;
  detail: string | null;
  response_status: number | null;
  response_headers: Record<string, string> | null;
  response_body: string | null;
  response_truncated: boolean;
  /** Others may wait for it to be recorded: those behind it in its lane. */
  is_awaited?: boolean;
  /** A failure for good, for which its lane is to wait. */
  blocks?: boolean;
  /** It uses up no step of the schedule, although that had it made: it failed by a fault of ours. */
  is_beside?: boolean;
  /** For a failed scheduled attempt: when the next is due; null when the schedule is spent or the failure is final. */
  next_attempt_at: Date | null;
}

/** Where a delivery stands after an attempt of it was recorded. */
export interface RecordedAttempt {
  delivery_id: DeliveryId;
  number: number;
  status: DeliveryStatus;
  /** Its place among the outcomes that the endpoint's health workflow must be told; null where it need not be. */
  outcome_number: number | null;
  /** It failed its delivery for good, for which the lane waits from now on. */
  is_blocking: boolean;
  /** It failed its delivery, and that was noted in `untold_failures` just now. */
  is_untold: boolean;
}

const blameless = sql.raw(blamelessReasons.map((reason) => `'${reason}'`).join(', '));

/** A server that hangs longer is given up, in ms, and the attempts are recorded by the next statement. */
const timeoutMs = 10_000;

/**
 * Writes attempts and moves their deliveries on, in one statement; the records are of different deliveries. Each gets its
 * delivery's next number; one that was recorded before is left as it is, so the call may be repeated. A success ends its
 * delivery whatever its status was; a failure moves it only when it was not made by hand, nor to probe, and the delivery is still
 * pending or queued.
 *
 * Scheduled attempts at an endpoint that fails, or is not healthy, are its outcomes: they are numbered 1, 2, 3… in the order
 * in which the database takes them, so that whoever counts them can tell order, repeats and gaps. A first failure makes
 * the endpoint `failing`, so that what follows is numbered too. A delivery that fails here, and whose account has another webhook
 * that names `delivery.failed`, is noted in `untold_failures`. Where it `blocks`, a delivery that would fail is held instead, and
 * its lane waits for it.
 */
export const recordAttempts = query(
  async (db: Database, records: readonly AttemptRecord[]): Promise<RecordedAttempt[]> => {
    const rows = await selectRows<{
      delivery_id: string;
      number: number;
      status: DeliveryStatus;
      outcome_number: number | null;
      is_blocking: boolean;
      is_untold: boolean;
    }>(
      db,
      sql`with input as (
          select * from ${unnest(records, {
            position: ['int', (_, position) => position],
            id: ['uuid', (record) => uuidOf(record.id)],
            delivery_id: ['uuid', (record) => uuidOf(record.delivery_id)],
            webhook_id: ['uuid', (record) => uuidOf(record.webhook_id)],
            account_id: ['uuid', (record) => uuidOf(record.account_id)],
            trigger: ['text', (record) => record.trigger],
            started_at: ['text', (record) => record.started_at.toISOString()],
            duration_ms: ['int', (record) => Math.round(record.duration_ms)],
            url: ['text', (record) => record.url],
            request_headers: ['text', (record) => JSON.stringify(record.request_headers)],
            request_body: ['text', (record) => record.request_body ?? null],
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
            blocks: ['boolean', (record) => record.blocks ?? false],
            is_beside: ['boolean', (record) => record.is_beside ?? false],
            next_attempt_at: ['text', (record) => record.next_attempt_at?.toISOString() ?? null],
          })}
        ), unrecorded as (
          -- Some reasons say nothing of the endpoint, unless its lane is to wait for the delivery.
          select *, trigger = 'schedule' and (coalesce(reason, '') not in (${blameless}) or blocks) as counts,
            -- Beside the schedule: what is held and probed may have gone out meanwhile, since its endpoint was enabled.
            trigger in ('manual', 'probe') as is_extra
          from input where not exists (select from attempts where attempts.id = input.id)
        ), outcomes as (
          select webhook_id, count(*)::int as count, bool_or(not succeeded) as has_failure
          from unrecorded where counts group by webhook_id
        ), locked as (
          -- In one order, so that two workers never wait for each other crosswise.
          select w.id from webhooks w join outcomes o on o.webhook_id = w.id
          where w.endpoint_state <> 'healthy' or o.has_failure
          order by w.id for update of w
        ), counted as (
          update webhooks w set
            outcomes = w.outcomes + o.count,
            endpoint_state = case when w.endpoint_state = 'healthy' and o.has_failure then 'failing'
              else w.endpoint_state end,
            state_since = case when w.endpoint_state = 'healthy' and o.has_failure then now() else w.state_since end
          from locked l join outcomes o on o.webhook_id = l.id where w.id = l.id
          returning w.id, w.outcomes - o.count as before
        ), numbered as (
          select u.*, case when c.id is not null and u.counts then
            c.before + row_number() over (partition by u.webhook_id, u.counts order by u.position) end as outcome_number
          from unrecorded u left join counted c on c.id = u.webhook_id
        ), moved as (
          update deliveries d set
            attempt_count = d.attempt_count + 1,
            head_start_at = case when u.is_extra then d.head_start_at end,
            waiting_since = case when u.is_extra then d.waiting_since end,
            -- One that is held for its lane has its whole schedule again.
            scheduled_attempts = case when u.blocks and d.status = 'pending' then 0
              else d.scheduled_attempts + (case when u.is_extra or u.is_beside then 0 else 1 end) end,
            status = case
              when u.succeeded then 'succeeded'
              when u.is_extra or d.status not in ('pending', 'queued') then d.status
              when u.next_attempt_at is null then case when u.blocks then 'held' else 'failed' end
              else d.status end,
            next_attempt_at = case
              when u.succeeded then null
              when u.is_extra or d.status not in ('pending', 'queued') then d.next_attempt_at
              else u.next_attempt_at::timestamptz end,
            reason = case
              when u.succeeded then null
              when d.status not in ('pending', 'queued') then d.reason
              else u.detail end,
            lane_state = case
              when u.blocks and d.status = 'pending' then 'blocked' else d.lane_state end,
            ended_at = case
              when u.succeeded and d.status = 'succeeded' then d.ended_at
              when u.succeeded or (not u.is_extra and d.status in ('pending', 'queued') and u.next_attempt_at is null)
                then now()
              else d.ended_at end
          from numbered u where d.id = u.delivery_id
          -- With all that the attempt's row needs: to join them again would compare each with each.
          returning u.*, d.event_id, d.attempt_count as number, d.status, d.lane_state,
            -- By this very attempt: another may have been under way since before the delivery failed.
            not u.succeeded and (d.status = 'failed' or d.lane_state is not distinct from 'blocked')
              and u.trigger in ('schedule', 'pull') and d.ended_at = now()::timestamptz(3) as is_spent
        ), written as (
          insert into attempts (id, account_id, webhook_id, delivery_id, number, trigger, started_at, duration_ms, url,
            request_headers, request_body, succeeded, reason, detail, response_status, response_headers, response_body,
            response_truncated, outcome_number, spent_delivery)
          select id, account_id, webhook_id, delivery_id, number, trigger, started_at::timestamptz, duration_ms, url,
            request_headers::jsonb, request_body, succeeded, reason, detail, response_status, response_headers::jsonb, response_body,
            response_truncated, outcome_number, is_spent
          from moved
        ), told as (
          insert into changes (kind, account_ids, webhook_ids, delivery_ids, attempt_ids, statuses, started_at,
            durations_ms, reasons, is_unfolded)
          select 'attempts', array_agg(account_id), array_agg(webhook_id), array_agg(delivery_id), array_agg(id),
            array_agg(status), array_agg(started_at::timestamptz), array_agg(duration_ms), array_agg(reason), true
          from moved having count(*) > 0
        ), untold as (
          insert into untold_failures (delivery_id, attempt_number, account_id)
          select m.delivery_id, m.number, m.account_id from moved m
          where m.is_spent and m.status = 'failed'
            and ${isFailureTold({ account_id: sql`m.account_id`, webhook_id: sql`m.webhook_id`, event_id: sql`m.event_id` })}
          on conflict do nothing
          returning delivery_id
        )
        select m.delivery_id, m.number, m.status, m.outcome_number::float8 as outcome_number,
          m.is_spent and m.lane_state = 'blocked' as is_blocking, t.delivery_id is not null as is_untold
        from moved m left join untold t on t.delivery_id = m.delivery_id
        union all
        select a.delivery_id, a.number, d.status, a.outcome_number::float8, a.spent_delivery and d.lane_state = 'blocked', false
        from input i join attempts a on a.id = i.id join deliveries d on d.id = a.delivery_id`,
      { name: 'record_attempts', timeoutMs },
    );
    return rows.map((row) => ({
      delivery_id: idOf('dlv', row.delivery_id),
      number: row.number,
      status: row.status,
      outcome_number: row.outcome_number,
      is_blocking: row.is_blocking === true,
      is_untold: row.is_untold,
    }));
  },
);

/** Whether the attempt is stored already: a worker that died after it need not make it again. */
export const isAttemptRecorded = query(async (db: Database, id: AttemptId): Promise<boolean> => {
  const rows = await selectRows(db, sql`select from attempts where id = ${uuidOf(id)}`);
  return rows.length > 0;
});
