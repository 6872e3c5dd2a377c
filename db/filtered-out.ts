import { type SQL, sql } from 'drizzle-orm';
import type { NewEvent } from './accept-events.ts';
import { uuidOf } from './ids.ts';
import type { Placed } from './placed-events.ts';
import { unnest } from './unnest.ts';

/** As PostgreSQL writes lists of ids: of those events that filters kept from a webhook. */
export function textsOfFilteredOut(placed: readonly Placed[]): ReadonlyMap<NewEvent, string> {
  const some = placed.filter(({ filteredOut }) => filteredOut.length > 0);
  return new Map(some.map(({ event, filteredOut }) => [event, `{${filteredOut.map(uuidOf)}}`]));
}

/** One that is released is stored already: whose filters keep it back is added then. */
function marked(newEvents: readonly NewEvent[], filteredOut: ReadonlyMap<NewEvent, string>): NewEvent[] {
  return filteredOut.size === 0
    ? []
    : newEvents.filter((event) => event.release !== undefined && filteredOut.has(event));
}

/** The step of the statement that stores events which does so. */
export function marking(newEvents: readonly NewEvent[], filteredOut: ReadonlyMap<NewEvent, string>): SQL {
  const events = marked(newEvents, filteredOut);
  if (events.length === 0) return sql``;
  return sql`, marked as (
      update events e set filtered_out = marked_out::uuid[]
      from ${unnest(events, {
        marked_id: ['uuid', ({ id }) => uuidOf(id)],
        marked_out: ['text', (event) => filteredOut.get(event) ?? null],
      })} where e.id = marked_id and e.id in (select id from released)
    )`;
}

/** With that step the statement has another text. */
export function nameOf(
  name: string,
  newEvents: readonly NewEvent[],
  filteredOut: ReadonlyMap<NewEvent, string>,
): string {
  return marked(newEvents, filteredOut).length === 0 ? name : `${name}_filtered`;
}
