import { and, desc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import { appendAuditEntry, type Change } from './audit-log.ts';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type StoredEvent, storedEventColumns } from './events.ts';
import { idleAtMost } from './idle-at-most.ts';
import {
  type AccountId,
  type DeliveryId,
  type EventId,
  firstUuidAt,
  idOf,
  timeOf,
  uuidOf,
  type WebhookId,
} from './ids.ts';
import { attempts, changes, type DeliveryStatus, deliveries, events, lanes, webhooks } from './schema.ts';
import { webhookDeletedReason } from './webhooks.ts';

export interface Delivery {
  id: DeliveryId;
  /** As its receiver knows the event: the producer's own id where there is one. */
  event_id: string;
  /** Null once the event is no longer kept. */
  event_type: string | null;
  /** The channel that the event came from; null, too, once the event is no longer kept. */
  channel: string | null;
  webhook_id: WebhookId;
  /** As they are now. */
  /** Null where its deliveries are pulled. */
  webhook_url: string | null;
  webhook_description: string;
  workflow_id: string;
  status: DeliveryStatus;
  attempt_count: number;
  /** Null, too, when it expires before. */
  next_attempt_at: Date | null;
  /** From this moment on no attempt is made; null where that never comes. */
  expires_at: Date | null;
  reason: string | null;
  /** What the last attempt was answered; null when it was not, or none was made. */
  response_status: number | null;
  /** Where its webhook's events are in order: in which lane it is, */
  lane: string | null;
  /** and which delivery is attempted there now, where it waits for that. */
  waits_for: DeliveryId | null;
  created_at: Date;
  ended_at: Date | null;
}

/** Of a delivery that has not ended. */
const waitingStatuses = ['pending', 'held', 'queued'] as const;
/** Whether a delivery waits for another of its lane. */
export const isBehind = sql<boolean>`coalesce(${deliveries.lane_state} = 'behind' and ${deliveries.status} in ('pending', 'held'), false)`;

const mostDeliveriesOfAnEvent = 1_000;

/** An account's deliveries of these ids, newest first. */
export const findDeliveriesById = query(
  async (db: Database, accountId: AccountId, ids: readonly DeliveryId[]): Promise<Delivery[]> =>
    ids.length === 0
      ? []
      : selectDeliveries(
          db,
          and(eq(deliveries.account_id, accountId), inArray(deliveries.id, [...ids])),
          ids.length,
        ),
);

/** An event's deliveries, newest first; at most 1,000 of them. */
export const listDeliveriesOfEvent = query(
  (db: Database, accountId: AccountId, eventId: EventId): Promise<Delivery[]> =>
    selectDeliveries(
      db,
      and(eq(deliveries.account_id, accountId), eq(deliveries.event_id, eventId)),
      mostDeliveriesOfAnEvent,
    ),
);

export const findDelivery = query(findOne);

/** What the requests of a delivery were made of: they all had the same body. */
export interface SentEvent {
  profile: string;
  /** The webhook's, as it is now. */
  transformation: string | null;
  event: StoredEvent;
}

/** Undefined once the event is no longer kept. */
export const findSentEvent = query(
  async (db: Database, accountId: AccountId, id: DeliveryId): Promise<SentEvent | undefined> => {
    const [row] = await db
      .select({
        profile: webhooks.profile,
        transformation: webhooks.transformation,
        event: storedEventColumns,
      })
      .from(deliveries)
      .innerJoin(webhooks, eq(webhooks.id, deliveries.webhook_id))
      .innerJoin(events, eq(events.id, deliveries.event_id))
      .where(isOneOf(accountId, id));
    return row;
  },
);

/**
 * Whether a delivery can be attempted again (its webhook is still there, and its event has not expired), whether its webhook's
 * deliveries are pulled, and whether it waits for another of its lane. Undefined when there is no such delivery.
 */
export const findRetryableDelivery = query(
  async (
    db: Database,
    accountId: AccountId,
    id: DeliveryId,
  ): Promise<
    | { is_webhook_deleted: boolean; is_pulled: boolean; is_behind: boolean; expires_at: Date | null }
    | undefined
  > => {
    const [row] = await db
      .select({
        is_webhook_deleted: sql<boolean>`${webhooks.deleted_at} is not null`,
        is_pulled: sql<boolean>`${webhooks.url} is null`,
        expires_at: deliveries.expires_at,
        is_behind: isBehind,
      })
      .from(deliveries)
      .innerJoin(webhooks, eq(webhooks.id, deliveries.webhook_id))
      .where(isOneOf(accountId, id));
    return row;
  },
);

/**
 * Cancels a delivery that still waits, and answers with the delivery as it then is: one that had ended before is left as
 * it was. `is_changed` tells whether this call cancelled it. Undefined when there is no such delivery.
 */
export const cancelDelivery = query(
  (
    db: Database,
    accountId: AccountId,
    id: DeliveryId,
    { actor, now }: Change,
  ): Promise<{ delivery: Delivery; is_changed: boolean } | undefined> =>
    db.transaction(async (tx) => {
      const changed = await tx
        .update(deliveries)
        .set({ status: 'cancelled', reason: 'cancelled by request', next_attempt_at: null, ended_at: now })
        .where(and(isOneOf(accountId, id), inArray(deliveries.status, [...waitingStatuses])))
        .returning({ id: deliveries.id, idle_at_most: idleAtMost });
      if (changed.length > 0) {
        const entry = { account_id: accountId, actor, action: 'delivery.cancelled', subject_id: id };
        await appendAuditEntry(tx, entry);
      }
      const delivery = await findOne(tx, accountId, id);
      if (delivery !== undefined && changed.length > 0) {
        await tx.insert(changes).values({
          kind: 'delivery',
          account_ids: [uuidOf(accountId)],
          webhook_ids: [uuidOf(delivery.webhook_id)],
          delivery_ids: [uuidOf(id)],
          statuses: [delivery.status],
        });
      }
      return delivery === undefined ? undefined : { delivery, is_changed: changed.length > 0 };
    }),
);

