import type { SQL } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { type IdPrefix, idOf } from './ids.ts';
import type { StretchResult } from './search-page.ts';

/** Looks through one stretch of a list by a statement whose one row says what a `StretchResult` does, in UUIDs. */
export async function readStretch<P extends IdPrefix>(
  db: Database,
  prefix: P,
  statement: SQL,
): Promise<StretchResult<P>> {
  const [row] = await selectRows<{ looked_at: number; last: string | null; found: string[] }>(db, statement);
  if (row === undefined) throw new Error('a stretch has no result');
  return {
    looked_at: row.looked_at,
    last: row.last === null ? undefined : idOf(prefix, row.last),
    found: row.found.map((uuid) => idOf(prefix, uuid)),
  };
}
