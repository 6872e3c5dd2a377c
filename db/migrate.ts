import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { migrate as migrateServer } from 'drizzle-orm/node-postgres/migrator';
import type { PgliteDatabase } from 'drizzle-orm/pglite';
import { migrate as migrateEmbedded } from 'drizzle-orm/pglite/migrator';
import type { OpenDatabase } from './database.ts';
import { query } from './errors.ts';
import { ensurePartitions } from './partitions.ts';
import type * as schema from './schema.ts';

const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url));

/** Any number, but the same in every process that migrates. */
const migrationLock = 7_166_041;

/**
 * Brings the database to this version's schema and makes the partitions of the coming days. Any number of processes may
 * start at once: the first migrates, the others wait and find nothing left to do.
 */
export const migrateDatabase = query(async (database: OpenDatabase): Promise<void> => {
  if (database.kind === 'embedded') {
    await migrateEmbedded(database.db as unknown as PgliteDatabase<typeof schema>, { migrationsFolder });
    await ensurePartitions(database.db, new Date());
    return;
  }
  await database.db.transaction(async (lockHolder) => {
    await lockHolder.execute(sql`select pg_advisory_xact_lock(${migrationLock})`);
    await migrateServer(database.db as unknown as NodePgDatabase<typeof schema>, { migrationsFolder });
    await ensurePartitions(database.db, new Date());
  });
});
