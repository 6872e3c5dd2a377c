import { type SQL, sql } from 'drizzle-orm';
import { type Database, type RunOptions, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type DeliveryId, idOf, uuidOf } from './ids.ts';
import type { DeliveryStatus } from './schema.ts';
import { unnest } from './unnest.ts';

/** Of a delivery that expired, before what it waited for, or why its last attempt failed. */
export const expiredReason = 'expired before it was delivered';

/** Whether a delivery `d` has not expired. */
export const isStillToGo: SQL = sql`(d.expires_at is null or d.expires_at > now())`;

/** A process that makes attempts says so every second. */
const silentMs = 5_000;
/** What is under way when its event expires goes to its end, for so long, in ms: most attempts have ended by then. */
const underWayMs = 15_000;
/** A server that hangs longer is given up, in ms: whoever makes attempts asks again. */
const endTimeoutMs = 10_000;

/**
 * Ends deliveries that still wait although their event has expired, by the database's clock, those first that should have ended
 * first; answers how many. What someone attempts, or changes, at this moment is left to them.
 */
export const endExpired = query(
  async (db: Database, limit: number, patience: Pick<RunOptions, 'timeoutMs'> = {}): Promise<number> => {
    const rows = await selectRows(
      db,
      sql`with due as (
          select id from deliveries
          where status in ('pending', 'held', 'queued') and expires_at <= now()
            and (head_start_at is null or head_start_at < now() - ${silentMs} * interval '1 ms'
              or expires_at < now() - ${underWayMs} * interval '1 ms')
          order by expires_at limit ${limit} for update skip locked
        ), ${ended} select id from ended`,
      { name: 'end_expired', ...patience },
    );
    return rows.length;
  },
);

/**
 * Ends those of the deliveries that still wait as expired: it is up to the caller that they have. Answers how each stands
 * then, and how many it ended.
 */
export const endAsExpired = query(
  async (
    db: Database,
    ids: readonly DeliveryId[],
  ): Promise<{ statuses: Map<DeliveryId, DeliveryStatus>; ended: number }> => {
    const rows = await selectRows<{ id: string; status: DeliveryStatus; is_ended: boolean }>(
      db,
      sql`with wanted as (
          select d.id, d.status from ${unnest(ids, { wanted_id: ['uuid', uuidOf] })} join deliveries d on d.id = wanted_id
          order by d.id for update of d
        ), due as (
          select id from wanted where status in ('pending', 'held', 'queued')
        ), ${ended}
        select w.id, coalesce(e.status, w.status) as status, e.id is not null as is_ended
        from wanted w left join ended e on e.id = w.id`,
      { timeoutMs: endTimeoutMs },
    );
    return {
      statuses: new Map(rows.map(({ id, status }) => [idOf('dlv', id), status])),
      ended: rows.filter(({ is_ended }) => is_ended).length,
    };
  },
);

/** One that its consumer has pulled keeps its place: it may still say what became of it (db/settle-queued.ts). */
const ended: SQL = sql`ended as (
    update deliveries d set
      status = 'expired', next_attempt_at = null, head_start_at = null, waiting_since = null, held_from = null,
      ended_at = now(), reason = ${sql.raw(`'${expiredReason}'`)} || coalesce(': ' || d.reason, '')
    from due where d.id = due.id
    returning d.id, d.account_id, d.webhook_id, d.status
  ), told as (
    insert into changes (kind, account_ids, webhook_ids, delivery_ids, statuses)
    select 'delivery', array_agg(account_id), array_agg(webhook_id), array_agg(id), array_agg(status)
    from ended having count(*) > 0
  )`;
