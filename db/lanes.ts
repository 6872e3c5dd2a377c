import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { endpointDisabledReason } from './held-deliveries.ts';
import { idleAtMost } from './idle-at-most.ts';
import { type DeliveryId, idOf, uuidOf, type WebhookId } from './ids.ts';
import { unnest } from './unnest.ts';

/** A lane of a webhook whose events are in order. */
export interface LaneKey {
  webhook_id: WebhookId;
  lane: string;
}

/** Why a delivery is not attempted that others of its lane are before. */
export const behindReason = 'waits for the delivery before it in its lane';

/**
 * Of a lane whose head is `d`: it is time for the next. One that was marked to be sent again (db/recoveries.ts) is the head no longer, and
 * nobody would ever come to one that has no time.
 */
const isTimeForNext = sql`(d.status is null or d.status not in ('pending', 'held') or d.lane_state = 'behind'
  or (d.status = 'pending' and d.next_attempt_at is null))`;

/** Rows that one statement moves. */
const mostPerStatement = 1_000;
/** A shorter page is the last one. */
export const endedLanesAPage = 1_000;

const laneColumns = {
  wanted_webhook: ['uuid', ({ webhook_id }: LaneKey) => uuidOf(webhook_id)],
  wanted_lane: ['text', ({ lane }: LaneKey) => lane],
} satisfies Parameters<typeof unnest<LaneKey>>[1];

/** So many deliveries one transaction adds to a lane at most: between two turns there are so many places. */
export const placesATurn = 4_096;

/**
 * Adds a delivery that is going to be stored in the same transaction to the end of a lane: answers its place, and whether
 * nothing is before it. As many do at once: see db/owed-deliveries.ts.
 */
export async function takeTurn(
  tx: Database,
  { webhook_id, lane }: LaneKey,
  delivery: DeliveryId,
): Promise<{ place: number; is_head: boolean }> {
  const [row] = await selectRows<{ place: number; is_head: boolean }>(
    tx,
    sql`insert into lanes as l (webhook_id, lane, head, last_turn)
        values (${uuidOf(webhook_id)}, ${lane}, ${uuidOf(delivery)}, (extract(epoch from clock_timestamp()) * 1000)::bigint)
        on conflict (webhook_id, lane) do update set last_turn = greatest(l.last_turn + 1, excluded.last_turn)
        returning (last_turn * ${placesATurn}::bigint)::float8 as place, coalesce(head = ${uuidOf(delivery)}, false) as is_head,
          ${idleAtMost} as idle_at_most`,
  );
  if (row === undefined) throw new Error('a turn in a lane was not returned');
  const { place, is_head } = row;
  return { place, is_head };
}

/**
 * Makes the next delivery of each lane its head where the one before has ended; a lane in which nothing is left goes. What it
 * opens has a head start, so that the caller attempts it and nobody else does; where the endpoint is disabled it is held.
 * Answers what it opened, and which lanes are to be asked for again, since their next delivery is just being written. May be
 * repeated: a lane whose head has not ended stays as it is.
 */
