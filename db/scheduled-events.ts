import { sql } from 'drizzle-orm';
import type { NewEvent } from './accept-events.ts';
import { appendAuditEntry, type Change } from './audit-log.ts';
import { type Database, type RunOptions, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, type EventId, idOf, uuidOf } from './ids.ts';
import { unnest } from './unnest.ts';

/** For so long, in ms, what a process has taken up is left to it: if it dies, others do it then. */
const takenUpMs = 8_000;

/** For how long a server that hangs is waited for. */
type Patience = Pick<RunOptions, 'timeoutMs'>;

/** A scheduled event that is due, to be accepted as one that goes out now. */
export type DueEvent = NewEvent & Required<Pick<NewEvent, 'deliver_at' | 'release'>>;

/**
 * Takes up events that are due, by the database's clock, those that have been so the longest, so that others leave them for a
 * moment.
 */
export const takeUpDueEvents = query(
  async (
    db: Database,
    { limit, now, ...patience }: { limit: number; now: Date } & Patience,
  ): Promise<DueEvent[]> => {
    const taken = await selectRows<TakenRow>(
      db,
      sql`with due as (
          select event_id from scheduled_events where due_at <= now()
          order by due_at limit ${limit} for update skip locked
        )
        update scheduled_events s set due_at = now() + ${takenUpMs} * interval '1 ms'
        from due where s.event_id = due.event_id returning s.event_id, s.version`,
      { name: 'take_up_due_events', ...patience },
    );
    return taken.length === 0 ? [] : await readTakenUp(db, taken, now, patience);
  },
);

/**
 * A statement of its own, which sees events and versions as of one moment: the one above takes a row as it was changed since it
 * began, and would read the event as it was before. What is changed after it goes out later, as it is then.
 */
async function readTakenUp(
  db: Database,
  taken: readonly TakenRow[],
  now: Date,
  patience: Patience,
): Promise<DueEvent[]> {
  const rows = await selectRows<DueRow>(
    db,
    sql`select e.id, e.account_id, e.client_id, e.type, e.channel, e.data, e.traceparent, s.version,
        (extract(epoch from e.created_at) * 1000)::float8 as created_ms,
        (extract(epoch from e.deliver_at) * 1000)::float8 as deliver_ms,
        (extract(epoch from e.expires_at) * 1000)::float8 as expires_ms
      from ${unnest(taken, {
        taken_id: ['uuid', ({ event_id }) => event_id],
        taken_version: ['int', ({ version }) => version],
      })} join scheduled_events s on s.event_id = taken_id and s.version = taken_version
      join events e on e.id = s.event_id order by e.deliver_at, e.id`,
    { name: 'read_due_events', ...patience },
  );
  return rows.map((row) => toDueEvent(row, now));
}

interface TakenRow {
  event_id: string;
  version: number;
}

interface DueRow {
  id: string;
  account_id: string;
  client_id: string | null;
  type: string;
  channel: string | null;
  data: string;
  traceparent: string | null;
  version: number;
  created_ms: number;
  deliver_ms: number;
  expires_ms: number | null;
}

function toDueEvent(row: DueRow, now: Date): DueEvent {
  return {
    id: idOf('evt', row.id),
    account_id: idOf('acct', row.account_id),
    client_id: row.client_id,
    type: row.type,
    channel: row.channel,
    data: row.data,
    is_test: false,
    created_at: new Date(row.created_ms),
    only_webhook: null,
    about_webhook: null,
    idempotency_keys: [],
    request_hash: '',
    deliver_at: new Date(row.deliver_ms),
    release: { version: row.version, at: now },
    ...(row.traceparent === null ? {} : { traceparent: row.traceparent }),
    ...(row.expires_ms === null ? {} : { expires_at: new Date(row.expires_ms) }),
  };
}

