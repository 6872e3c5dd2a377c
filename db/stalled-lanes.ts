import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { idOf, uuidOf, type WebhookId } from './ids.ts';
import type { LaneKey } from './lanes.ts';
import { webhookDeletedReason } from './webhooks.ts';

/** Rows that one statement moves, and lanes that one looks at. */
const mostPerStatement = 1_000;
const lanesAPage = 2_000;
/** A server that hangs longer is given up, in ms. */
const timeoutMs = 5_000;

/**
 * Unblocks lanes whose endpoint is not disabled, or whose webhook is deleted, although all that was told of it is counted: whoever
 * counted, or enabled it, knew nothing of lanes. What they waited for is held like all others then, to go out with its
 * whole retry schedule. Answers how many; up to 1,000.
 */
export const unblockForgotten = query(async (db: Database): Promise<number> => {
  const rows = await selectRows(
    db,
    // One step in the index for each webhook with such lanes, most of which are disabled, as they should be.
    sql`with recursive blocking(webhook_id) as (
        (select webhook_id from deliveries where lane_state = 'blocked' and status = 'held' order by webhook_id limit 1)
        union all
        select (select d.webhook_id from deliveries d
          where d.lane_state = 'blocked' and d.status = 'held' and d.webhook_id > b.webhook_id order by d.webhook_id limit 1)
        from blocking b where b.webhook_id is not null
      ), forgotten as (
        select d.id from blocking b join webhooks w on w.id = b.webhook_id
        join deliveries d on d.webhook_id = w.id and d.lane_state = 'blocked' and d.status = 'held'
        where (w.endpoint_state in ('healthy', 'failing') or w.deleted_at is not null)
          and not exists (select from attempts a where a.delivery_id = d.id and a.outcome_number > w.outcomes_counted)
        limit ${mostPerStatement} for update of d skip locked
      )
      update deliveries d set lane_state = 'head' from forgotten where d.id = forgotten.id returning d.id`,
  );
  return rows.length;
});

/**
 * Makes rows for lanes that have lost theirs although something waits there: without a head, so that it is time for the first. Looks at a page
 * of lanes, those after one; answers the last, after which to go on, and null at the end.
 */
export const restoreLanes = query(async (db: Database, after: LaneKey | null): Promise<LaneKey | null> => {
  const isOpen = sql`d.lane is not null and d.status in ('pending', 'held')`;
  const [row] = await selectRows<{ webhook_id: string; lane: string; count: number }>(
    db,
    sql`with recursive open(webhook_id, lane, position) as (
        (select d.webhook_id, d.lane, 1 from deliveries d where ${isOpen}
          ${after === null ? sql`` : sql`and (d.webhook_id, d.lane) > (${uuidOf(after.webhook_id)}::uuid, ${after.lane}::text)`}
          order by d.webhook_id, d.lane limit 1)
        union all
        select next.webhook_id, next.lane, o.position + 1 from open o cross join lateral (
          select d.webhook_id, d.lane from deliveries d
          where ${isOpen} and (d.webhook_id, d.lane) > (o.webhook_id, o.lane) order by d.webhook_id, d.lane limit 1
        ) next where o.position < ${lanesAPage}::int
      ), restored as (
        insert into lanes (webhook_id, lane, last_turn)
        select webhook_id, lane, (extract(epoch from clock_timestamp()) * 1000)::bigint from open o
        where not exists (select from lanes l where l.webhook_id = o.webhook_id and l.lane = o.lane)
        order by webhook_id, lane
        on conflict do nothing
      )
      select webhook_id, lane, position as count from open order by position desc limit 1`,
  );
  if (row === undefined || row.count < lanesAPage) return null;
  return { webhook_id: idOf('wh', row.webhook_id), lane: row.lane };
});

/** Ends what waits in lanes of a webhook that was deleted as it was stored. */
export const cancelInLanesOfDeleted = query(async (db: Database, webhookId: WebhookId): Promise<void> => {
  await selectRows(
    db,
    sql`update deliveries set status = 'cancelled', reason = ${webhookDeletedReason}, next_attempt_at = null,
          head_start_at = null, held_from = null, ended_at = now()
        where webhook_id = ${uuidOf(webhookId)} and lane is not null and status in ('pending', 'held')
          and exists (select from webhooks w where w.id = ${uuidOf(webhookId)} and w.deleted_at is not null)`,
    { timeoutMs },
  );
});