export const advanceLanes = query(
  (db: Database, keys: readonly LaneKey[]): Promise<{ opened: DeliveryId[]; again: LaneKey[] }> =>
    db.transaction(async (tx) => {
      // First the locks, then a statement that sees all that those who had them have done. In one order, so that nobody waits
      // crosswise.
      await selectRows(
        tx,
        sql`select (select ${idleAtMost}) from ${unnest(keys, laneColumns)}
            join lanes l on l.webhook_id = wanted_webhook and l.lane = wanted_lane
            order by l.webhook_id, l.lane for update of l`,
        { name: 'lock_lanes' },
      );
      const rows = await selectRows<{
        webhook_id: string;
        lane: string;
        id: string;
        is_open: boolean | null;
      }>(
        tx,
        sql`with ended as (
            select l.webhook_id, l.lane from ${unnest(keys, laneColumns)}
            join lanes l on l.webhook_id = wanted_webhook and l.lane = wanted_lane
            left join deliveries d on d.id = l.head
            where ${isTimeForNext}
          ), next as (
            select e.webhook_id, e.lane, n.id from ended e
            left join lateral (
              select d.id from deliveries d
              where d.webhook_id = e.webhook_id and d.lane = e.lane and d.status in ('pending', 'held')
              order by d.place limit 1
            ) n on true
          ), found as (
            -- Whoever writes one at this moment may end it. By id alone, as in db/waiting-deliveries.ts.
            select d.id, d.webhook_id, d.lane, d.status from next n join deliveries d on d.id = n.id
            for update of d skip locked
          ), free as (
            select id, webhook_id, lane from found where status in ('pending', 'held')
          ), moved as (
            update lanes l set head = f.id from free f where l.webhook_id = f.webhook_id and l.lane = f.lane
          ), emptied as (
            delete from lanes l using next n where n.id is null and l.webhook_id = n.webhook_id and l.lane = n.lane
          ), opened as (
            update deliveries d set
              lane_state = 'head',
              status = case when w.endpoint_state in ('disabled', 'probing') then 'held' else d.status end,
              next_attempt_at = case
                when d.status = 'held' or w.endpoint_state in ('disabled', 'probing') then null else now() end,
              head_start_at = case
                when d.status = 'held' or w.endpoint_state in ('disabled', 'probing') then null else now() end,
              reason = case
                when d.status = 'held' then d.reason
                when w.endpoint_state in ('disabled', 'probing') then ${endpointDisabledReason}::text end
            from free f join webhooks w on w.id = f.webhook_id
            where d.id = f.id
            returning d.id, d.status = 'pending' as is_open
          )
          select n.webhook_id, n.lane, n.id, o.is_open from next n left join opened o on o.id = n.id
          where n.id is not null`,
        { name: 'advance_lanes' },
      );
      return {
        opened: rows.filter(({ is_open }) => is_open === true).map(({ id }) => idOf('dlv', id)),
        again: rows
          .filter(({ is_open }) => is_open === null)
          .map(({ webhook_id, lane }) => ({ webhook_id: idOf('wh', webhook_id), lane })),
      };
    }),
);

/** Lanes whose head has ended, so that it is time for the next: of one webhook, or of all, those after a lane. A page of them. */
export const findEndedLanes = query(
  async (db: Database, webhookId: WebhookId | null, after: LaneKey | null = null): Promise<LaneKey[]> => {
    const rows = await selectRows<{ webhook_id: string; lane: string }>(
      db,
      sql`select l.webhook_id, l.lane from lanes l left join deliveries d on d.id = l.head
          where ${isTimeForNext}
            ${webhookId === null ? sql`` : sql`and l.webhook_id = ${uuidOf(webhookId)}`}
            ${after === null ? sql`` : sql`and (l.webhook_id, l.lane) > (${uuidOf(after.webhook_id)}, ${after.lane})`}
          order by l.webhook_id, l.lane limit ${endedLanesAPage}`,
    );
    return rows.map(({ webhook_id, lane }) => ({ webhook_id: idOf('wh', webhook_id), lane }));
  },
);

/**
 * Holds up to 1,000 deliveries of a disabled endpoint, or of all, that wait in its lanes, so that they go out at the pace of its
 * recovery; answers how many.
 */
export const holdBehind = query(async (db: Database, webhookId: WebhookId | null): Promise<number> => {
  const rows = await selectRows(
    db,
    sql`with waiting as (
        select d.id from webhooks w cross join lateral (
          select id from deliveries
          where webhook_id = w.id and status = 'pending' and lane_state = 'behind'
          limit ${mostPerStatement} for update skip locked
        ) d
        where w.deleted_at is null and w.endpoint_state in ('disabled', 'probing')
          ${webhookId === null ? sql`` : sql`and w.id = ${uuidOf(webhookId)}`}
        limit ${mostPerStatement}
      )
      update deliveries d set status = 'held', reason = ${endpointDisabledReason}
      from waiting where d.id = waiting.id returning d.id`,
  );
  return rows.length;
});

const holdForMs = 2_000;

/** Holds as many of them as it can in some seconds; the sweep goes on with the rest. */
export async function holdAllBehind(db: Database, webhookId: WebhookId | null): Promise<void> {
  const endsAt = performance.now() + holdForMs;
  while ((await holdBehind(db, webhookId)) > 0 && performance.now() < endsAt);
}

/** Has deliveries that had failed for good, and for which their lanes wait, go out again with all others. */
export const unblockLanes = query(async (db: Database, webhookId: WebhookId): Promise<void> => {
  await selectRows(
    db,
    sql`update deliveries set lane_state = 'head'
        where webhook_id = ${uuidOf(webhookId)} and status = 'held' and lane_state = 'blocked' returning ${idleAtMost}`,
  );
});
