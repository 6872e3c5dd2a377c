import { type Id, type IdPrefix, isId } from './ids.ts';

/** Which part of a newest-first list: at most `limit` rows, older than the row `before` when that is given. */
export interface PageRequest<P extends IdPrefix> {
  limit: number;
  before?: Id<P> | undefined;
}

export interface Page<Row> {
  data: Row[];
  /** Where the next page starts; null after the last row. */
  next_cursor: string | null;
}

/** What names the page after a row: opaque to callers. */
export function cursorAfter(id: Id<IdPrefix>): string {
  return Buffer.from(id).toString('base64url');
}

/** The row a cursor stands for, or undefined when it was not made by `cursorAfter` for a list of that kind of id. */
export function idInCursor<P extends IdPrefix>(prefix: P, cursor: string): Id<P> | undefined {
  const id = Buffer.from(cursor, 'base64url').toString();
  return isId(prefix, id) && cursorAfter(id) === cursor ? id : undefined;
}

/** The page of a query that asked for one row more than its limit, to know whether more follow. */
export function toPage<Row extends { id: Id<IdPrefix> }>(rows: readonly Row[], limit: number): Page<Row> {
  return pageOf(rows, limit, (row) => row.id);
}

/** As `toPage`, for rows that show another id than the one they are paged by. */
export function pageOf<Row>(
  rows: readonly Row[],
  limit: number,
  idOfRow: (row: Row) => Id<IdPrefix>,
): Page<Row> {
  const data = rows.slice(0, limit);
  const last = data.at(-1);
  return { data, next_cursor: last !== undefined && rows.length > limit ? cursorAfter(idOfRow(last)) : null };
}
