import { createHash, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { PGlite } from '@electric-sql/pglite';
import { openEmbeddedDatabase } from '../../db/database.ts';
import { migrateDatabase } from '../../db/migrate.ts';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const cache = fromHere('../../node_modules/.cache/postrider');
const sources = [
  fromHere('../../node_modules/@electric-sql/pglite/package.json'),
  fromHere('../../db/partitions.ts'),
  ...filesBelow(fromHere('../../db/migrations')),
];

export interface MigratedTemplate {
  /** The data folder of a database that was closed: to copy. */
  folder: string;
  /** The same to load into memory. */
  image: string;
}

/**
 * An embedded database that is migrated, with the partitions of today, and holds nothing: to start from it is several times as quick as
 * to make a cluster and migrate it. It is made by whoever asks first after the migrations or the day have changed; who asks
 * at the same time makes his own, and one of them stays.
 */
export async function migratedTemplate(): Promise<MigratedTemplate> {
  const hash = createHash('sha256').update(new Date().toISOString().slice(0, 10));
  for (const file of sources) hash.update(readFileSync(file));
  const name = `migrated-${hash.digest('hex').slice(0, 16)}`;
  const made = join(cache, name);
  if (!existsSync(made)) await make(made);
  return { folder: join(made, 'database'), image: join(made, 'database.tar') };
}

async function make(made: string): Promise<void> {
  mkdirSync(cache, { recursive: true });
  for (const old of readdirSync(cache)) {
    if (/^migrated-\w+$/.test(old)) rmSync(join(cache, old), { recursive: true, force: true });
  }
  const making = join(cache, `making-${randomUUID()}`);
  const database = await openEmbeddedDatabase({ folder: join(making, 'database') });
  await migrateDatabase(database);
  const { $client } = database.db as unknown as { $client: PGlite };
  const image = await $client.dumpDataDir('none');
  writeFileSync(join(making, 'database.tar'), Buffer.from(await image.arrayBuffer()));
  await database.close();
  try {
    renameSync(making, made);
  } catch (error) {
    if (!existsSync(made)) throw error;
    rmSync(making, { recursive: true });
  }
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
}
