import { and, type SQL, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { type Delivery, findDeliveriesById } from './deliveries.ts';
import { query } from './errors.ts';
import { type AccountId, type EventId, uuidOf, type WebhookId } from './ids.ts';
import type { PageRequest } from './paging.ts';
import { readStretch } from './read-stretch.ts';
import type { DeliveryStatus } from './schema.ts';
import { deliveries, events } from './schema.ts';
import {
  type EventFilter,
  eventCondition,
  idBounds,
  searchLimits,
  type TimeFilter,
  timeCondition,
} from './search-conditions.ts';
import { type SearchedPage, type Stretch, searchPage } from './search-page.ts';

/** `failing`: pending, and attempted in vain. */
export type SoughtStatus = DeliveryStatus | 'failing';

export interface DeliveryFilter extends EventFilter, TimeFilter {
  /** Any of these. */
  statuses?: readonly SoughtStatus[] | undefined;
  webhook_id?: WebhookId | undefined;
  event_id?: EventId | undefined;
}

/** An account's deliveries, newest first; every given filter holds. Searched no further than `searchLimits` says, nor once whoever asked has left. */
export const searchDeliveries = query(
  async (
    db: Database,
    accountId: AccountId,
    filter: DeliveryFilter,
    page: PageRequest<'dlv'>,
    hasLeft?: () => boolean,
  ): Promise<SearchedPage<Delivery>> => {
    const found = await searchPage(page, { ...searchLimits(filter), hasLeft }, (stretch) =>
      readStretch(db, 'dlv', stretchStatement(accountId, filter, stretch)),
    );
    return { ...found, data: await findDeliveriesById(db, accountId, found.data) };
  },
);

/** One by one, by its key: joined in any other way it could mean to read all events there are. */
const joinedEvent = sql`cross join lateral
  (select * from ${events} where ${events.id} = ${deliveries.event_id} limit 1) as events`;

/**
 * The statement takes the stretch from an index, in its order, without looking at anything that the index does not tell; then
 * what fits is looked for in these rows alone. Exported for the test that looks at its plan.
 */
export function stretchStatement(
  accountId: AccountId,
  filter: DeliveryFilter,
  { before, rows, wanted }: Stretch<'dlv'>,
): SQL {
  const bounds = and(
    before === undefined ? undefined : sql`${deliveries.id} < ${uuidOf(before)}::uuid`,
    idBounds(sql`${deliveries.id}`, filter),
  );
  const lists = listsOf(accountId, filter).map(
    ({
      rows: condition,
    }) => sql`(select ${deliveries.id}, ${deliveries.account_id}, ${deliveries.webhook_id}, ${deliveries.event_id},
      ${deliveries.status}, ${deliveries.attempt_count}, ${deliveries.created_at} from ${deliveries} where ${and(condition, bounds)}
      order by ${deliveries.id} desc limit ${rows})`,
  );
  const ofEvent = eventCondition(filter);
  const { statuses, webhook_id } = filter;
  const condition = and(
    sql`${deliveries.account_id} = ${uuidOf(accountId)}`,
    webhook_id === undefined ? undefined : sql`${deliveries.webhook_id} = ${uuidOf(webhook_id)}`,
    statuses === undefined ? undefined : sql`(${sql.join(statuses.map(isOfStatus), sql` or `)})`,
    timeCondition(sql`${deliveries.created_at}`, filter),
    ofEvent,
  );
  return sql`with deliveries as materialized (
      select * from (${sql.join(lists, sql` union all `)}) as lists order by id desc limit ${rows}
    ), found as (
      select ${deliveries.id} from deliveries
      ${ofEvent === undefined ? sql`` : joinedEvent}
      where ${condition} order by ${deliveries.id} desc limit ${wanted}
    )
    select (select count(*)::int from deliveries) as looked_at,
      (select id::text from deliveries order by id limit 1) as last,
      array(select id::text from found order by id desc) as found`;
}

/**
 * The lists that hold everything that fits, each of which an index has in the order of ids: an event's deliveries, those of a
 * status that is not the usual one, a webhook's, or the account's.
 */
function listsOf(accountId: AccountId, { event_id, webhook_id, statuses }: DeliveryFilter): { rows: SQL }[] {
  const ofAccount = sql`${deliveries.account_id} = ${uuidOf(accountId)}`;
  if (event_id !== undefined) return [{ rows: sql`${deliveries.event_id} = ${uuidOf(event_id)}` }];
  if (statuses !== undefined && !statuses.includes('succeeded')) {
    // Spelled out, since the indexes are of some statuses only.
    return [...new Set(statuses)].map((status) => {
      const isStatus = isOfStatus(status);
      const ofWebhook = webhook_id !== undefined && status !== 'pending' && status !== 'failing';
      return {
        rows: ofWebhook
          ? sql`${deliveries.webhook_id} = ${uuidOf(webhook_id)} and ${isStatus}`
          : sql`${ofAccount} and ${isStatus}`,
      };
    });
  }
  return [
    { rows: webhook_id === undefined ? ofAccount : sql`${deliveries.webhook_id} = ${uuidOf(webhook_id)}` },
  ];
}

function isOfStatus(status: SoughtStatus): SQL {
  if (status === 'failing') return sql`(${isOfStatus('pending')} and ${deliveries.attempt_count} > 0)`;
  return sql`${deliveries.status} = ${sql.raw(`'${status}'`)}`;
}
