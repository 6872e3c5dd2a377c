import { and, desc, eq, inArray, type SQL, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, type EventId, isId, type WebhookId } from './ids.ts';
import { type EventStatus, events, idempotencyKeys } from './schema.ts';

/** An event without its data. */
export interface EventSummary {
  id: EventId;
  /** The producer's own id; where there is one, it is what everyone outside knows the event by. */
  client_id: string | null;
  type: string;
  channel: string | null;
  is_test: boolean;
  status: EventStatus;
  /** When it goes out, or went, where that was not at once. */
  deliver_at: Date | null;
  /** After this moment nothing of it is sent. */
  expires_at: Date | null;
  created_at: Date;
}

export interface StoredEvent extends EventSummary {
  /** JSON text. */
  data: string;
  /** Webhooks that subscribe to it and whose filter kept it from them; null for none. */
  filtered_out: WebhookId[] | null;
}

/** Whether an event still waits for its time. Its columns are looked for in `events`. */
export const isScheduled: SQL = sql`(${events.deliver_at} is not null
  and exists (select from scheduled_events s where s.event_id = ${events.id}))`;

const summaryColumns = {
  id: events.id,
  client_id: events.client_id,
  type: events.type,
  channel: events.channel,
  is_test: events.is_test,
  status: sql<EventStatus>`case when ${events.cancelled_at} is not null then 'cancelled'
    when ${isScheduled} then 'scheduled' else 'released' end`,
  deliver_at: events.deliver_at,
  expires_at: events.expires_at,
  created_at: events.created_at,
};

/** With the event's data. */
export const storedEventColumns = { ...summaryColumns, data: events.data, filtered_out: events.filtered_out };

/** An account's events of these ids, newest first. */
export const findEventsById = query(
  async (db: Database, accountId: AccountId, ids: readonly EventId[]): Promise<EventSummary[]> =>
    ids.length === 0
      ? []
      : db
          .select(summaryColumns)
          .from(events)
          .where(and(eq(events.account_id, accountId), inArray(events.id, [...ids])))
          .orderBy(desc(events.id)),
);

/** The event known by an id, be it the producer's own or ours. */
export const findEvent = query(
  async (db: Database, accountId: AccountId, publicId: string): Promise<StoredEvent | undefined> => {
    const id = await resolveEventId(db, accountId, publicId);
    if (id === undefined) return undefined;
    const [event] = await db
      .select(storedEventColumns)
      .from(events)
      .where(and(eq(events.id, id), eq(events.account_id, accountId)));
    return event;
  },
);

/** Our id of the event known by an id, be it the producer's own or ours; undefined when the account has no such event. */
export const findEventId = query(resolveEventId);

async function resolveEventId(
  db: Database,
  accountId: AccountId,
  publicId: string,
): Promise<EventId | undefined> {
  const [claim] = await db
    .select({ id: idempotencyKeys.event_id })
    .from(idempotencyKeys)
    .where(and(eq(idempotencyKeys.account_id, accountId), eq(idempotencyKeys.key, `id:${publicId}`)));
  if (claim !== undefined) return claim.id;
  if (!isId('evt', publicId)) return undefined;
  const [event] = await db
    .select({ id: events.id })
    .from(events)
    .where(and(eq(events.id, publicId), eq(events.account_id, accountId)));
  return event?.id;
}
