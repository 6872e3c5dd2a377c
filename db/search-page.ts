import { setImmediate as othersTurn } from 'node:timers/promises';
import { type Id, type IdPrefix, timeOf } from './ids.ts';
import { cursorAfter, type Page, type PageRequest } from './paging.ts';

/** A page of a list that was searched. */
export interface SearchedPage<Row> extends Page<Row> {
  /** When there is more to search: back to when it was searched, whether the page is full or not. Absent otherwise. */
  searched_until?: Date;
}

/** One stretch of a list, newest first, after `before`. */
export interface Stretch<P extends IdPrefix> {
  before: Id<P> | undefined;
  /** Rows to look at. */
  rows: number;
  /** Rows that are asked for. */
  wanted: number;
}

export interface StretchResult<P extends IdPrefix> {
  /** Rows that were looked at: fewer than asked for when the list ends there. */
  looked_at: number;
  /** The last of these; undefined when there was none. */
  last: Id<P> | undefined;
  /** Those that fit, newest first, at most as many as wanted. */
  found: Id<P>[];
}

/** How far one request looks at most: so many rows, and into no further stretch after so many ms. */
export interface SearchLimits {
  mostRows: number;
  /** Of a stretch: the longest that one statement takes. */
  mostRowsAtOnce: number;
  mostMs: number;
  /** Whether nobody waits for the answer any more: then no further stretch is looked into. */
  hasLeft?: (() => boolean) | undefined;
}

/**
 * Searches a newest-first list for a page of what fits, a stretch at a time, and no further than the limits: then the page says
 * how far it came, and its cursor goes on from there. So a search for what is rare costs no more than one for what is common.
 */
export async function searchPage<P extends IdPrefix>(
  { limit, before }: PageRequest<P>,
  { mostRows, mostRowsAtOnce, mostMs, hasLeft = () => false }: SearchLimits,
  look: (stretch: Stretch<P>) => Promise<StretchResult<P>>,
): Promise<SearchedPage<Id<P>>> {
  const startedAt = performance.now();
  const ids: Id<P>[] = [];
  let position = before;
  let lookedAt = 0;
  for (let rows = limit + 1; ; rows = Math.min(rows * 8, mostRowsAtOnce)) {
    const wanted = limit + 1 - ids.length;
    const stretch = { before: position, rows: Math.min(rows, mostRows - lookedAt), wanted };
    const { looked_at, last, found } = await look(stretch);
    ids.push(...found);
    const lastShown = ids[limit - 1];
    // One more than the page holds shows that there is a next one.
    if (ids.length > limit && lastShown !== undefined) {
      return { data: ids.slice(0, limit), next_cursor: cursorAfter(lastShown) };
    }
    if (looked_at < stretch.rows || last === undefined) return { data: ids, next_cursor: null };
    lookedAt += looked_at;
    position = last;
    // The embedded database works in this thread: without it nothing else would be answered while a search goes on.
    await othersTurn();
    if (lookedAt >= mostRows || performance.now() - startedAt > mostMs || hasLeft()) {
      return { data: ids, next_cursor: cursorAfter(last), searched_until: timeOf(last) };
    }
  }
}
