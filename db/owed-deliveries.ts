import { type SQL, sql } from 'drizzle-orm';
import type { NewDelivery, NewEvent } from './accept-events.ts';
import { endpointDisabledReason } from './held-deliveries.ts';
import { idleAtMost } from './idle-at-most.ts';
import { type DeliveryId, uuidOf } from './ids.ts';
import { behindReason, placesATurn } from './lanes.ts';
import { owedFrom, type TimedParts } from './timed-acceptance.ts';
import { unnest } from './unnest.ts';

/** A delivery with the event that owes it. */
export interface Owed {
  event: NewEvent;
  delivery: NewDelivery;
}

const columns = {
  id: ['uuid', ({ delivery }: Owed) => uuidOf(delivery.id)],
  account_id: ['uuid', ({ event }: Owed) => uuidOf(event.account_id)],
  event_id: ['uuid', ({ event }: Owed) => uuidOf(event.id)],
  webhook_id: ['uuid', ({ delivery }: Owed) => uuidOf(delivery.webhook_id)],
  workflow_id: ['text', ({ delivery }: Owed) => delivery.workflow_id],
  status: ['text', ({ delivery }: Owed) => delivery.status],
  has_head_start: ['boolean', ({ delivery }: Owed) => delivery.has_head_start],
  is_filter_open: ['boolean', ({ delivery }: Owed) => delivery.is_filter_open],
  created_at: ['text', ({ event }: Owed) => owedFrom(event).toISOString()],
} satisfies Parameters<typeof unnest<Owed>>[1];

/** Looked up in a hash table: without `coalesce` it is a join, which compares each with each (`planSettings`). */
function isAccepted({ accepted }: TimedParts): SQL {
  return sql`coalesce(event_id in (select id from ${accepted}), false)`;
}

/** The part of the statement that stores events which writes what these owe, where nothing of it is in a lane. */
export function insertedInNoOrder(owed: readonly Owed[], timed: TimedParts): SQL {
  return sql`owed as (
      insert into deliveries
        (id, account_id, event_id, webhook_id, workflow_id, status, reason, next_attempt_at, head_start_at,
          is_filter_open, created_at${timed.deliveryColumns})
      select id, account_id, event_id, webhook_id, workflow_id, status,
        case when status = 'held' then ${endpointDisabledReason}::text end,
        case when status = 'pending' then created_at::timestamptz end, case when has_head_start then now() end,
        is_filter_open, created_at::timestamptz${timed.deliveryValues}
      from ${unnest(owed, { ...columns, ...timed.deliveryInput })}
      where ${isAccepted(timed)}
    )`;
}

/**
 * The same where some are in lanes. Each transaction takes its turn in a lane: the lane's row is locked until it commits, so that what was
 * acknowledged earlier has an earlier place, whichever process took it in. The rows are locked in one order, so that nobody
 * waits crosswise. In a lane without a row nothing waits: then the first is its head, and all others wait for it. `owed` tells
 * which those are. Deliveries and turns are sorted together, the turn first in its lane: a join of the two would compare
 * each with each. Where its transaction has more statements, others wait no longer than a few seconds for one that hangs.
 */
export function insertedInLanes(
  owed: readonly Owed[],
  timed: TimedParts,
  laneWorkflowIdOf: (delivery: DeliveryId) => string | null,
): SQL {
  const input: Parameters<typeof unnest<Owed>>[1] = {
    ...columns,
    ...timed.deliveryInput,
    position: ['int', (_, position) => position],
    lane: ['text', ({ delivery }) => delivery.lane],
    lane_workflow_id: ['text', ({ delivery }) => laneWorkflowIdOf(delivery.id)],
  };
  const names = Object.keys(input).map((name) => sql.identifier(name));
  return sql`owing as (
      select * from ${unnest(owed, input)} where ${isAccepted(timed)}
    ), turns as (
      insert into lanes as l (webhook_id, lane, head, last_turn)
      select webhook_id, lane, (array_agg(id order by position))[1], (extract(epoch from clock_timestamp()) * 1000)::bigint
      from owing where lane is not null group by webhook_id, lane order by webhook_id, lane
      on conflict (webhook_id, lane) do update set last_turn = greatest(l.last_turn + 1, excluded.last_turn)
      returning webhook_id, lane, head, last_turn, ${idleAtMost} as idle_at_most
    ), sorted as (
      select ${sql.join(names, sql`, `)}, null::uuid as head, null::bigint as last_turn from owing
      union all select ${sql.join(Object.entries(input).map(ofTurn), sql`, `)}, head, last_turn from turns
    ), ranked as (
      select *, lane is not null and first_value(head) over turn is distinct from id as is_behind,
        first_value(last_turn) over turn * ${placesATurn}::bigint + row_number() over turn - 1 as place
      from sorted window turn as (partition by webhook_id, lane order by position)
    ), owed as (
      insert into deliveries (id, account_id, event_id, webhook_id, workflow_id, status, reason, next_attempt_at,
        head_start_at, is_filter_open, created_at, lane, place, lane_state${timed.deliveryColumns})
      select id, account_id, event_id, webhook_id,
        case when is_behind and status = 'pending' then coalesce(lane_workflow_id, workflow_id) else workflow_id end, status,
        case when status = 'held' then ${endpointDisabledReason}::text when is_behind then ${behindReason}::text end,
        case when status = 'pending' and is_behind is not true then created_at::timestamptz end,
        case when has_head_start and is_behind is not true then now() end,
        is_filter_open, created_at::timestamptz, lane, case when lane is not null then place end,
        case when is_behind then 'behind' when lane is not null then 'head' end${timed.deliveryValues}
      from ranked where id is not null
      returning id, lane_state
    )`;
}

/** What a turn has for a column of the deliveries. */
function ofTurn([name, [type]]: [string, Parameters<typeof unnest<Owed>>[1][string]]): SQL {
  if (name === 'webhook_id' || name === 'lane') return sql`${sql.identifier(name)}`;
  return name === 'position' ? sql`-1` : sql`null::${sql.raw(type)}`;
}
