import { sql } from 'drizzle-orm';
import pg from 'pg';
import type { Logger } from 'pino';
import type { Database } from './database.ts';
import { query } from './errors.ts';

/** Hears of what every process on the database revokes, so that what a process remembers of callers may be trusted. */
export interface Revocations {
  /** Whether nothing can have been revoked that was not told: false from the moment in which the connection is lost. */
  areHeard(): boolean;
  /** Told of every revocation, and of every time after which one may have been missed; until the answered function is called. */
  listen(listener: () => void): () => void;
  close(): Promise<void>;
}

const channel = 'postrider_revocations';
/** How often the connection is tried, in ms, and how soon after its loss another is made. */
const beatMs = 1_000;

/** Tells every process, when the transaction commits, that a key, a link or a session is no longer good. */
export const tellRevocation = query(async (tx: Database): Promise<void> => {
  await tx.execute(sql`select pg_notify(${channel}, '')`);
});

/**
 * Listens on a connection of its own. One that has answered nothing for `silentMs` counts as lost: as long a revocation may go
 * unnoticed where the network falls silent, and no longer.
 */
export function listenForRevocations({
  url,
  log,
  silentMs = 3_000,
}: {
  url: string;
  log: Logger;
  silentMs?: number;
}): Revocations {
  const listeners = new Set<() => void>();
  const tell = () => {
    for (const listener of listeners) listener();
  };
  let client: pg.Client | undefined;
  /** When that was asked to which the connection has given its last answer; undefined while there is none. */
  let heardAt: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosed = false;

  const areHeard = () => heardAt !== undefined && performance.now() - heardAt < silentMs;

  async function open(): Promise<void> {
    const opening = new pg.Client({
      connectionString: url,
      connectionTimeoutMillis: 5_000,
      query_timeout: silentMs,
      keepAlive: true,
      application_name: 'postrider revocations',
    });
    client = opening;
    opening.on('notification', tell);
    opening.on('error', () => lose(opening));
    opening.on('end', () => lose(opening));
    try {
      await opening.connect();
      const askedAt = performance.now();
      await opening.query(`listen ${channel}`);
      if (client !== opening) return;
      heardAt = askedAt;
      // What was revoked before is to be looked up.
      tell();
      next(() => beat(opening));
    } catch {
      lose(opening);
    }
  }

  async function beat(of: pg.Client): Promise<void> {
    const askedAt = performance.now();
    try {
      await of.query('select 1');
      if (client !== of) return;
      heardAt = askedAt;
      next(() => beat(of));
    } catch {
      lose(of);
    }
  }

  /** From here on nothing that it says counts. */
  function lose(lost: pg.Client): void {
    if (client !== lost) return;
    client = undefined;
    if (heardAt !== undefined) {
      log.warn(
        'the connection that hears of revoked keys is lost: until there is one, each key is looked up',
      );
    }
    heardAt = undefined;
    lost.end().catch(() => {});
    next(open);
  }

  function next(step: () => Promise<void>): void {
    clearTimeout(timer);
    if (!isClosed) timer = setTimeout(() => void step(), Math.min(beatMs, silentMs / 3)).unref();
  }

  void open();
  return {
    areHeard,
    listen(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    async close() {
      isClosed = true;
      clearTimeout(timer);
      const last = client;
      client = undefined;
      heardAt = undefined;
      await last?.end().catch(() => {});
    },
  };
}
