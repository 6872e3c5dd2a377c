import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { openDataFolder } from './data-folder.ts';
import { type OpenDatabase, openEmbeddedDatabase, openServerDatabase } from './db/database.ts';
import { generateEncryptionKey } from './db/encryption.ts';
import { migrateDatabase } from './db/migrate.ts';

export interface Storage {
  database: OpenDatabase;
  /** Key of the secrets at rest. */
  encryptionKey: string;
  close(): Promise<void>;
}

/**
 * Opens and migrates the database that the settings ask for: PostgreSQL, or the embedded one in the data folder, which
 * this process then has for itself.
 * @throws DatabaseUnavailable, and what data-folder.ts throws
 */
export async function openStorage(
  config: Config,
  { poolSize, log }: { poolSize: number; log: Logger },
): Promise<Storage> {
  const url = config.DATABASE_URL;
  if (url === undefined) return openEmbedded(config);
  const database = openServerDatabase({
    url,
    poolSize,
    onIdleError: (error) => log.warn({ reason: error.name }, 'PostgreSQL ended an idle connection'),
  });
  try {
    await migrateDatabase(database);
  } catch (error) {
    await database.close();
    throw error;
  }
  // config.ts requires the key with DATABASE_URL.
  return { database, encryptionKey: config.ENCRYPTION_KEY ?? '', close: () => database.close() };
}

async function openEmbedded(config: Config): Promise<Storage> {
  const folder = await openDataFolder(config.DATA_DIR);
  try {
    const encryptionKey = config.ENCRYPTION_KEY ?? keptKey(join(folder.path, 'encryption-key'));
    const database = await openEmbeddedDatabase({ folder: join(folder.path, 'database') });
    try {
      await migrateDatabase(database);
    } catch (error) {
      await database.close();
      throw error;
    }
    return {
      database,
      encryptionKey,
      async close() {
        await database.close();
        folder.release();
      },
    };
  } catch (error) {
    folder.release();
    throw error;
  }
}

/** The key in the file, which is made when it is missing. */
function keptKey(file: string): string {
  if (!existsSync(file)) writeFileSync(file, `${generateEncryptionKey()}\n`, { mode: 0o600, flag: 'wx' });
  return readFileSync(file, 'utf8').trim();
}
