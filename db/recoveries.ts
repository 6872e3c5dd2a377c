import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { isStillToGo } from './expired-deliveries.ts';
import { type AccountId, type DeliveryId, idOf, uuidOf, type WebhookId } from './ids.ts';
import type { EndpointState } from './schema.ts';
import { unnest } from './unnest.ts';

/** Rows that one statement moves. */
const mostPerStatement = 1_000;

/** Held, and in no lane or the first of its lane, which was not made to wait for it. */
const isInTurn = sql`d.status = 'held' and d.lane_state is distinct from 'behind' and d.lane_state is distinct from 'blocked'`;

/** What a recovery goes by. */
export interface Recovery {
  is_webhook_deleted: boolean;
  endpoint_state: EndpointState;
  /** Deliveries a second. */
  recovery_rate: number;
  /** The webhook's limit of all its requests a second; null for none. */
  rate_limit: number | null;
  /** The held delivery that has waited longest, of those whose turn it is; null when there is none. */
  oldest: DeliveryId | null;
  /**
   * There is none, and something held waits in a lane for a delivery that is to be attempted until the moment asked for, or has just
   * ended: soon it may be its turn.
   */
  is_turn_near: boolean;
}

/** So many of those that wait in lanes are looked at. */
const mostBehind = 1_000;

/** How a webhook's recovery stands now; undefined when there is no such webhook. */
export const findRecovery = query(
  async (db: Database, webhookId: WebhookId, nearUntil: Date): Promise<Recovery | undefined> => {
    const [row] = await selectRows<Omit<Recovery, 'oldest'> & { oldest: string | null }>(
      db,
      // In one statement: what was behind others is the first of its lane a moment later.
      sql`select w.deleted_at is not null as is_webhook_deleted, w.endpoint_state, w.recovery_rate, w.rate_limit, o.oldest,
          case when o.oldest is null then exists (
            select from (
              select distinct lane from (
                select d.lane from deliveries d where d.webhook_id = w.id and d.status = 'held' and d.lane_state = 'behind'
                limit ${mostBehind}
              ) first_held
            ) behind
            join lanes l on l.webhook_id = w.id and l.lane = behind.lane
            left join deliveries h on h.id = l.head
            where h.lane_state is distinct from 'blocked'
              and (h.next_attempt_at is null or h.next_attempt_at <= ${nearUntil.toISOString()}::timestamptz)
          ) else false end as is_turn_near
        from webhooks w
        left join lateral (
          select d.id as oldest from deliveries d
          where d.webhook_id = w.id and ${isInTurn} and ${isStillToGo} order by d.id limit 1
        ) o on true
        where w.id = ${uuidOf(webhookId)}`,
    );
    return row && { ...row, oldest: row.oldest === null ? null : idOf('dlv', row.oldest) };
  },
);

/** How many of a webhook's deliveries are held, and how many of them had ended and are to be sent again. */
export const countLeft = query(
  async (db: Database, webhookId: WebhookId): Promise<{ held: number; marked: number }> => {
    const [row] = await selectRows<{ held: number; marked: number }>(
      db,
      sql`select count(*)::int as held, count(held_from)::int as marked
          from deliveries where webhook_id = ${uuidOf(webhookId)} and status = 'held'`,
    );
    return row ?? { held: 0, marked: 0 };
  },
);

/**
 * Gives the oldest held deliveries of a webhook to a workflow, to be attempted at once; answers how many. Of a lane only the first
 * is taken. None are taken
 * while the endpoint is disabled or probed. Whoever takes them owns them until `leasedUntil`: then they are due, and the
 * sweep starts the workflow. One that had ended before gets its whole retry schedule again.
 */
export const takeHeld = query(
  async (
    db: Database,
    take: { webhook_id: WebhookId; workflow_id: string; limit: number; leased_until: Date },
  ): Promise<number> => {
    const rows = await selectRows(
      db,
      sql`with oldest as (
          select d.id from deliveries d
          where d.webhook_id = ${uuidOf(take.webhook_id)} and ${isInTurn} and ${isStillToGo} and exists (
            select from webhooks w
            where w.id = d.webhook_id and w.deleted_at is null and w.endpoint_state in ('healthy', 'failing'))
          order by d.id limit ${take.limit} for update of d skip locked
        )
        update deliveries d set
          status = 'pending', workflow_id = ${take.workflow_id},
          next_attempt_at = ${take.leased_until.toISOString()}::timestamptz,
          scheduled_attempts = case when d.held_from is null then d.scheduled_attempts else 0 end,
          held_from = null, ended_at = null, head_start_at = null, waiting_since = null
        from oldest where d.id = oldest.id returning d.id`,
    );
    return rows.length;
  },
);

/** A delivery whose attempt is under way. */
export interface Leased {
  id: DeliveryId;
  /** As it was before the attempt: it tells whether that was recorded, where it used up a step. */
  scheduled_attempts: number;
}

/**
 * Owns deliveries for longer whose attempt is not recorded yet; answers which. One that is due later already is left as it is: its
 * attempt used up no step. So is one that is being written at this moment: so this never waits, and never makes others wait
 * crosswise.
 */
