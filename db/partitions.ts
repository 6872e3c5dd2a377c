import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { firstUuidAt } from './ids.ts';

const partitionedTables = ['events', 'attempts'] as const;
const dayMs = 86_400_000;
const daysAhead = 3;

/**
 * Makes the daily partitions of events and attempts from the given day (UTC) to three days later, where they are missing.
 * A row outside every day's partition goes to the default one, so a late call loses nothing.
 */
export const ensurePartitions = query(async (db: Database, from: Date): Promise<void> => {
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
      await db.execute(
        sql.raw(`create table if not exists "${name}" partition of "${table}" for values ${bounds}`),
      );
    }
  }
});
