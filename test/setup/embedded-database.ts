import { readFileSync } from 'node:fs';
import type { PGlite } from '@electric-sql/pglite';
import { drizzle } from 'drizzle-orm/pglite';
import { type Database, type OpenDatabase, openEmbeddedDatabase, planSettings } from '../../db/database.ts';
import { migrateDatabase } from '../../db/migrate.ts';
import * as schema from '../../db/schema.ts';
import { migratedTemplate } from './migrated-template.ts';

interface Cluster {
  client: PGlite;
  /** What it looked like when it was new. */
  catalogue: string;
}

/** Emptied, for the next test of this file. */
const idle: Cluster[] = [];

/** A migrated database in memory that holds nothing. Who has closed it can do nothing more to it, also when another test has it. */
export async function openInMemory(): Promise<OpenDatabase> {
  const cluster = idle.pop() ?? (await createCluster());
  let isClosed = false;
  const db = drizzle(
    refusingWhen(() => isClosed, cluster.client),
    { schema },
  ) as unknown as Database;
  return {
    db,
    kind: 'embedded',
    async close() {
      if (isClosed) return;
      isClosed = true;
      await cluster.client.exec('rollback');
      await cluster.client.exec('discard all');
      await cluster.client.exec(planSettings);
      if ((await catalogueOf(cluster.client)) !== cluster.catalogue) return cluster.client.close();
      await empty(cluster.client);
      idle.push(cluster);
    },
  };
}

async function createCluster(): Promise<Cluster> {
  const { image } = await migratedTemplate();
  const database = await openEmbeddedDatabase({ template: new Blob([readFileSync(image)]) });
  await migrateDatabase(database);
  const { $client: client } = database.db as unknown as { $client: PGlite };
  return { client, catalogue: await catalogueOf(client) };
}

/** The same for as long as no table, column, index, trigger or function is made, changed or dropped. */
async function catalogueOf(client: PGlite): Promise<string> {
  const { rows } = await client.query<{ catalogue: string }>(
    `select md5(concat(
      (select string_agg(concat(oid, relname, relkind), ',' order by oid) from pg_class where relpersistence = 'p'),
      (select string_agg(concat(attrelid, attnum, attname, atttypid, attnotnull), ',' order by attrelid, attnum) from pg_attribute),
      (select string_agg(concat(oid, tgname, tgenabled), ',' order by oid) from pg_trigger),
      (select string_agg(concat(oid, proname, md5(prosrc)), ',' order by oid) from pg_proc),
      (select string_agg(concat(oid, conname), ',' order by oid) from pg_constraint))) as catalogue`,
  );
  return rows[0]?.catalogue ?? '';
}

/** To truncate a table takes several ms, so only those that hold something are. */
async function empty(client: PGlite): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `select oid::regclass::text as name from pg_class
      where relnamespace = 'public'::regnamespace and relkind in ('r', 'p') and not relispartition`,
  );
  const filled = await client.query<{ name: string }>(
    rows.map(({ name }) => `select '${name}' as name where exists (select from ${name})`).join(' union all '),
  );
  if (filled.rows.length > 0)
    await client.exec(`truncate ${filled.rows.map(({ name }) => name).join(', ')} cascade`);
  await client.exec(`select setval(oid, 1, false) from pg_class where relkind = 'S'`);
}

function refusingWhen(isClosed: () => boolean, client: PGlite): PGlite {
  return new Proxy(client, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (isClosed()) throw new Error('PGlite is closed');
        return value.apply(target, args);
      };
    },
  });
}
