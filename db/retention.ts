import { type SQL, sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, firstUuidAt, idOf, uuidOf } from './ids.ts';
import { dayOfPartition, type PartitionedTable, partitionedTables } from './partitions.ts';

/** How far a step came: uuids, which sort by time. Null to begin with; a step that answers null has come to the end. */
export type After = string | null;

export interface Expired {
  deliveries: number;
  events: number;
  attempts: number;
}

const firstUuid = '00000000-0000-0000-0000-000000000000';
const dayMs = 86_400_000;
/** So many days ago began the oldest day that is kept. */
export function keptFrom(now: Date, days: number): Date {
  return new Date(Math.floor(now.getTime() / dayMs) * dayMs - days * dayMs);
}

/**
 * A delivery that may go: it is from before a moment, which it need not be when its event is (that was sent at a time, or again), and
 * it has ended, not just now, when somebody may still look at it or have it sent again. What is owed never may.
 */
const mayGo = (before: Date) => sql`status not in ('pending', 'held', 'queued')
  and created_at < ${before.toISOString()}::timestamptz and coalesce(ended_at, created_at) < now() - interval '1 day'`;

/** Accounts that keep for less than the longest, after one of them or, where it is the same, from it on. */
export const findShorterAccounts = query(
  async (
    db: Database,
    {
      days,
      longest,
      after,
      isSame,
      limit,
    }: { days: number; longest: number; after: AccountId | null; isSame: boolean; limit: number },
  ): Promise<{ id: AccountId; days: number }[]> => {
    const rows = await selectRows<{ id: string; days: number }>(
      db,
      sql`select id, coalesce(retention_days, ${days}::int) as days from accounts
          where coalesce(retention_days, ${days}::int) < ${longest}::int
            and id ${sql.raw(isSame ? '>=' : '>')} ${after === null ? firstUuid : uuidOf(after)}::uuid order by id limit ${limit}`,
    );
    return rows.map((row) => ({ id: idOf('acct', row.id), days: row.days }));
  },
);

/** The longest that any account's are kept, in days. */
export const findLongestRetention = query(async (db: Database, days: number): Promise<number> => {
  const [row] = await selectRows<{ longest: number }>(
    db,
    sql`select greatest(${days}::int, max(retention_days)) as longest from accounts`,
  );
  return row?.longest ?? days;
});

/**
 * Deletes an account's oldest events from before a moment, `limit` of them, with their deliveries and attempts. An event stays
 * as long as one of its deliveries may not go, or it waits for its time.
 */
export const expireEventsOf = query(
  (
    db: Database,
    { account, before, after, limit }: { account: AccountId; before: Date; after: After; limit: number },
  ): Promise<Expired & { after: After }> =>
    db.transaction(async (tx) => {
      // Locked, so that nobody sends one again meanwhile (db/resend.ts).
      const found = await selectRows<{ id: string }>(
        tx,
        sql`select id from events where account_id = ${uuidOf(account)}::uuid and id < ${firstUuidAt(before)}::uuid
              and id > ${after ?? firstUuid}::uuid order by id limit ${limit} for update`,
      );
      const ids = found.map(({ id }) => id);
      if (ids.length === 0) return { deliveries: 0, events: 0, attempts: 0, after: null };
      const these = sql`${sql.param(ids)}::text[]::uuid[]`;
      const gone = await selectRows<{ id: string }>(
        tx,
        sql`delete from deliveries where id = any(array(select id from deliveries where event_id = any(${these}) and ${mayGo(before)} for update))
            returning id`,
      );
      const attempts = await count(
        tx,
        sql`delete from attempts where delivery_id = any(${sql.param(gone.map(({ id }) => id))}::text[]::uuid[])`,
      );
      const events = await count(
        tx,
        sql`delete from events where id = any(${these}) and not exists (select from deliveries where event_id = events.id)
          and not exists (select from scheduled_events where event_id = events.id)`,
      );
      const last = ids.at(-1) ?? null;
      return { deliveries: gone.length, events, attempts, after: ids.length < limit ? null : last };
    }),
);

/** Deletes deliveries of events from before a moment, whosever they are, `limit` of them. Their attempts go with their day. */
export const expireDeliveries = query(
  async (
    db: Database,
    { before, after, limit }: { before: Date; after: After; limit: number },
  ): Promise<{ deliveries: number; after: After }> => {
    const [row] = await selectRows<{ count: number; last: string | null }>(
      db,
      sql`with gone as (delete from deliveries where id = any(array(
              select id from deliveries where event_id >= ${after ?? firstUuid}::uuid
                and event_id < ${firstUuidAt(before)}::uuid and ${mayGo(before)} order by event_id limit ${limit} for update))
            returning event_id)
          select count(*)::int as count, (array_agg(event_id order by event_id desc))[1] as last from gone`,
    );
    const deliveries = row?.count ?? 0;
    return { deliveries, after: deliveries < limit ? null : (row?.last ?? null) };
  },
);

