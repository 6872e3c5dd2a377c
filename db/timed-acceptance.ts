import { type SQL, sql } from 'drizzle-orm';
import type { NewEvent } from './accept-events.ts';
import { uuidOf } from './ids.ts';
import { unnest } from './unnest.ts';

type Input<Row> = Parameters<typeof unnest<Row>>[1];

/** What the statement that stores events (accept-events.ts) says of those that have a time. */
export interface TimedParts {
  /** Of the statement: with these parts it has another text. */
  name: string;
  /** Those of the events that are not stored yet. */
  toStore: readonly NewEvent[];
  columns: SQL;
  values: SQL;
  input: Input<NewEvent>;
  returned: SQL;
  /** Further steps after the events are stored. */
  further: SQL;
  /** What has the events that go out, or wait, from now on. */
  accepted: SQL;
  deliveryColumns: SQL;
  deliveryValues: SQL;
  deliveryInput: Input<{ event: NewEvent }>;
}

/** When an event is owed to its webhooks: as it comes, or once it is released. */
export function owedFrom({ created_at, release }: NewEvent): Date {
  return release?.at ?? created_at;
}

/** Who gets it is decided when it is released. */
export function isForLater({ deliver_at, release }: NewEvent): boolean {
  return deliver_at !== undefined && release === undefined;
}

const nothing = sql``;

/** Nothing but names: events without a time cost nothing more. */
const untimed: Omit<TimedParts, 'toStore'> = {
  name: 'accept_events',
  ...{ columns: nothing, values: nothing, input: {}, returned: nothing, further: nothing },
  accepted: sql`stored`,
  ...{ deliveryColumns: nothing, deliveryValues: nothing, deliveryInput: {} },
};

export function timedParts(newEvents: readonly NewEvent[]): TimedParts {
  const toStore = newEvents.filter(({ release }) => release === undefined);
  const isTimed =
    toStore.length < newEvents.length ||
    toStore.some(({ deliver_at, expires_at }) => deliver_at !== undefined || expires_at !== undefined);
  if (!isTimed) return { ...untimed, toStore };
  return {
    name: 'accept_timed_events',
    toStore,
    columns: sql`, deliver_at, expires_at`,
    values: sql`, deliver_at::timestamptz, expires_at::timestamptz`,
    input: {
      deliver_at: ['text', ({ deliver_at }) => deliver_at?.toISOString() ?? null],
      expires_at: ['text', ({ expires_at }) => expires_at?.toISOString() ?? null],
    },
    returned: sql`, deliver_at`,
    further: sql`, scheduled as (
        insert into scheduled_events (event_id, account_id, due_at)
        select id, account_id, deliver_at from stored where deliver_at is not null
      ), ${releaseSteps(newEvents.filter(({ release }) => release !== undefined))}, accepted as (
        select id, account_id, client_id from stored union all select id, account_id, client_id from released
      )`,
    accepted: sql`accepted`,
    deliveryColumns: sql`, expires_at`,
    deliveryValues: sql`, expires_at::timestamptz`,
    deliveryInput: { expires_at: ['text', ({ event }) => event.expires_at?.toISOString() ?? null] },
  };
}

/**
 * What is released stops to wait with the very statement that makes its deliveries. One that somebody writes at this moment is left
 * to them. A producer's id is kept from now on as long as that of an event that has just come.
 */
function releaseSteps(releases: readonly NewEvent[]): SQL {
  return sql`due as materialized (
        select s.event_id, due_client_id from ${unnest(releases, {
          due_id: ['uuid', ({ id }) => uuidOf(id)],
          due_client_id: ['text', ({ client_id }) => client_id],
          due_version: ['int', ({ release }) => release?.version ?? null],
        })} join scheduled_events s on s.event_id = due_id
        where s.version = due_version and not exists (select from outdated)
        order by s.event_id for update of s skip locked
      ), released as (
        delete from scheduled_events s using due where s.event_id = due.event_id
        returning s.event_id as id, s.account_id, due.due_client_id as client_id
      ), kept as (
        update idempotency_keys k set created_at = now() from released r
        where r.client_id is not null and k.account_id = r.account_id and k.key = 'id:' || r.client_id
          and k.created_at < now() - interval '1 hour'
      )`;
}
