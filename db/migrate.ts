import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { readMigrationFiles } from 'drizzle-orm/migrator';
import type { NodePgDatabase } from 'drizzle-orm/node-postgres';
import { migrate as migrateServer } from 'drizzle-orm/node-postgres/migrator';
import type { PgliteDatabase } from 'drizzle-orm/pglite';
import { migrate as migrateEmbedded } from 'drizzle-orm/pglite/migrator';
import { type OpenDatabase, selectRows } from './database.ts';
import { query } from './errors.ts';
import { ensurePartitions } from './partitions.ts';
import type * as schema from './schema.ts';

const migrationsFolder = fileURLToPath(new URL('./migrations', import.meta.url));

/** Any number, but the same in every process that migrates. */
const migrationLock = 7_166_041;

/** A newer version of Postrider has migrated the database: this one would misread it, or write what that one cannot read. */
export class SchemaTooNew extends Error {
  override readonly name = 'SchemaTooNew';
}

/**
 * Brings the database to this version's schema and makes the partitions of the coming days; resolves with how many migrations
 * were missing. Any number of processes may start at once: the first migrates, the others wait and find nothing left to do.
 * @throws SchemaTooNew
 */
export const migrateDatabase = query(async (database: OpenDatabase): Promise<number> => {
  if (database.kind === 'embedded') {
    const missing = await countMissing(database);
    await migrateEmbedded(database.db as unknown as PgliteDatabase<typeof schema>, { migrationsFolder });
    await ensurePartitions(database.db, new Date());
    return missing;
  }
  return await database.db.transaction(async (lockHolder) => {
    await lockHolder.execute(sql`select pg_advisory_xact_lock(${migrationLock})`);
    const missing = await countMissing(database);
    await migrateServer(database.db as unknown as NodePgDatabase<typeof schema>, { migrationsFolder });
    await ensurePartitions(database.db, new Date());
    return missing;
  });
});

/** How many of this version's migrations the database has not had: nothing is changed. @throws SchemaTooNew */
export const countMissingMigrations = query(countMissing);

/** @throws SchemaTooNew */
async function countMissing({ db }: OpenDatabase): Promise<number> {
  const known = readMigrationFiles({ migrationsFolder }).map(({ folderMillis }) => folderMillis);
  const [table] = await selectRows<{ found: boolean }>(
    db,
    sql`select to_regclass('drizzle.__drizzle_migrations') is not null as found`,
  );
  if (!table?.found) return known.length;
  const applied = await selectRows<{ at: string }>(
    db,
    sql`select created_at::text as at from drizzle.__drizzle_migrations`,
  );
  const newest = Math.max(0, ...applied.map(({ at }) => Number(at)));
  const newestKnown = Math.max(...known);
  if (newest > newestKnown) {
    const [theirs, ours] = [newest, newestKnown].map((at) => new Date(at).toISOString().slice(0, 16));
    throw new SchemaTooNew(
      `the database has the schema of a newer version of Postrider (of ${theirs}Z; this version's is of ${ours}Z): start that version or a later one, or restore a backup from before it`,
    );
  }
  return known.filter((at) => at > newest).length;
}
