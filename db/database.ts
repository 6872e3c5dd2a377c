import { mkdirSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import type { SQL } from 'drizzle-orm';
import { drizzle as drizzleServer } from 'drizzle-orm/node-postgres';
import type { PgDatabase, PgQueryResultHKT } from 'drizzle-orm/pg-core';
import { drizzle as drizzleEmbedded } from 'drizzle-orm/pglite';
import pg from 'pg';
import * as schema from './schema.ts';

/** A connection or a transaction: what every query function takes first. */
export type Database = PgDatabase<PgQueryResultHKT, typeof schema>;

export interface OpenDatabase {
  db: Database;
  /** `server` for PostgreSQL, `embedded` for PGlite in this process. */
  kind: 'server' | 'embedded';
  close(): Promise<void>;
}

/**
 * Opens PostgreSQL at a URL. Connections are made when first needed, so an unreachable server shows at the first query
 * (as DatabaseUnavailable). `onIdleError` hears of idle connections that the server ended; the pool replaces them.
 */
export function openServerDatabase(options: {
  url: string;
  poolSize: number;
  onIdleError: (error: Error) => void;
}): OpenDatabase {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolSize,
    connectionTimeoutMillis: 5_000,
    keepAlive: true,
    application_name: 'postrider',
  });
  pool.on('error', options.onIdleError);
  return { db: drizzleServer(pool, { schema }), kind: 'server', close: () => pool.end() };
}

/**
 * Opens the embedded database in a folder (made when missing), or in memory. The caller holds the folder's lock: PGlite
 * takes none, and a second process on the same folder corrupts it.
 */
export async function openEmbeddedDatabase(options: {
  folder?: string;
  template?: Blob;
}): Promise<OpenDatabase> {
  if (options.folder !== undefined) mkdirSync(options.folder, { recursive: true, mode: 0o700 });
  const client = await PGlite.create({
    ...(options.folder === undefined ? {} : { dataDir: options.folder }),
    ...(options.template === undefined ? {} : { loadDataDir: options.template }),
  });
  return { db: drizzleEmbedded(client, { schema }), kind: 'embedded', close: () => client.close() };
}

/** The rows of a raw statement, whichever driver runs it. Column values are as the driver gives them. */
export async function selectRows<Row>(db: Database, statement: SQL): Promise<Row[]> {
  const result = (await db.execute(statement)) as unknown as { rows: Row[] };
  return result.rows;
}
