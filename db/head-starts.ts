import { type SQL, sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import type { HeadStart } from './due-deliveries.ts';
import { query } from './errors.ts';
import { type DeliveryId, idOf, uuidOf } from './ids.ts';
import type { DeliveryStatus } from './schema.ts';
import { anyOf, unnest } from './unnest.ts';

/** A process that makes an attempt says so every second: one that has been silent for longer than this, in ms, may have died. */
export const silentAfterMs = 3_000;

/** How long ago a process has last said that it makes an attempt, in ms, by the database's clock; never below 0. */
export function headStartAgeMs(headStartAt: SQL): SQL {
  return sql`abs(extract(epoch from now() - ${headStartAt}) * 1000)`;
}

/**
 * Says once more that this process makes the first attempts of the deliveries; of those that have ended nothing is said. One
 * that is being written at this moment is left as it is: so this never makes others wait crosswise.
 */
export const renewHeadStarts = query(
  async (db: Database, ids: readonly DeliveryId[], timeoutMs: number): Promise<void> => {
    await selectRows(
      db,
      sql`with mine as (
          select d.id from ${unnest(ids, { wanted: ['uuid', uuidOf] })} join deliveries d on d.id = wanted
          where d.head_start_at is not null
          for update of d skip locked
        )
        update deliveries d set head_start_at = now() from mine where d.id = mine.id`,
      { name: 'renew_head_starts', timeoutMs },
    );
  },
);

/**
 * Says that this process makes the next attempts of these deliveries; answers of which. Left out is what is no longer pending,
 * what someone else attempts, and what is being written at this moment: so this never makes others wait crosswise.
 */
export const takeHeadStarts = query(
  async (db: Database, ids: readonly DeliveryId[]): Promise<Set<DeliveryId>> => {
    const rows = await selectRows<{ id: string }>(
      db,
      sql`with free as (
          -- By id alone, as in db/waiting-deliveries.ts.
          select d.id, d.status, d.head_start_at
          from ${unnest(ids, { wanted: ['uuid', uuidOf] })} join deliveries d on d.id = wanted
          for update of d skip locked
        )
        update deliveries d set head_start_at = now() from free
        where d.id = free.id and free.status = 'pending' and free.head_start_at is null
        returning d.id`,
      { name: 'take_head_starts' },
    );
    return new Set(rows.map(({ id }) => idOf('dlv', id)));
  },
);

/** How deliveries stand that other processes attempt; those that are stored. */
export const findHeadStarts = query(
  async (
    db: Database,
    ids: readonly DeliveryId[],
  ): Promise<Map<DeliveryId, { status: DeliveryStatus; head_start: HeadStart | null }>> => {
    const rows = await selectRows<{
      id: string;
      status: DeliveryStatus;
      at_ms: number | null;
      age_ms: number | null;
    }>(
      db,
      sql`select id, status, (extract(epoch from head_start_at) * 1000)::float8 as at_ms,
            ${headStartAgeMs(sql`head_start_at`)}::float8 as age_ms
          from deliveries where id = ${anyOf(ids.map(uuidOf), 'uuid')}`,
      { name: 'find_head_starts' },
    );
    return new Map(
      rows.map(({ id, status, at_ms, age_ms }) => [
        idOf('dlv', id),
        { status, head_start: at_ms === null ? null : { at_ms, age_ms: age_ms ?? 0 } },
      ]),
    );
  },
);

/** Leaves the first attempts of the deliveries to their workflows. */
export const leaveHeadStarts = query(
  async (db: Database, ids: readonly DeliveryId[], timeoutMs: number): Promise<void> => {
    await selectRows(
      db,
      sql`update deliveries d set head_start_at = null from ${unnest(ids, { id: ['uuid', uuidOf] })}
          where d.id = input.id`,
      { timeoutMs },
    );
  },
);

/**
 * Ends head starts of processes that have died, unless one of these has just been heard of. It waits for what such a process
 * is writing at this very moment, so that one that lives, with a disk that is slow, is not taken for dead.
 */
export const takeOverHeadStarts = query(
  async (db: Database, dead: readonly { id: DeliveryId; head_start: HeadStart }[]): Promise<void> => {
    await db.execute(
      sql`update deliveries d set head_start_at = null from ${unnest(dead, {
        id: ['uuid', ({ id }) => uuidOf(id)],
        heard_at: ['text', ({ head_start }) => new Date(head_start.at_ms).toISOString()],
      })}
          where d.id = input.id and d.head_start_at = input.heard_at::timestamptz`,
    );
  },
);

/** For the one process that uses the database: head starts of those before it have died with them. */
export const forgetHeadStarts = query(async (db: Database): Promise<void> => {
  await db.execute(
    sql`update deliveries set head_start_at = null where status = 'pending' and head_start_at is not null`,
  );
});
