import { and, or, type SQL, sql } from 'drizzle-orm';
import { firstUuidAt } from './ids.ts';
import { events } from './schema.ts';
import type { SearchLimits } from './search-page.ts';

/** What of an event decides whether it, or a delivery of it, is listed. */
export interface EventFilter {
  type?: string | undefined;
  channel?: string | undefined;
  /** Text in its data, in any case. */
  q?: string | undefined;
}

/** When something was made: from `since` on, and before `until`. */
export interface TimeFilter {
  since?: Date | undefined;
  until?: Date | undefined;
}

/** Without text to look for a row costs some µs; with it, as long as its data takes to be read, of up to 256 KiB. */
export function searchLimits({ q }: EventFilter): SearchLimits {
  return q === undefined
    ? { mostRows: 50_000, mostRowsAtOnce: 10_000, mostMs: 600 }
    : { mostRows: 20_000, mostRowsAtOnce: 500, mostMs: 600 };
}

/** Whether an event is looked for; undefined when every one is. */
export function eventCondition({ type, channel, q }: EventFilter): SQL | undefined {
  return and(
    type === undefined ? undefined : sql`${events.type} = ${type}`,
    channel === undefined ? undefined : sql`${events.channel} = ${channel}`,
    q === undefined ? undefined : textCondition(q),
  );
}

/** Of the text as it stands in the JSON, and as it is within a string there. */
function textCondition(q: string): SQL | undefined {
  const forms = new Set([q, JSON.stringify(q).slice(1, -1)]);
  return or(
    ...[...forms].map((form) => sql`${events.data} ilike ${`%${form.replaceAll(/[\\%_]/g, '\\$&')}%`}`),
  );
}

/** Ids hold the time at which they were made, a little after that of what they name: bounds for the index. */
const mostIdLagMs = 10_000;

/** Bounds over the ids of what was made in that time; `created_at` has the last word. */
export function idBounds(id: SQL, { since, until }: TimeFilter): SQL | undefined {
  const lateIds = until && new Date(until.getTime() + mostIdLagMs);
  return and(
    since === undefined ? undefined : sql`${id} >= ${firstUuidAt(since)}::uuid`,
    lateIds === undefined ? undefined : sql`${id} < ${firstUuidAt(lateIds)}::uuid`,
  );
}

export function timeCondition(createdAt: SQL, { since, until }: TimeFilter): SQL | undefined {
  return and(
    since === undefined ? undefined : sql`${createdAt} >= ${since.toISOString()}::timestamptz`,
    until === undefined ? undefined : sql`${createdAt} < ${until.toISOString()}::timestamptz`,
  );
}
