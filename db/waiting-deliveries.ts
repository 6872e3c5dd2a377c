import { sql } from 'drizzle-orm';
import type { EndpointLimits } from '../webhook/endpoint-limits.ts';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { headStartAgeMs, silentAfterMs } from './head-starts.ts';
import { type DeliveryId, idOf, uuidOf, type WebhookId } from './ids.ts';
import type { DeliveryStatus } from './schema.ts';
import { anyOf, unnest } from './unnest.ts';

/** After its turn should have come, a waiting delivery’s workflow looks whether it has; in ms. */
const lookAfterMs = 2_000;

/** A delivery that is to wait for its endpoint’s limits. */
export interface PutOff {
  id: DeliveryId;
  webhook_id: WebhookId;
  /** So long its endpoint takes for one, in ms. */
  every_ms: number;
  reason: string;
  /** Whether the caller has its head start, which it leaves with this. */
  has_head_start: boolean;
}

/**
 * Has deliveries wait in the database for their endpoints’ limits, in one statement; answers in how many ms the
 * workflow of each should look after it. They are planned one after the other behind what waits there already; those of one
 * workflow at one endpoint are looked after when the last of them should have gone out. What was put off before keeps its
 * place, and is looked after again when it has waited for a quarter longer. Left out is what is no longer pending, or has been
 * taken up by someone else.
 */
export const putOffDeliveries = query(
  async (db: Database, putOffs: readonly PutOff[]): Promise<Map<DeliveryId, number>> => {
    const rows = await selectRows<{ id: string; in_ms: number }>(
      db,
      sql`with wanted as (
          select * from ${unnest(putOffs, {
            wanted_id: ['uuid', ({ id }) => uuidOf(id)],
            every_ms: ['text', (one) => String(one.every_ms)],
            new_reason: ['text', ({ reason }) => reason],
            is_own: ['boolean', (one) => one.has_head_start],
          })}
        ), free as (
          -- Whoever writes one at this moment settles it: so this never makes others wait crosswise.
          -- By id alone: a plan from when few were pending would read all that are, to find these among them.
          select d.id, d.webhook_id, d.workflow_id, d.status, d.head_start_at, d.waiting_since,
            w.every_ms::float8 as every_ms, w.new_reason, w.is_own
          from wanted w join deliveries d on d.id = w.wanted_id
          for update of d skip locked
        ), mine as (
          select id, webhook_id, workflow_id, new_reason,
            extract(epoch from now() - waiting_since)::float8 * 1000 as waited_ms,
            sum(case when waiting_since is null then every_ms else 0 end)
              over (partition by webhook_id order by id) as ahead_ms
          from free where status = 'pending' and (is_own or head_start_at is null)
        ), spans as (
          select webhook_id, max(ahead_ms) as span_ms, extract(epoch from now())::float8 * 1000 as now_ms
          from mine group by webhook_id
        ), planned as (
          insert into endpoint_limits as l (webhook_id, planned_until_ms)
          select webhook_id, now_ms + span_ms from spans order by webhook_id
          on conflict (webhook_id) do update set planned_until_ms =
            greatest(l.planned_until_ms, extract(epoch from now())::float8 * 1000) + excluded.planned_until_ms
              - extract(epoch from now())::float8 * 1000
          returning webhook_id, planned_until_ms
        ), due as (
          select m.id, m.new_reason, max(
              case when m.waited_ms is null then p.planned_until_ms - s.span_ms + m.ahead_ms
                else s.now_ms + m.waited_ms / 4 end
            ) over (partition by m.webhook_id, m.workflow_id) + ${lookAfterMs}::float8 as due_ms
          from mine m join planned p on p.webhook_id = m.webhook_id join spans s on s.webhook_id = m.webhook_id
        )
        update deliveries d set
          waiting_since = coalesce(d.waiting_since, now()), head_start_at = null, reason = due.new_reason,
          next_attempt_at = to_timestamp(due.due_ms / 1000)
        from due
        where d.id = due.id
        returning d.id, (extract(epoch from d.next_attempt_at - now()) * 1000)::float8 as in_ms`,
      { name: 'put_off_deliveries' },
    );
    return new Map(rows.map(({ id, in_ms }) => [idOf('dlv', id), in_ms]));
  },
);

/**
 * Takes up the deliveries that have waited longest for a webhook’s limits, so that the caller attempts them and nobody else
 * does: as a head start, which is to be renewed. None while the endpoint is disabled.
 */
