import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { isStillToGo } from './expired-deliveries.ts';
import { type DeliveryId, idOf, uuidOf, type WebhookId } from './ids.ts';
import { unnest } from './unnest.ts';
import { isFailureTold } from './untold-failures.ts';

/** Why a delivery is held whose endpoint is disabled. */
export const endpointDisabledReason = 'waits, since the endpoint is disabled';

/** Rows that one statement moves. */
const mostPerStatement = 1_000;

/**
 * Holds those of the deliveries that are still pending and whose endpoint is still disabled, or probed, in one statement;
 * answers which. What is left of their retry schedules stays.
 */
export const holdDeliveries = query(
  async (db: Database, ids: readonly DeliveryId[]): Promise<Set<DeliveryId>> => {
    const rows = await selectRows<{ id: string }>(
      db,
      sql`with due as (
          -- By id alone, as in db/waiting-deliveries.ts.
          select d.id, d.status from ${unnest(ids, { wanted: ['uuid', uuidOf] })}
          join deliveries d on d.id = wanted
          join webhooks w on w.id = d.webhook_id
          where w.deleted_at is null and w.endpoint_state in ('disabled', 'probing')
          order by d.id for update of d
        )
        update deliveries d set
          status = 'held', next_attempt_at = null, head_start_at = null, waiting_since = null,
          reason = ${endpointDisabledReason}
        from due where d.id = due.id and due.status = 'pending' returning d.id`,
    );
    return new Set(rows.map((row) => idOf('dlv', row.id)));
  },
);

/** How many of a webhook's deliveries are held. */
export const countHeld = query(async (db: Database, webhookId: WebhookId): Promise<number> => {
  const [row] = await selectRows<{ count: number }>(
    db,
    sql`select count(*)::int as count from deliveries where webhook_id = ${uuidOf(webhookId)} and status = 'held'`,
  );
  return row?.count ?? 0;
});

/**
 * The webhook's held delivery that has waited longest, waits for no other and has not expired; undefined when there is none. Those
 * that failed for good, and for which their lanes wait, come before the others.
 */
export const oldestHeld = query(
  async (db: Database, webhookId: WebhookId): Promise<DeliveryId | undefined> => {
    const [row] = await selectRows<{ id: string }>(
      db,
      sql`select id from (
            (select d.id, true as is_blocked from lanes l join deliveries d on d.id = l.head
              where l.webhook_id = ${uuidOf(webhookId)} and d.status = 'held' and d.lane_state = 'blocked' and ${isStillToGo}
              order by d.id limit 1)
            union all
            (select id, false from deliveries d where webhook_id = ${uuidOf(webhookId)} and status = 'held'
              and lane_state is distinct from 'behind' and ${isStillToGo}
              order by id limit 1)
          ) as oldest order by is_blocked desc limit 1`,
    );
    return row === undefined ? undefined : idOf('dlv', row.id);
  },
);

/**
 * Ends a held delivery as failed: an attempt of it showed that it can never be delivered. Answers whether it was still held.
 * As any failed one it is noted in `untold_failures` where its account wants to hear of it.
 */
export const endHeld = query(
  async (db: Database, deliveryId: DeliveryId, reason: string): Promise<boolean> => {
    const rows = await selectRows(
      db,
      sql`with ended as (
          update deliveries set status = 'failed', reason = ${reason}, held_from = null, ended_at = now()
          where id = ${uuidOf(deliveryId)} and status = 'held'
          returning id, account_id, webhook_id, event_id, attempt_count
        ), untold as (
          insert into untold_failures (delivery_id, attempt_number, account_id)
          select d.id, d.attempt_count, d.account_id from ended d
          where ${isFailureTold({ account_id: sql`d.account_id`, webhook_id: sql`d.webhook_id`, event_id: sql`d.event_id` })}
          on conflict do nothing
        )
        select id from ended`,
    );
    return rows.length > 0;
  },
);

/**
 * Cancels all held deliveries of a webhook, also those that a recovery was to send again; answers how many. It takes them in
 * pages, so that no statement takes long; one that was broken off may be repeated.
 */
export const discardHeld = query(
  (db: Database, webhookId: WebhookId, reason: string): Promise<number> =>
    inPages(() =>
      selectRows(
        db,
        sql`update deliveries set status = 'cancelled', reason = ${reason}, held_from = null, ended_at = now()
            where status = 'held' and id in (
              select id from deliveries where webhook_id = ${uuidOf(webhookId)} and status = 'held'
              order by id limit ${mostPerStatement})
            returning id`,
      ),
    ),
);

/** Repeats a statement until it finds nothing more; answers how many rows it returned in all. */
async function inPages(statement: () => Promise<unknown[]>): Promise<number> {
  let count = 0;
  for (;;) {
    const rows = await statement();
    if (rows.length === 0) return count;
    count += rows.length;
  }
}
