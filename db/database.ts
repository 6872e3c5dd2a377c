import { mkdirSync } from 'node:fs';
import { PGlite } from '@electric-sql/pglite';
import { Name, Param, type Query, SQL, StringChunk } from 'drizzle-orm';
import { drizzle as drizzleServer } from 'drizzle-orm/node-postgres';
import type { PgDatabase, PgDialect, PgQueryResultHKT, PgSession } from 'drizzle-orm/pg-core';
import { drizzle as drizzleEmbedded } from 'drizzle-orm/pglite';
import pg from 'pg';
import { createDiskRoom, refusingWhenFull } from './disk-room.ts';
import { inTurns } from './in-turns.ts';
import * as schema from './schema.ts';

/** A connection or a transaction: what every query function takes first. */
export type Database = PgDatabase<PgQueryResultHKT, typeof schema>;

export interface OpenDatabase {
  db: Database;
  /** `server` for PostgreSQL, `embedded` for PGlite in this process. */
  kind: 'server' | 'embedded';
  /** The connections to a server that are open, those of them that nobody uses, and how many statements wait for one. */
  pool?: () => { open: number; idle: number; waiting: number };
  close(): Promise<void>;
}

/**
 * Every statement of ours finds its rows by an index. A prepared one keeps the plan that was made when a day's partition was
 * empty, and without these would read the whole of it, over and over, until the statistics come: measured as half of
 * PostgreSQL's work in a new database's first minute.
 */
export const planSettings =
  'set enable_seqscan = off; set enable_hashjoin = off; set enable_mergejoin = off; set jit = off';
/** For how long a transaction that holds lanes' rows may do nothing (db/lanes.ts), in ms. */
const laneSettings = "set postrider.idle_in_lanes = '5000'";
/**
 * A statement that was given up after its time goes on in the server, which looks so often, in ms, whether anybody still waits for it: so that
 * those behind a lock do not take up one connection after the other. Not every server's system can tell.
 */
const checkSettings = `do $$ begin set client_connection_check_interval = 2000; exception when others then null; end $$`;
/** A connection that nobody uses is kept for so long, in ms: another would have to be made, and would plan each statement anew. */
const keepIdleMs = 5 * 60_000;
/** A server that hangs right after it has taken a connection is not waited for longer, in ms. */
const planQuery = { text: `${planSettings}; ${laneSettings}; ${checkSettings}`, query_timeout: 5_000 };

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
    idleTimeoutMillis: keepIdleMs,
    keepAlive: true,
    // What it returns is waited for, whatever its type says.
    onConnect: (client) => client.query(planQuery) as unknown as undefined,
    application_name: 'postrider',
  });
  pool.on('error', options.onIdleError);
  // The pool listens to idle connections alone: one that is cut in a transaction, between two statements, would otherwise
  // end the process. The next statement fails, which says the same.
  pool.on('connect', (client) => client.on('error', () => {}));
  return {
    db: drizzleServer(pool, { schema }),
    kind: 'server',
    pool: () => ({ open: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  };
}

/**
 * Opens the embedded database in a folder (made when missing), or in memory. The caller holds the folder's lock: PGlite
 * takes none, and a second process on the same folder corrupts it. While the folder's disk is nearly full every statement
 * fails as DatabaseUnavailable; `onRoom` hears when that begins and when it is over.
 * @throws DatabaseUnavailable when its disk is nearly full already
 */
export async function openEmbeddedDatabase(options: {
  folder?: string;
  template?: Blob;
  onRoom?: (isEnough: boolean) => void;
}): Promise<OpenDatabase> {
  const { folder, template, onRoom = () => {} } = options;
  if (folder === undefined) {
    const client = await PGlite.create(template === undefined ? {} : { loadDataDir: template });
    await client.exec(planSettings);
    const turns = inTurns(client);
    return { db: drizzleEmbedded(turns, { schema }), kind: 'embedded', close: () => turns.close() };
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const room = createDiskRoom(folder, onRoom);
  room.assertEnough();
  const client = await PGlite.create({ dataDir: folder });
  await client.exec(planSettings);
  const turns = inTurns(refusingWhenFull(client, room));
  return {
    db: drizzleEmbedded(turns, { schema }),
    kind: 'embedded',
    // Closing it writes, too. What is not closed is as after a crash, which the next opening makes good.
    close: async () => {
      if (room.isEnough()) await turns.close();
    },
  };
}

/** How a statement is run, where it matters. */
export interface RunOptions {
  /** Of a statement of fixed text that runs often: PostgreSQL then parses and plans it once a connection. */
  name?: string;
  /**
   * How long to wait for the server, in ms, before the statement fails as DatabaseUnavailable: whether it takes effect is
   * not known then. Without it a server that hangs is waited for.
   */
  timeoutMs?: number;
}

const texts = new Map<string, string>();

/** A named statement's text is made once: then only its values are looked for. */
function textOnce(statement: SQL, dialect: PgDialect, name: string | undefined): Query {
  const text = name === undefined ? undefined : texts.get(name);
  if (text !== undefined) return { sql: text, params: valuesIn(statement) };
  const query = dialect.sqlToQuery(statement);
  if (name !== undefined) texts.set(name, query.sql);
  return query;
}

/** What drizzle would bind, in its order. */
function valuesIn({ queryChunks }: SQL, values: unknown[] = []): unknown[] {
  for (const chunk of queryChunks) {
    if (chunk instanceof SQL) valuesIn(chunk, values);
    else if (chunk instanceof Param) values.push(chunk.value);
    else if (!(chunk instanceof StringChunk || chunk instanceof Name)) values.push(chunk);
  }
  return values;
}

/** The rows of a raw statement, whichever driver runs it. Column values are as the driver gives them. */
export async function selectRows<Row>(
  db: Database,
  statement: SQL,
  { name, timeoutMs }: RunOptions = {},
): Promise<Row[]> {
  // drizzle has names for its query builder's statements only; its sessions take them for any.
  const { dialect, session } = db as unknown as { dialect: PgDialect; session: PgSession };
  const prepared = session.prepareQuery(textOnce(statement, dialect, name), undefined, name, false);
  if (timeoutMs !== undefined && 'rawQueryConfig' in prepared) {
    // Read by node-postgres. PGlite, in this process, answers or is broken.
    Object.assign(prepared.rawQueryConfig as object, { query_timeout: timeoutMs });
  }
  const result = (await prepared.execute()) as { rows: Row[] };
  return result.rows;
}