export const takeWaiting = query(
  async (db: Database, webhookId: WebhookId, limit: number): Promise<DeliveryId[]> => {
    const rows = await selectRows<{ id: string }>(
      db,
      sql`with oldest as (
          select d.id from deliveries d
          where d.webhook_id = ${uuidOf(webhookId)} and d.status = 'pending' and d.waiting_since is not null
            and d.head_start_at is null and exists (
              select from webhooks w
              where w.id = d.webhook_id and w.deleted_at is null and w.endpoint_state in ('healthy', 'failing'))
          order by d.id limit ${limit} for update of d skip locked
        )
        update deliveries d set head_start_at = now() from oldest where d.id = oldest.id returning d.id`,
      { name: 'take_waiting' },
    );
    return rows.map(({ id }) => idOf('dlv', id)).sort();
  },
);

/** Deliveries that some process took up and of which it has said nothing for so long. */
export const findForsaken = query(
  async (db: Database, webhookId: WebhookId, silentMs: number, limit: number): Promise<DeliveryId[]> => {
    const rows = await selectRows<{ id: string }>(
      db,
      sql`select id from deliveries
          where webhook_id = ${uuidOf(webhookId)} and status = 'pending' and waiting_since is not null
            and head_start_at < now() - ${silentMs} * interval '1 ms'
          order by id limit ${limit}`,
      { name: 'find_forsaken' },
    );
    return rows.map(({ id }) => idOf('dlv', id));
  },
);

/** The webhooks for whose limits deliveries wait. */
export const findAwaitedWebhooks = query(
  async (db: Database): Promise<(EndpointLimits & { id: WebhookId })[]> => {
    // One step in the index for each, however many deliveries wait.
    const rows = await selectRows<EndpointLimits & { id: string }>(
      db,
      sql`with recursive awaited(id) as (
          (select webhook_id from deliveries where status = 'pending' and waiting_since is not null
            order by webhook_id limit 1)
          union all
          select (select d.webhook_id from deliveries d
            where d.status = 'pending' and d.waiting_since is not null and d.webhook_id > a.id
            order by d.webhook_id limit 1)
          from awaited a where a.id is not null
        )
        select w.id, w.rate_limit, w.max_in_flight from awaited a join webhooks w on w.id = a.id`,
      { name: 'find_awaited_webhooks' },
    );
    return rows.map((row) => ({ ...row, id: idOf('wh', row.id) }));
  },
);

/** Nothing waits for the webhook’s limits: what waits next is planned from now on. Where something waits, the plan stays. */
export const endPlan = query(async (db: Database, webhookId: WebhookId): Promise<void> => {
  await selectRows(
    db,
    sql`update endpoint_limits set planned_until_ms = 0
        where webhook_id = ${uuidOf(webhookId)} and not exists (
          select from deliveries d
          where d.webhook_id = ${uuidOf(webhookId)} and d.status = 'pending' and d.waiting_since is not null)`,
  );
});

/** Where a delivery stands, without what an attempt of it needs. */
export interface Standing {
  status: DeliveryStatus;
  workflow_id: string;
  webhook_id: WebhookId;
  /** So long its workflow need not look after it, in ms, since it waits and nobody has taken it up. */
  waits_ms: number;
  /** Whether a process that lives makes its attempt. */
  is_under_way: boolean;
  reason: string;
}

export const findStandings = query(
  async (db: Database, ids: readonly DeliveryId[]): Promise<Map<DeliveryId, Standing>> => {
    if (ids.length === 0) return new Map();
    const rows = await selectRows<Omit<Standing, 'webhook_id'> & { id: string; webhook_id: string }>(
      db,
      sql`select id, status, workflow_id, webhook_id, coalesce(reason, '') as reason,
          case when waiting_since is null or head_start_at is not null then 0
            else coalesce(extract(epoch from next_attempt_at - now()) * 1000, 0) end::float8 as waits_ms,
          coalesce(${headStartAgeMs(sql`head_start_at`)} <= ${silentAfterMs}, false) as is_under_way
        from deliveries where id = ${anyOf(ids.map(uuidOf), 'uuid')}`,
      { name: 'find_standings' },
    );
    return new Map(
      rows.map(({ id, webhook_id, ...standing }) => [
        idOf('dlv', id),
        { ...standing, webhook_id: idOf('wh', webhook_id) },
      ]),
    );
  },
);
