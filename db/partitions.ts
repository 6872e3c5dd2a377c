import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { firstUuidAt } from './ids.ts';

export const partitionedTables = ['events', 'attempts'] as const;
export type PartitionedTable = (typeof partitionedTables)[number];
const dayMs = 86_400_000;
const daysAhead = 3;

/** When the day of a partition began (UTC); undefined for the partition of rows outside every day's. */
export function dayOfPartition(name: string, table: PartitionedTable): Date | undefined {
  const day = new RegExp(`^${table}_(\\d{4})(\\d\\d)(\\d\\d)$`).exec(name);
  return day === null ? undefined : new Date(`${day[1]}-${day[2]}-${day[3]}T00:00:00Z`);
}

/**
 * Makes the daily partitions of events and attempts from the given day (UTC) to three days later, where they are missing.
 * A row outside every day's partition goes to the default one, so a late call loses nothing. Whoever reads is waited for; with
 * `patienceMs` only for so long, since whoever comes after waits for as long.
 * @throws DatabaseUnavailable when they could not be made in that time
 */
export const ensurePartitions = query(async (db: Database, from: Date, patienceMs = 0): Promise<void> => {
  const firstDay = Math.floor(from.getTime() / dayMs) * dayMs;
  for (const table of partitionedTables) {
    for (let day = 0; day <= daysAhead; day++) {
      const start = new Date(firstDay + day * dayMs);
      const end = new Date(start.getTime() + dayMs);
      const name = `${table}_${start.toISOString().slice(0, 10).replaceAll('-', '')}`;
      const [found] = await selectRows<{ found: boolean }>(
        db,
        sql`select to_regclass(${name}) is not null as found`,
      );
      if (found?.found) continue;
      const bounds = `from ('${firstUuidAt(start)}') to ('${firstUuidAt(end)}')`;
      await db.transaction(async (tx) => {
        await tx.execute(sql.raw(`set local lock_timeout = ${patienceMs}`));
        await tx.execute(
          sql.raw(`create table if not exists "${name}" partition of "${table}" for values ${bounds}`),
        );
      });
    }
  }
});
