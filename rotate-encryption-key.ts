import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { pino } from 'pino';
import { type Config, ConfigError, parseConfig } from './config.ts';
import { DataFolderInUse, DataFolderNotAFolder, DataFolderNotUsable, openDataFolder } from './data-folder.ts';
import type { OpenDatabase } from './db/database.ts';
import { createSealer, generateEncryptionKey, SecretUnreadable } from './db/encryption.ts';
import { DatabaseUnavailable } from './db/errors.ts';
import { SchemaTooNew } from './db/migrate.ts';
import { resealAll } from './db/reseal.ts';
import { encryptionKeyFile, openStorage } from './storage.ts';

/** What prevents it and has a message that says so to the user. */
const refusals = [
  ConfigError,
  DataFolderInUse,
  DataFolderNotAFolder,
  DataFolderNotUsable,
  DatabaseUnavailable,
  SchemaTooNew,
  SecretUnreadable,
];

/**
 * Encrypts every stored secret with the newest key. With `ENCRYPTION_KEY="new,old"` the first key is the new one; on
 * PostgreSQL Postrider may run meanwhile, with the same two keys. In embedded use it must be stopped, and where its key is
 * kept in the data folder, a new one is made and takes the old one's place. Safe to run again after it was broken off.
 * @throws ConfigError, DataFolderInUse and its like, DatabaseUnavailable, SchemaTooNew,
 * SecretUnreadable
 */
export async function rotateEncryptionKey(config: Config, report: (line: string) => void): Promise<void> {
  const isEmbedded = config.DATABASE_URL === undefined;
  const folder = isEmbedded ? await openDataFolder(config.DATA_DIR) : undefined;
  try {
    const { database, encryptionKey } = await openStorage(config, {
      folder: folder?.path ?? config.DATA_DIR,
      // Migrating takes one connection for its lock beside the one that it works on.
      poolSize: 2,
      log: pino({ level: 'silent' }),
    });
    try {
      if (folder !== undefined && config.ENCRYPTION_KEY === undefined) {
        await rotateKeptKey(database, encryptionKeyFile(folder.path), report);
      } else {
        await reseal(database, encryptionKey, report);
        if (encryptionKey.includes(',')) {
          report(
            'The older keys are needed no longer: start Postrider with the first key of ENCRYPTION_KEY alone.',
          );
        }
      }
    } finally {
      await database.close();
    }
  } finally {
    folder?.release();
  }
}

/** Both keys are in the file until all is done: a rotation that was broken off is gone on with. */
async function rotateKeptKey(database: OpenDatabase, file: string, report: (line: string) => void) {
  const kept = readFileSync(file, 'utf8').trim();
  const keys = kept.includes(',') ? kept : `${generateEncryptionKey()},${kept}`;
  replaceFile(file, `${keys}\n`);
  await reseal(database, keys, report);
  replaceFile(file, `${keys.split(',')[0]?.trim()}\n`);
  report(`The new key is in ${file}.`);
}

async function reseal({ db }: OpenDatabase, keys: string, report: (line: string) => void) {
  const sealer = createSealer(keys);
  const count = await resealAll(db, sealer);
  report(`${count} stored secrets were encrypted anew; all have the key ${sealer.keyId} now.`);
}

/** Whole or not at all, and flushed: without its key what is stored is lost. */
function replaceFile(file: string, text: string): void {
  const fresh = `${file}.new`;
  rmSync(fresh, { force: true });
  writeFileSync(fresh, text, { mode: 0o600, flag: 'wx', flush: true });
  renameSync(fresh, file);
}

/** Runs it in this process; what prevents it is one line on stderr and exit code 1. */
export async function main(env: NodeJS.ProcessEnv): Promise<void> {
  try {
    await rotateEncryptionKey(parseConfig(env), (line) => process.stdout.write(`${line}\n`));
  } catch (error) {
    if (!refusals.some((refusal) => error instanceof refusal)) throw error;
    process.stderr.write(`postrider: ${(error as Error).message}${adviceOn(error)}\n`);
    process.exitCode = 1;
  }
}

function adviceOn(error: unknown): string {
  return error instanceof SecretUnreadable && error.message.includes('not among')
    ? ': set ENCRYPTION_KEY to "new,old", with every key still in use'
    : '';
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main(process.env);
