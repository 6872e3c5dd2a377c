import { pino } from 'pino';
import type { Config } from './config.ts';
import { openDataFolder } from './data-folder.ts';
import { openStorage } from './storage.ts';

/** Migrating takes one connection for its lock beside the one that it works on. */
const poolSize = 2;

/**
 * Brings the database to this version's schema, and ends. Postrider may run meanwhile on PostgreSQL; an embedded one has to be
 * stopped.
 * @throws DataFolderInUse and its like, DatabaseUnavailable, SchemaTooNew
 */
export async function migrate(config: Config, report: (line: string) => void): Promise<void> {
  const folder = config.DATABASE_URL === undefined ? await openDataFolder(config.DATA_DIR) : undefined;
  try {
    const log = pino({ level: 'silent' });
    const storage = await openStorage(config, { folder: folder?.path ?? config.DATA_DIR, poolSize, log });
    await storage.database.close();
    report(
      storage.migrations === 0
        ? "The database has this version's schema already."
        : `The database has this version's schema now (migrations applied: ${storage.migrations}).`,
    );
  } finally {
    folder?.release();
  }
}