/** In how many ms, by the database's clock, the next event is due or the next delivery expires; null when none is going to. */
export const findNextMoment = query(async (db: Database, patience: Patience = {}): Promise<number | null> => {
  const [row] = await selectRows<{ in_ms: number | null }>(
    db,
    sql`select (extract(epoch from least(
        (select due_at from scheduled_events order by due_at limit 1),
        (select expires_at from deliveries where status in ('pending', 'held', 'queued') and expires_at is not null
          order by expires_at limit 1)
      ) - now()) * 1000)::float8 as in_ms`,
    { name: 'find_next_moment', ...patience },
  );
  return row?.in_ms ?? null;
});

/** Which version of an event waits for its time; undefined when it does not wait. */
export const findScheduledVersion = query(async (db: Database, id: EventId): Promise<number | undefined> => {
  const [row] = await selectRows<{ version: number }>(
    db,
    sql`select version from scheduled_events where event_id = ${uuidOf(id)}`,
  );
  return row?.version;
});

/** Which event it is, and what its account knows it by. */
export interface ScheduledEvent {
  account_id: AccountId;
  id: EventId;
  client_id: string | null;
}

/** A scheduled event as it is to be. */
export interface ScheduledChange {
  deliver_at: Date;
  /** It is due now, by the database's clock. */
  is_due?: boolean;
  expires_at: Date | null;
  /** JSON text; null to leave it as it is. */
  data: string | null;
  /** The names of what changes, for the audit log. */
  fields: string[];
}

/** Changes an event that waits in that very version; false when it does not, and nothing is changed. */
export const changeScheduledEvent = query(
  (
    db: Database,
    { account_id, id, client_id, version }: ScheduledEvent & { version: number },
    { deliver_at, is_due = false, expires_at, data, fields }: ScheduledChange,
    { actor }: Pick<Change, 'actor'>,
  ): Promise<boolean> =>
    db.transaction(async (tx) => {
      const rows = await selectRows(
        tx,
        sql`with moved as (
            update scheduled_events set version = version + 1,
              due_at = case when ${is_due}::boolean then now() else ${deliver_at.toISOString()}::timestamptz end
            where event_id = ${uuidOf(id)} and account_id = ${uuidOf(account_id)} and version = ${version}
            returning event_id
          ), changed as (
            update events e set deliver_at = ${deliver_at.toISOString()}::timestamptz,
              expires_at = ${expires_at?.toISOString() ?? null}::timestamptz, data = coalesce(${data}::text, e.data)
            from moved where e.id = ${uuidOf(id)} and e.id = moved.event_id
            returning e.id, e.account_id, e.client_id
          ), ${told} select id from changed`,
      );
      if (rows.length === 0) return false;
      await appendAuditEntry(tx, {
        ...{ account_id, actor, action: 'event.changed', subject_id: client_id ?? id, details: { fields } },
      });
      return true;
    }),
);

/** Cancels an event that waits; false when it does not. */
export const cancelScheduledEvent = query(
  (db: Database, { account_id, id, client_id }: ScheduledEvent, { actor, now }: Change): Promise<boolean> =>
    db.transaction(async (tx) => {
      const rows = await selectRows(
        tx,
        sql`with gone as (
            delete from scheduled_events where event_id = ${uuidOf(id)} and account_id = ${uuidOf(account_id)}
            returning event_id
          ), changed as (
            update events e set cancelled_at = ${now.toISOString()}::timestamptz
            from gone where e.id = ${uuidOf(id)} and e.id = gone.event_id
            returning e.id, e.account_id, e.client_id
          ), ${told} select id from changed`,
      );
      if (rows.length === 0) return false;
      const entry = { account_id, actor, action: 'event.cancelled', subject_id: client_id ?? id };
      await appendAuditEntry(tx, entry);
      return true;
    }),
);

/** For whoever watches. */
const told = sql`told as (
    insert into changes (kind, account_ids, event_ids, client_ids)
    select 'events', array_agg(account_id), array_agg(id), array_agg(client_id) from changed having count(*) > 0
  )`;
