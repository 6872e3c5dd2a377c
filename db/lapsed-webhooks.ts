import { sql } from 'drizzle-orm';
import type { Change } from './audit-log.ts';
import { type Database, type RunOptions, selectRows } from './database.ts';
import { query } from './errors.ts';
import { idleAtMost } from './idle-at-most.ts';
import { type AccountId, idOf, uuidOf, type WebhookId } from './ids.ts';
import { deleteWebhook } from './webhooks.ts';

export interface LapsedWebhook {
  id: WebhookId;
  account_id: AccountId;
}

/**
 * Once consumers can come again, they have so long for that, in seconds, or as long as they may be away if that is less.
 */
const returnS = 900;

const isLapsed = sql`deleted_at is null and lapses_after_s is not null
  and coalesce(pulled_at, created_at) < now() - lapses_after_s * interval '1 second'`;

/** The database's time, in ms since 1970. */
export const readClock = query(async (db: Database, timeoutMs: number): Promise<number> => {
  const [row] = await selectRows<{ now_ms: number }>(
    db,
    sql`select (extract(epoch from now()) * 1000)::float8 as now_ms`,
    { name: 'read_clock', timeoutMs },
  );
  return row?.now_ms ?? Number.NaN;
});

/** Webhooks whose consumers were away for longer than they may be, and could have come for the last `openMs`. */
export const findLapsedWebhooks = query(
  async (
    db: Database,
    { openMs, limit, ...patience }: { openMs: number; limit: number } & Pick<RunOptions, 'timeoutMs'>,
  ): Promise<LapsedWebhook[]> => {
    const rows = await selectRows<{ id: string; account_id: string }>(
      db,
      sql`select id, account_id from webhooks
          where ${isLapsed} and least(lapses_after_s, ${returnS}::int) <= ${openMs / 1_000}::float8
          order by id limit ${limit}`,
      { name: 'find_lapsed_webhooks', ...patience },
    );
    return rows.map((row) => ({ id: idOf('wh', row.id), account_id: idOf('acct', row.account_id) }));
  },
);

/** Deletes one of them, unless its consumer has come meanwhile. */
export const deleteLapsedWebhook = query(
  (db: Database, { id, account_id }: LapsedWebhook, change: Change & { reason: string }): Promise<void> =>
    db.transaction(async (tx) => {
      const [lapsed] = await selectRows(
        tx,
        sql`select ${idleAtMost} from webhooks where id = ${uuidOf(id)} and ${isLapsed} for update`,
      );
      if (lapsed !== undefined) await deleteWebhook(tx, account_id, id, change);
    }),
);
