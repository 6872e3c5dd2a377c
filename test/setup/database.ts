import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import pg from 'pg';
import { type OpenDatabase, openEmbeddedDatabase, openServerDatabase } from '../../db/database.ts';
import { migrateDatabase } from '../../db/migrate.ts';

/**
 * A migrated database of its own, which goes when it is closed: on the server of TEST_DATABASE_URL, or else embedded and in
 * memory.
 */
export async function openTestDatabase(): Promise<OpenDatabase> {
  const server = process.env.TEST_DATABASE_URL;
  const database = server
    ? await createOnServer(server)
    : await openEmbeddedDatabase({ template: await emptyCluster() });
  await migrateDatabase(database);
  return database;
}

async function createOnServer(server: string): Promise<OpenDatabase> {
  const { url, drop } = await createServerDatabase(server);
  const database = openServerDatabase({ url, poolSize: 5, onIdleError: () => {} });
  const close = async () => {
    await database.close();
    await drop();
  };
  return { ...database, close };
}

/** An empty database on a server, for whoever opens it himself. */
export async function createServerDatabase(server: string): Promise<{ url: string; drop(): Promise<void> }> {
  const url = new URL(server);
  url.pathname = `/test_${randomUUID().replaceAll('-', '')}`;
  await runOn(server, `create database ${url.pathname.slice(1)}`);
  return {
    url: url.href,
    drop: () => runOn(server, `drop database ${url.pathname.slice(1)} with (force)`),
  };
}

async function runOn(server: string, statement: string) {
  const client = new pg.Client(server);
  await client.connect();
  await client.query(statement).finally(() => client.end());
}

/** To start from it is four times as quick as to make a cluster. */
async function emptyCluster(): Promise<Blob> {
  const cache = new URL('../../node_modules/.cache/postrider/', import.meta.url);
  const { version } = JSON.parse(
    readFileSync(new URL('../../node_modules/@electric-sql/pglite/package.json', import.meta.url), 'utf8'),
  );
  const file = new URL(`pglite-${version}.tar`, cache);
  if (!existsSync(file)) {
    mkdirSync(cache, { recursive: true });
    const cluster = await PGlite.create();
    const made = new URL(`${randomUUID()}.tar`, cache);
    writeFileSync(made, Buffer.from(await (await cluster.dumpDataDir('none')).arrayBuffer()));
    await cluster.close();
    renameSync(made, file);
  }
  // Read whole: another test file that makes it at the same time may put its own in this one's place.
  return new Blob([readFileSync(file)]);
}