/**
 * Cancels a delivery whose webhook was deleted while the delivery was made; undefined when it no longer waits. The
 * deletion cancels all others itself.
 */
export const cancelForDeletedWebhook = query(
  async (db: Database, id: DeliveryId): Promise<'cancelled' | undefined> => {
    const [row] = await db
      .update(deliveries)
      .set({
        status: 'cancelled',
        reason: webhookDeletedReason,
        next_attempt_at: null,
        ended_at: sql`now()`,
      })
      .where(and(eq(deliveries.id, id), inArray(deliveries.status, [...waitingStatuses])))
      .returning({ id: deliveries.id });
    return row === undefined ? undefined : 'cancelled';
  },
);

/** Why a delivery is cancelled that its webhook's filter, asked again, keeps from it. */
export const filteredReason = "the webhook's filter does not let the event through";

/** Cancels a delivery whose webhook's filter keeps the event from it after all; one that has ended is left as it is. */
export const cancelFiltered = query(async (db: Database, id: DeliveryId): Promise<void> => {
  await db.execute(
    sql`with cancelled as (
        update deliveries set status = 'cancelled', reason = ${filteredReason}, next_attempt_at = null, ended_at = now(),
          held_from = null, head_start_at = null, waiting_since = null
        where id = ${uuidOf(id)} and status in ('pending', 'held', 'queued')
        returning id, account_id, webhook_id, status
      )
      insert into changes (kind, account_ids, webhook_ids, delivery_ids, statuses)
      select 'delivery', array[account_id], array[webhook_id], array[id], array[status] from cancelled`,
  );
});

async function findOne(db: Database, accountId: AccountId, id: DeliveryId): Promise<Delivery | undefined> {
  const [row] = await selectDeliveries(db, isOneOf(accountId, id), 1);
  return row;
}

function isOneOf(accountId: AccountId, id: DeliveryId) {
  return and(eq(deliveries.id, id), eq(deliveries.account_id, accountId));
}

async function selectDeliveries(
  db: Database,
  condition: SQL | undefined,
  limit: number,
): Promise<Delivery[]> {
  const rows = await db
    .select({
      id: deliveries.id,
      internal_event_id: deliveries.event_id,
      client_id: events.client_id,
      event_type: events.type,
      channel: events.channel,
      webhook_id: deliveries.webhook_id,
      webhook_url: webhooks.url,
      webhook_description: webhooks.description,
      workflow_id: deliveries.workflow_id,
      status: deliveries.status,
      attempt_count: deliveries.attempt_count,
      next_attempt_at: deliveries.next_attempt_at,
      expires_at: deliveries.expires_at,
      reason: deliveries.reason,
      lane: deliveries.lane,
      waits_for: lanes.head,
      created_at: deliveries.created_at,
      ended_at: deliveries.ended_at,
    })
    .from(deliveries)
    .innerJoin(webhooks, eq(webhooks.id, deliveries.webhook_id))
    .leftJoin(events, eq(events.id, deliveries.event_id))
    .leftJoin(
      lanes,
      and(
        eq(lanes.webhook_id, deliveries.webhook_id),
        eq(lanes.lane, deliveries.lane),
        eq(deliveries.lane_state, 'behind'),
        inArray(deliveries.status, ['pending', 'held']),
      ),
    )
    .where(condition)
    .orderBy(desc(deliveries.id))
    .limit(limit);
  const statuses = await findLastStatuses(
    db,
    rows.filter(({ attempt_count }) => attempt_count > 0).map(({ id }) => id),
  );
  return rows.map(({ internal_event_id, client_id, id, created_at, ended_at, ...delivery }) => ({
    id,
    event_id: client_id ?? internal_event_id,
    ...delivery,
    // When it expires its workflow looks once more.
    next_attempt_at: isBefore(delivery.next_attempt_at, delivery.expires_at)
      ? delivery.next_attempt_at
      : null,
    response_status: statuses.get(id) ?? null,
    created_at,
    // Of a held one it is kept in case that it is not sent again after all.
    ended_at: delivery.status === 'held' ? null : ended_at,
  }));
}

function isBefore(time: Date | null, end: Date | null): boolean {
  return time !== null && (end === null || time < end);
}

/** How far the clocks of two processes may be apart, in ms, without an attempt's being overlooked. */
const mostClockDifferenceMs = 60_000;

/** What each delivery's last attempt was answered. */
async function findLastStatuses(
  db: Database,
  ids: readonly DeliveryId[],
): Promise<Map<DeliveryId, number | null>> {
  const oldest = ids.at(-1);
  if (oldest === undefined) return new Map();
  // So that only the days are looked into in which they can have been attempted.
  const since = firstUuidAt(new Date(timeOf(oldest).getTime() - mostClockDifferenceMs));
  const rows = await selectRows<{ delivery_id: string; response_status: number | null }>(
    db,
    sql`select distinct on (delivery_id) delivery_id, response_status from ${attempts}
      where delivery_id = any(${sql.param(ids.map(uuidOf))}::uuid[]) and id >= ${since}::uuid
      order by delivery_id, number desc`,
  );
  return new Map(rows.map((row) => [idOf('dlv', row.delivery_id), row.response_status]));
}
