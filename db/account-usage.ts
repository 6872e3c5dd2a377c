import { type SQL, sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, uuidOf } from './ids.ts';

/** What is counted, and the window of time that it is counted in: the second, or the day (UTC), in which it happens. */
export const usageWindows = { requests: 'second', events: 'day' } as const;
export type UsageKind = keyof typeof usageWindows;

export interface UsageGrant {
  /** So many of those that were asked for. */
  granted: number;
  /** What nobody has been given yet. */
  left: number;
  /** Until the window ends, in ms from the answer. */
  endsInMs: number;
}

/**
 * Takes so many of an account's window, or as many as there are left, but not fewer than are needed: then none. One statement, which
 * waits for those of other processes that are at the same row: together they are never given more than the limit. The database's clock
 * says which window it is.
 */
export const takeUsage = query(
  async (
    db: Database,
    {
      account,
      kind,
      limit,
      wanted,
      needed,
    }: { account: AccountId; kind: UsageKind; limit: number; wanted: number; needed: number },
  ): Promise<UsageGrant> => {
    const window = sql.raw(`'${usageWindows[kind]}'`);
    const most = sql`${limit}::bigint`;
    const grantOf = (left: SQL) =>
      sql`case when ${left} < ${needed}::bigint then 0 else least(${wanted}::bigint, ${left}) end`;
    // A statement that waited across the end of a window finds the row in the next one.
    const used = sql`case when u.window_start >= excluded.window_start then u.used else 0 end`;
    const granted = grantOf(sql`(${most} - ${used})`);
    const [grant] = await selectRows<UsageGrant>(
      db,
      sql`insert into account_usage as u (account_id, kind, window_start, used, granted)
        values (${uuidOf(account)}::uuid, ${kind}, date_trunc(${window}, now(), 'UTC'), ${grantOf(most)}, ${grantOf(most)})
        on conflict (account_id, kind) do update set
          window_start = greatest(u.window_start, excluded.window_start),
          used = ${used} + ${granted},
          granted = ${granted}
        returning u.granted::float8 as granted, greatest(0, ${most} - u.used)::float8 as left,
          (extract(epoch from u.window_start + ('1 ' || ${window})::interval - clock_timestamp()) * 1000)::float8 as "endsInMs"`,
    );
    if (grant === undefined) throw new Error('the account’s usage was not returned');
    return { ...grant, endsInMs: Math.max(0, grant.endsInMs) };
  },
);
