import { and, eq, sql } from 'drizzle-orm';
import { type Actor, appendAuditEntry, type Change } from './audit-log.ts';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, uuidOf } from './ids.ts';
import { eventTypes } from './schema.ts';

/** An account's entry for an event type: its own, or one that was only seen in an event. */
export interface StoredEventType {
  name: string;
  description: string;
  /** JSON text of example data. */
  example: string | null;
  /** A JSON Schema (draft 2020-12). */
  json_schema: unknown;
  in_catalogue: boolean;
  created_at: Date;
  updated_at: Date;
}

/** What an account's events of a type are held to. */
export interface EventTypeRules {
  /** Types that are in no catalogue are refused. */
  is_strict: boolean;
  /** `seen` for a type that nobody described, null for one that was never seen. */
  entry: 'own' | 'seen' | null;
  json_schema: unknown;
}

/** How many types an account may describe, and how many more are listed as seen. */
export const mostEventTypes = 1_000;

/** Any number, the same in every process: under it, and the account's own, its types are counted and added. */
const eventTypesLock = 7_166_043;

/** An account's entries by name, those after `after`. */
export const listEventTypes = query(
  (
    db: Database,
    accountId: AccountId,
    { limit, after }: { limit: number; after: string },
  ): Promise<StoredEventType[]> =>
    db
      .select(columns)
      .from(eventTypes)
      .where(and(eq(eventTypes.account_id, accountId), sql`${eventTypes.name} collate "C" > ${after}`))
      .orderBy(sql`${eventTypes.name} collate "C"`)
      .limit(limit),
);

export const findEventType = query(
  async (db: Database, accountId: AccountId, name: string): Promise<StoredEventType | undefined> => {
    const [row] = await db.select(columns).from(eventTypes).where(isEntry(accountId, name));
    return row;
  },
);

/** By one look at two primary keys: it stands on the way of events. */
export const findEventTypeRules = query(
  async (db: Database, accountId: AccountId, name: string): Promise<EventTypeRules> => {
    const [row] = await selectRows<{
      is_strict: boolean;
      in_catalogue: boolean | null;
      json_schema: unknown;
    }>(
      db,
      sql`select a.strict_event_types as is_strict, t.in_catalogue, t.json_schema
          from accounts a left join event_types t on t.account_id = a.id and t.name = ${name}
          where a.id = ${uuidOf(accountId)}`,
      { name: 'find_event_type_rules' },
    );
    const entry = row?.in_catalogue == null ? null : row.in_catalogue ? 'own' : 'seen';
    return { is_strict: row?.is_strict ?? false, entry, json_schema: row?.json_schema ?? null };
  },
);

/** Describes a type in the account's own catalogue, anew or for the first time. `full` when it describes too many. */
export const putEventType = query(
  (
    db: Database,
    accountId: AccountId,
    entry: Pick<StoredEventType, 'name' | 'description' | 'example' | 'json_schema'>,
    { actor, now }: Change,
  ): Promise<{ entry: StoredEventType; is_new: boolean } | 'full'> =>
    db.transaction(async (tx) => {
      await lockTypesOf(tx, accountId);
      const existing = await findEventType(tx, accountId, entry.name);
      if (existing?.in_catalogue !== true && (await countTypes(tx, accountId, true)) >= mostEventTypes)
        return 'full';
      const values = { ...entry, in_catalogue: true, updated_at: now };
      const [row] = await tx
        .insert(eventTypes)
        .values({ account_id: accountId, ...values, created_at: now })
        .onConflictDoUpdate({ target: [eventTypes.account_id, eventTypes.name], set: values })
        .returning(columns);
      if (row === undefined) throw new Error('the event type was not returned');
      const is_new = existing?.in_catalogue !== true;
      await appendAuditEntry(tx, {
        ...{ account_id: accountId, actor, action: 'event_type.described', subject_id: entry.name },
        details: { is_new, has_schema: entry.json_schema !== null },
      });
      return { entry: row, is_new };
    }),
);

/** Takes a type out of the account's own catalogue; false when it is not in it. */
export const deleteEventType = query(
  (db: Database, accountId: AccountId, name: string, actor: Actor): Promise<boolean> =>
    db.transaction(async (tx) => {
      const deleted = await tx
        .delete(eventTypes)
        .where(and(isEntry(accountId, name), eq(eventTypes.in_catalogue, true)))
        .returning({ name: eventTypes.name });
      if (deleted.length === 0) return false;
      const entry = { account_id: accountId, actor, action: 'event_type.deleted', subject_id: name };
      await appendAuditEntry(tx, entry);
      return true;
    }),
);

/** Notes that an event of a type came that nobody described; beyond `mostEventTypes` such types it does nothing. */
export const recordSeenEventType = query(
  (db: Database, accountId: AccountId, name: string): Promise<void> =>
    db.transaction(async (tx) => {
      await lockTypesOf(tx, accountId);
      if ((await countTypes(tx, accountId, false)) >= mostEventTypes) return;
      await tx
        .insert(eventTypes)
        .values({ account_id: accountId, name, in_catalogue: false })
        .onConflictDoNothing();
    }),
);

const columns = {
  name: eventTypes.name,
  description: eventTypes.description,
  example: eventTypes.example,
  json_schema: eventTypes.json_schema,
  in_catalogue: eventTypes.in_catalogue,
  created_at: eventTypes.created_at,
  updated_at: eventTypes.updated_at,
};

async function lockTypesOf(tx: Database, accountId: AccountId) {
  await tx.execute(sql`select pg_advisory_xact_lock(${eventTypesLock}, hashtext(${accountId}))`);
}

function countTypes(tx: Database, accountId: AccountId, inCatalogue: boolean) {
  return tx.$count(
    eventTypes,
    and(eq(eventTypes.account_id, accountId), eq(eventTypes.in_catalogue, inCatalogue)),
  );
}

function isEntry(accountId: AccountId, name: string) {
  return and(eq(eventTypes.account_id, accountId), eq(eventTypes.name, name));
}
