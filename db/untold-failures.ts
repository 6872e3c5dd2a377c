import { type SQL, sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, type DeliveryId, idOf, uuidOf, type WebhookId } from './ids.ts';
import { unnest } from './unnest.ts';

/** A delivery that has failed, as its account is told of it. */
export interface UntoldFailure {
  delivery_id: DeliveryId;
  /** The number of the attempt with which it failed: so many were made by then. */
  attempt_number: number;
  account_id: AccountId;
  webhook_id: WebhookId;
  /** As its receivers know the event: the producer's own id where there is one. */
  event_id: string;
  event_type: string;
  /** Why that attempt failed, in words. */
  reason: string | null;
  failed_at: Date;
}

/**
 * Whether a failed delivery is to be noted in `untold_failures`: another webhook of its account names `delivery.failed`, and
 * it is not itself of an operational event. The columns are those of the delivery.
 */
export function isFailureTold(columns: { account_id: SQL; webhook_id: SQL; event_id: SQL }): SQL {
  return sql`exists (
      select from webhooks s where s.account_id = ${columns.account_id} and s.id <> ${columns.webhook_id}
        and s.deleted_at is null and s.events && array['delivery.failed', 'delivery.*'])
    and not exists (select from events e where e.id = ${columns.event_id} and e.about_webhook_id is not null)`;
}

/** What is still noted of these deliveries. */
export const findUntoldFailures = query(
  (db: Database, deliveryIds: readonly DeliveryId[]): Promise<UntoldFailure[]> =>
    selectFailures(
      db,
      sql`u.delivery_id in (select wanted from ${unnest(deliveryIds, { wanted: ['uuid', uuidOf] })})`,
    ),
);

/** What was noted at least `graceMs` ago and is still there, oldest first. */
export const findOverdueFailures = query(
  (db: Database, options: { now: Date; graceMs: number; limit: number }): Promise<UntoldFailure[]> => {
    const before = new Date(options.now.getTime() - options.graceMs).toISOString();
    return selectFailures(
      db,
      sql`u.created_at < ${before}::timestamptz order by u.created_at limit ${options.limit}`,
    );
  },
);

/** Takes notes away: their events are stored. */
export const deleteUntoldFailures = query(
  async (
    db: Database,
    told: readonly Pick<UntoldFailure, 'delivery_id' | 'attempt_number'>[],
  ): Promise<void> => {
    await db.execute(
      sql`delete from untold_failures u using ${unnest(told, {
        told_id: ['uuid', ({ delivery_id }) => uuidOf(delivery_id)],
        told_number: ['int', ({ attempt_number }) => attempt_number],
      })} where u.delivery_id = told_id and u.attempt_number = told_number`,
    );
  },
);

async function selectFailures(db: Database, condition: SQL): Promise<UntoldFailure[]> {
  const rows = await selectRows<{
    delivery_id: string;
    attempt_number: number;
    account_id: string;
    webhook_id: string;
    event_id: string;
    client_id: string | null;
    event_type: string;
    reason: string | null;
    failed_ms: number;
  }>(
    db,
    sql`select u.delivery_id, u.attempt_number, u.account_id, d.webhook_id, d.event_id, e.client_id,
          e.type as event_type, a.detail as reason,
          (extract(epoch from coalesce(a.started_at + a.duration_ms * interval '1 ms', u.created_at)) * 1000)::float8
            as failed_ms
        from untold_failures u
        join deliveries d on d.id = u.delivery_id
        join events e on e.id = d.event_id
        left join attempts a on a.delivery_id = u.delivery_id and a.number = u.attempt_number
        where ${condition}`,
  );
  return rows.map(({ client_id, failed_ms, ...row }) => ({
    delivery_id: idOf('dlv', row.delivery_id),
    attempt_number: row.attempt_number,
    account_id: idOf('acct', row.account_id),
    webhook_id: idOf('wh', row.webhook_id),
    event_id: client_id ?? idOf('evt', row.event_id),
    event_type: row.event_type,
    reason: row.reason,
    failed_at: new Date(failed_ms),
  }));
}