export const renewLeases = query(
  async (db: Database, leased: readonly Leased[], until: Date): Promise<DeliveryId[]> => {
    const rows = await selectRows<{ id: string }>(
      db,
      sql`with unrecorded as (
          -- By id alone, as in db/waiting-deliveries.ts.
          select d.id, d.status, d.next_attempt_at from ${unnest(leased, {
            leased_id: ['uuid', ({ id }) => uuidOf(id)],
            steps: ['int', (one) => one.scheduled_attempts],
          })} join deliveries d on d.id = leased_id
          where d.scheduled_attempts = steps
          for update of d skip locked
        )
        update deliveries d set next_attempt_at = ${until.toISOString()}::timestamptz
        from unrecorded u
        where d.id = u.id and u.status = 'pending' and u.next_attempt_at < ${until.toISOString()}::timestamptz
        returning d.id`,
    );
    return rows.map(({ id }) => idOf('dlv', id));
  },
);

/** Deliveries that ended with this status in this time, its ends included. */
export interface EndedRange {
  status: 'failed' | 'cancelled';
  since: Date;
  until: Date;
}

/**
 * Marks up to 1,000 ended deliveries of a webhook, those that ended first: they are held, to be sent again, and remember how
 * they had ended. Test events, expired events and deleted webhooks are left out. Those that were in lanes go back to their places
 * there. Answers how many; none when all are marked.
 */
export const markEnded = query(
  async (db: Database, webhookId: WebhookId, { status, since, until }: EndedRange): Promise<number> => {
    const rows = await selectRows(
      db,
      sql`with ended as (
          select d.id from deliveries d join events e on e.id = d.event_id join webhooks w on w.id = d.webhook_id
          where d.webhook_id = ${uuidOf(webhookId)} and d.status = ${status} and d.status in ('failed', 'cancelled')
            and d.ended_at >= ${since.toISOString()}::timestamptz and d.ended_at <= ${until.toISOString()}::timestamptz
            and not e.is_test and w.deleted_at is null and ${isStillToGo}
          order by d.ended_at, d.id limit ${mostPerStatement} for update of d
        ), marked as (
          update deliveries d set status = 'held', held_from = d.status,
            lane_state = case when d.lane is not null then 'behind' end
          from ended where d.id = ended.id returning d.id, d.webhook_id, d.lane
        ), entered as (
          -- Without a head: it is time for the first. One that is there is locked, so that it does not go while these enter it.
          insert into lanes as l (webhook_id, lane, last_turn)
          select distinct webhook_id, lane, (extract(epoch from now()) * 1000)::bigint from marked where lane is not null
          order by webhook_id, lane
          on conflict (webhook_id, lane) do update set last_turn = l.last_turn
        )
        select id from marked`,
    );
    return rows.length;
  },
);

/**
 * Gives up to 1,000 marked deliveries that are still held, those after an id, their former status back; answers how many, and
 * the last one's id, after which to go on; null when there were none.
 */
export const takeBackMarked = query(
  async (
    db: Database,
    webhookId: WebhookId,
    after: DeliveryId | null,
  ): Promise<{ count: number; last: DeliveryId | null }> => {
    const rows = await selectRows<{ id: string }>(
      db,
      sql`with marked as (
          select id from deliveries
          where webhook_id = ${uuidOf(webhookId)} and status = 'held' and held_from is not null
            ${after === null ? sql`` : sql`and id > ${uuidOf(after)}`}
          order by id limit ${mostPerStatement} for update
        )
        update deliveries d set status = d.held_from, held_from = null
        from marked where d.id = marked.id returning d.id`,
    );
    const last = rows.reduce<string | null>((max, { id }) => (max === null || id > max ? id : max), null);
    return { count: rows.length, last: last === null ? null : idOf('dlv', last) };
  },
);

/**
 * Webhooks with held deliveries that nobody may be going to send: their endpoints are not disabled, or they are deleted. Looks
 * at one held delivery a webhook, however many there are.
 */
export const findLeftBehind = query(
  async (db: Database): Promise<{ id: WebhookId; account_id: AccountId; is_deleted: boolean }[]> => {
    const rows = await selectRows<{ id: string; account_id: string; is_deleted: boolean }>(
      db,
      sql`with recursive holding as (
          (select d.webhook_id from deliveries d where ${isInTurn} order by d.webhook_id limit 1)
          union all
          select (
            select d.webhook_id from deliveries d where ${isInTurn} and d.webhook_id > h.webhook_id
            order by d.webhook_id limit 1)
          from holding h where h.webhook_id is not null
        )
        select w.id, w.account_id, w.deleted_at is not null as is_deleted
        from holding h join webhooks w on w.id = h.webhook_id
        where w.deleted_at is not null or w.endpoint_state in ('healthy', 'failing')`,
    );
    return rows.map((row) => ({
      id: idOf('wh', row.id),
      account_id: idOf('acct', row.account_id),
      is_deleted: row.is_deleted,
    }));
  },
);
