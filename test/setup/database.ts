import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { type OpenDatabase, openServerDatabase } from '../../db/database.ts';
import { migrateDatabase } from '../../db/migrate.ts';
import { openInMemory } from './embedded-database.ts';

/** The one of a test server's databases that the others are copied from. */
const template = 'migrated';

/**
 * A migrated database of its own, which goes when it is closed: on the server of TEST_DATABASE_URL, or else embedded and in
 * memory.
 */
export async function openTestDatabase(): Promise<OpenDatabase> {
  const server = process.env.TEST_DATABASE_URL;
  return server ? await createOnServer(server) : await openInMemory();
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

/** Makes what the databases on a server are copied from: a migrated one that holds nothing. */
export async function createServerTemplate(server: string): Promise<void> {
  await runOn(server, `create database ${template}`);
  const database = openServerDatabase({ url: urlOf(server, template), poolSize: 2, onIdleError: () => {} });
  await migrateDatabase(database);
  await database.close();
}

/** A database on a server, migrated or `empty`, for whoever opens it himself. */
export async function createServerDatabase(
  server: string,
  state: 'migrated' | 'empty' = 'migrated',
): Promise<{ url: string; drop(): Promise<void> }> {
  const name = `test_${randomUUID().replaceAll('-', '')}`;
  await runOn(server, `create database ${name} template ${state === 'migrated' ? template : 'template1'}`);
  return {
    url: urlOf(server, name),
    drop: () => runOn(server, `drop database ${name} with (force)`),
  };
}

function urlOf(server: string, database: string): string {
  const url = new URL(server);
  url.pathname = `/${database}`;
  return url.href;
}

async function runOn(server: string, statement: string) {
  const client = new pg.Client(server);
  await client.connect();
  await client.query(statement).finally(() => client.end());
}
