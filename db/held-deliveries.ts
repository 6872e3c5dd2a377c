import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type DeliveryId, idOf, uuidOf, type WebhookId } from './ids.ts';

/** Why a delivery is held whose endpoint is disabled. */
export const endpointDisabledReason = 'waits, since the endpoint is disabled';

/** Rows that one statement moves. */
const mostPerStatement = 1_000;

/** How many of a webhook's deliveries are held. */
export const countHeld = query(async (db: Database, webhookId: WebhookId): Promise<number> => {
  const [row] = await selectRows<{ count: number }>(
    db,
    sql`select count(*)::int as count from deliveries where webhook_id = ${uuidOf(webhookId)} and status = 'held'`,
  );
  return row?.count ?? 0;
});

/** The webhook's held delivery that has waited longest; undefined when none is held. */
export const oldestHeld = query(
  async (db: Database, webhookId: WebhookId): Promise<DeliveryId | undefined> => {
    const [row] = await selectRows<{ id: string }>(
      db,
      sql`select id from deliveries where webhook_id = ${uuidOf(webhookId)} and status = 'held' order by id limit 1`,
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
          returning id, account_id, event_id
        ), untold as (
          insert into untold_failures (delivery_id, account_id)
          select d.id, d.account_id from ended d
          where exists (
              select from webhooks s where s.account_id = d.account_id and s.deleted_at is null
                and s.events && array['delivery.failed', 'delivery.*'])
            and not exists (select from events e where e.id = d.event_id and e.about_webhook_id is not null)
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
