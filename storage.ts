import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { Config } from './config.ts';
import { type OpenDatabase, openEmbeddedDatabase, openServerDatabase } from './db/database.ts';
import { generateEncryptionKey } from './db/encryption.ts';
import { migrateDatabase } from './db/migrate.ts';

export interface Storage {
  database: OpenDatabase;
  /** Key of the secrets at rest. */
  encryptionKey: string;
  /** How many migrations this start has applied. */
  migrations: number;
}

/**
 * Opens and migrates the database that the settings ask for: PostgreSQL, or the embedded one in a folder that this process
 * has for itself.
 * @throws DatabaseUnavailable, SchemaTooNew
 */
export async function openStorage(
  config: Config,
  { folder, poolSize, log }: { folder: string; poolSize: number; log: Logger },
): Promise<Storage> {
  const database =
    config.DATABASE_URL === undefined
      ? await openEmbeddedDatabase({
          folder: join(folder, 'database'),
          onRoom: (isEnough) =>
            isEnough
              ? log.warn('the disk has room again: the database goes on')
              : log.error('the disk is nearly full: nothing is taken in or recorded until it has room'),
        })
      : openServerDatabase({
          url: config.DATABASE_URL,
          poolSize,
          onIdleError: (error) => log.warn({ reason: error.name }, 'PostgreSQL ended an idle connection'),
        });
  try {
    const migrations = await migrateDatabase(database);
    // config.ts requires the key with DATABASE_URL.
    return {
      database,
      migrations,
      encryptionKey: config.ENCRYPTION_KEY ?? keptKey(encryptionKeyFile(folder)),
    };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** Where the key is that was made here. Two of them with a comma between stand there while one replaces the other. */
export function encryptionKeyFile(folder: string): string {
  return join(folder, 'encryption-key');
}

/** The key in the file, which is made when it is missing. */
function keptKey(file: string): string {
  if (!existsSync(file)) writeFileSync(file, `${generateEncryptionKey()}\n`, { mode: 0o600, flag: 'wx' });
  return readFileSync(file, 'utf8').trim();
}
