import { and, desc, eq, inArray, lt, type SQL, sql } from 'drizzle-orm';
import { appendAuditEntry, type Change } from './audit-log.ts';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import type { AccountId, DeliveryId, EventId, WebhookId } from './ids.ts';
import { type Page, type PageRequest, toPage } from './paging.ts';
import { type DeliveryStatus, deliveries, events, webhooks } from './schema.ts';
import { webhookDeletedReason } from './webhooks.ts';

export interface Delivery {
  id: DeliveryId;
  /** As its receiver knows the event: the producer's own id where there is one. */
  event_id: string;
  /** Null once the event is no longer kept. */
  event_type: string | null;
  webhook_id: WebhookId;
  workflow_id: string;
  status: DeliveryStatus;
  attempt_count: number;
  next_attempt_at: Date | null;
  reason: string | null;
  created_at: Date;
  ended_at: Date | null;
}

export interface DeliveryFilter {
  status?: DeliveryStatus | undefined;
  webhook_id?: WebhookId | undefined;
  event_id?: EventId | undefined;
  type?: string | undefined;
}

const mostDeliveriesOfAnEvent = 1_000;

/** An account's deliveries, newest first; every given filter holds. */
export const listDeliveries = query(
  async (
    db: Database,
    accountId: AccountId,
    filter: DeliveryFilter,
    page: PageRequest<'dlv'>,
  ): Promise<Page<Delivery>> => {
    const rows = await selectDeliveries(
      db,
      and(
        eq(deliveries.account_id, accountId),
        filter.status === undefined ? undefined : eq(deliveries.status, filter.status),
        filter.webhook_id === undefined ? undefined : eq(deliveries.webhook_id, filter.webhook_id),
        filter.event_id === undefined ? undefined : eq(deliveries.event_id, filter.event_id),
        filter.type === undefined ? undefined : eq(events.type, filter.type),
        page.before === undefined ? undefined : lt(deliveries.id, page.before),
      ),
      page.limit + 1,
    );
    return toPage(rows, page.limit);
  },
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

/** Whether a delivery can be attempted again: its webhook is still there. Undefined when there is no such delivery. */
export const findRetryableDelivery = query(
  async (
    db: Database,
    accountId: AccountId,
    id: DeliveryId,
  ): Promise<{ is_webhook_deleted: boolean } | undefined> => {
    const [row] = await db
      .select({ is_webhook_deleted: sql<boolean>`${webhooks.deleted_at} is not null` })
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
        .where(and(isOneOf(accountId, id), inArray(deliveries.status, ['pending', 'held'])))
        .returning({ id: deliveries.id });
      if (changed.length > 0) {
        const entry = { account_id: accountId, actor, action: 'delivery.cancelled', subject_id: id };
        await appendAuditEntry(tx, entry);
      }
      const delivery = await findOne(tx, accountId, id);
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
      .where(and(eq(deliveries.id, id), inArray(deliveries.status, ['pending', 'held'])))
      .returning({ id: deliveries.id });
    return row === undefined ? undefined : 'cancelled';
  },
);

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
      webhook_id: deliveries.webhook_id,
      workflow_id: deliveries.workflow_id,
      status: deliveries.status,
      attempt_count: deliveries.attempt_count,
      next_attempt_at: deliveries.next_attempt_at,
      reason: deliveries.reason,
      created_at: deliveries.created_at,
      ended_at: deliveries.ended_at,
    })
    .from(deliveries)
    .leftJoin(events, eq(events.id, deliveries.event_id))
    .where(condition)
    .orderBy(desc(deliveries.id))
    .limit(limit);
  return rows.map(({ internal_event_id, client_id, id, ended_at, ...delivery }) => ({
    id,
    event_id: client_id ?? internal_event_id,
    ...delivery,
    // Of a held one it is kept in case that it is not sent again after all.
    ended_at: delivery.status === 'held' ? null : ended_at,
  }));
}
