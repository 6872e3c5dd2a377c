import { and, type SQL, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import { type EventSummary, findEventsById, isScheduled } from './events.ts';
import { type AccountId, uuidOf } from './ids.ts';
import type { PageRequest } from './paging.ts';
import { readStretch } from './read-stretch.ts';
import { type EventStatus, events } from './schema.ts';
import {
  type EventFilter,
  eventCondition,
  idBounds,
  searchLimits,
  type TimeFilter,
  timeCondition,
} from './search-conditions.ts';
import { type SearchedPage, type Stretch, searchPage } from './search-page.ts';

export interface EventSearch extends EventFilter, TimeFilter {
  status?: EventStatus | undefined;
}

/** An account's events, newest first; every given filter holds. Searched no further than `searchLimits` says, nor once whoever asked has left. */
export const searchEvents = query(
  async (
    db: Database,
    accountId: AccountId,
    filter: EventSearch,
    page: PageRequest<'evt'>,
    hasLeft?: () => boolean,
  ): Promise<SearchedPage<EventSummary>> => {
    const found = await searchPage(page, { ...searchLimits(filter), hasLeft }, (stretch) =>
      readStretch(db, 'evt', eventStretchStatement(accountId, filter, stretch)),
    );
    return { ...found, data: await findEventsById(db, accountId, found.data) };
  },
);

/** As of deliveries: the stretch from the index, then what fits. Exported for the test that looks at its plan. */
export function eventStretchStatement(
  accountId: AccountId,
  filter: EventSearch,
  { before, rows, wanted }: Stretch<'evt'>,
): SQL {
  const { status } = filter;
  const condition = and(
    timeCondition(sql`${events.created_at}`, filter),
    eventCondition(filter),
    statusCondition(status),
  );
  // Those that wait have a list of their own, whose index has them in the same order.
  const { from, id, account } = status === 'scheduled' ? scheduledList : wholeList;
  const ofAccount = and(
    sql`${account} = ${uuidOf(accountId)}`,
    before === undefined ? undefined : sql`${id} < ${uuidOf(before)}::uuid`,
    idBounds(id, filter),
  );
  const data = filter.q === undefined ? sql`` : sql`, ${events.data}`;
  const times = status === undefined ? sql`` : sql`, ${events.deliver_at}, ${events.cancelled_at}`;
  return sql`with events as materialized (
      select ${events.id}, ${events.type}, ${events.channel}, ${events.created_at}${times}${data} from ${from}
      where ${ofAccount} order by ${id} desc limit ${rows}
    ), found as (
      select ${events.id} from events where ${condition ?? sql`true`} order by ${events.id} desc limit ${wanted}
    )
    select (select count(*)::int from events) as looked_at,
      (select id::text from events order by id limit 1) as last,
      array(select id::text from found order by id desc) as found`;
}

const wholeList = { from: sql`${events}`, id: sql`${events.id}`, account: sql`${events.account_id}` };
const scheduledList = {
  from: sql`scheduled_events s join ${events} on ${events.id} = s.event_id`,
  id: sql`s.event_id`,
  account: sql`s.account_id`,
};

function statusCondition(status: EventStatus | undefined): SQL | undefined {
  if (status === 'cancelled') return sql`${events.cancelled_at} is not null`;
  // The list has no others.
  if (status === undefined || status === 'scheduled') return undefined;
  return sql`${events.cancelled_at} is null and not ${isScheduled}`;
}
