import { and, desc, eq, inArray } from 'drizzle-orm';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, type EventId, isId } from './ids.ts';
import { events, idempotencyKeys } from './schema.ts';

/** An event without its data. */
export interface EventSummary {
  id: EventId;
  /** The producer's own id; where there is one, it is what everyone outside knows the event by. */
  client_id: string | null;
  type: string;
  channel: string | null;
  is_test: boolean;
  created_at: Date;
}

export interface StoredEvent extends EventSummary {
  /** JSON text. */
  data: string;
}

const summaryColumns = {
  id: events.id,
  client_id: events.client_id,
  type: events.type,
  channel: events.channel,
  is_test: events.is_test,
  created_at: events.created_at,
};

/** With the event's data. */
export const storedEventColumns = { ...summaryColumns, data: events.data };

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