/** The partitions of days before a moment, oldest first, then those of rows outside every day. */
export const findExpiredPartitions = query(
  async (db: Database, before: Date): Promise<{ name: string; table: PartitionedTable }[]> => {
    const rows = await selectRows<{ name: string; table: PartitionedTable }>(
      db,
      sql`select inhrelid::regclass::text as name, inhparent::regclass::text as table from pg_inherits
          where inhparent in (${sql.join(
            partitionedTables.map((table) => sql`${table}::regclass`),
            sql`, `,
          )}) order by 1`,
    );
    return rows.filter(({ name, table }) => {
      const day = dayOfPartition(name, table);
      return day === undefined || day.getTime() + dayMs <= before.getTime();
    });
  },
);

/** How long it waits for those who use the table: whoever comes after it waits for as long. */
const lockPatience = sql.raw(`set local lock_timeout = '100ms'`);

/**
 * Drops a day's partition unless something in it is needed: an event that has a delivery or waits for its time, an attempt of a
 * delivery that is there.
 * What is deleted of their accounts goes before. False when it is needed.
 * @throws DatabaseUnavailable when the table could not be locked within 100 ms
 */
export const dropPartition = query(
  async (db: Database, { name, table }: { name: string; table: PartitionedTable }): Promise<boolean> => {
    const day = dayOfPartition(name, table);
    if (day === undefined) return false;
    const partition = sql.identifier(name);
    const to = sql`${firstUuidAt(new Date(day.getTime() + dayMs))}::uuid`;
    const isNeeded = async (by: Database, condition: SQL) =>
      (await selectRows<{ needed: boolean }>(by, sql`select exists (${condition}) as needed`))[0]?.needed ??
      true;
    const needs =
      table === 'events'
        ? sql`select from deliveries where event_id >= ${firstUuidAt(day)}::uuid and event_id < ${to}
            union all select from scheduled_events where event_id >= ${firstUuidAt(day)}::uuid and event_id < ${to}`
        : // No attempt is added to a past day, and no delivery comes back: this is as true later.
          sql`select from deliveries where event_id < ${to}
              and exists (select from ${partition} a where a.delivery_id = deliveries.id)`;
    if (await isNeeded(db, needs)) return false;
    return db.transaction(async (tx) => {
      await tx.execute(lockPatience);
      await tx.execute(sql`lock table only ${sql.identifier(table)} in access exclusive mode`);
      // Somebody may have sent one again meanwhile.
      if (table === 'events' && (await isNeeded(tx, needs))) return false;
      await tx.execute(sql`drop table ${partition}`);
      return true;
    });
  },
);

/** Deletes, of a partition that is needed, `limit` rows from before a moment that are not. */
export const expireRowsOf = query(
  (
    db: Database,
    {
      name,
      table,
      before,
      after,
      limit,
    }: { name: string; table: PartitionedTable; before: Date; after: After; limit: number },
  ): Promise<{ count: number; after: After }> =>
    db.transaction(async (tx) => {
      const partition = sql.identifier(name);
      const found = await selectRows<{ id: string }>(
        tx,
        sql`select id from ${partition} where id > ${after ?? firstUuid}::uuid and id < ${firstUuidAt(before)}::uuid
            order by id limit ${limit} for update`,
      );
      const ids = found.map(({ id }) => id);
      const isNeeded =
        table === 'events'
          ? sql`exists (select from deliveries where event_id = rows.id)
              or exists (select from scheduled_events where event_id = rows.id)`
          : sql`exists (select from deliveries where id = rows.delivery_id)`;
      const gone = await count(
        tx,
        sql`delete from ${partition} rows where id = any(${sql.param(ids)}::text[]::uuid[])
              and not (${isNeeded})`,
      );
      return { count: gone, after: ids.length < limit ? null : (ids.at(-1) ?? null) };
    }),
);

/** Pages of a table, of 8 KiB. */
const pagesAtOnce = 200;

/**
 * Deletes the idempotency keys on some pages that are older than their account's events, but for those of events that wait for
 * their time. Walks the table once, without an index.
 */
export const expireKeys = query(
  async (
    db: Database,
    { days, now, page }: { days: number; now: Date; page: number },
  ): Promise<{ keys: number; page: number | null }> => {
    const [size] = await selectRows<{ pages: number }>(
      db,
      sql`select (pg_relation_size('idempotency_keys') / current_setting('block_size')::bigint)::int as pages`,
    );
    if (page >= (size?.pages ?? 0)) return { keys: 0, page: null };
    const keys = await count(
      db,
      sql`delete from idempotency_keys k
          where k.ctid >= ${`(${page},0)`}::tid and k.ctid < ${`(${page + pagesAtOnce},0)`}::tid
            and k.created_at < date_trunc('day', ${now.toISOString()}::timestamptz, 'UTC') - make_interval(days =>
              coalesce((select retention_days from accounts a where a.id = k.account_id), ${days}::int))
            and not exists (select from scheduled_events s where s.event_id = k.event_id)`,
    );
    return { keys, page: page + pagesAtOnce };
  },
);

async function count(db: Database, statement: SQL): Promise<number> {
  const [row] = await selectRows<{ count: number }>(
    db,
    sql`with gone as (${statement} returning 1) select count(*)::int as count from gone`,
  );
  return row?.count ?? 0;
}
