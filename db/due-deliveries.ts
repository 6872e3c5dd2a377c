import { type SQL, sql } from 'drizzle-orm';
import type { EndpointLimits } from '../webhook/endpoint-limits.ts';
import type { OnFailure, Ordering } from '../webhook/ordering.ts';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { headStartAgeMs } from './head-starts.ts';
import { type AccountId, type DeliveryId, type EventId, idOf, uuidOf, type WebhookId } from './ids.ts';
import type { DeliveryStatus, EndpointState } from './schema.ts';
import { anyOf } from './unnest.ts';

/** A delivery with all that an attempt of it needs. Secrets are still sealed. */
export interface LoadedDelivery {
  id: DeliveryId;
  account_id: AccountId;
  workflow_id: string;
  status: DeliveryStatus;
  attempt_count: number;
  scheduled_attempts: number;
  next_attempt_at: Date | null;
  /** From this moment on no attempt is made; null where that never comes. */
  expires_at: Date | null;
  /** Why its last attempt failed, or what it waits for, in words. */
  reason: string | null;
  /** The process that stored it makes its first attempt, or did when it died; null when none does. */
  head_start: HeadStart | null;
  /** Where its webhook's events are in order: in which lane it is. */
  lane: string | null;
  /** It waits for its endpoint's limits; when it has a head start as well, that process has taken it up. */
  is_waiting: boolean;
  /** Whether its webhook's filter is still to be asked. */
  is_filter_open: boolean;
  event: {
    id: EventId;
    client_id: string | null;
    type: string;
    channel: string | null;
    /** JSON text. */
    data: string;
    is_test: boolean;
    traceparent?: string | null;
    created_at: Date;
  };
  webhook: LoadedWebhook;
}

/** What tells whether a process still makes a first attempt. Both are by the database's clock. */
export interface HeadStart {
  /** When the process has last said so, in ms since 1970. */
  at_ms: number;
  /** How long ago that was, in ms; never below 0. */
  age_ms: number;
}

/** A webhook as an attempt needs it. Secrets are still sealed. */
export interface LoadedWebhook extends EndpointLimits {
  id: WebhookId;
  /** It was deleted in the moment in which the event was accepted: no attempt is to be made. */
  is_deleted: boolean;
  endpoint_state: EndpointState;
  /** Null where its deliveries are pulled: then there is no attempt to be made. */
  url: string | null;
  /** In which order it gets its events, and what becomes of that when a delivery fails for good. */
  ordering: Ordering | null;
  on_failure: OnFailure;
  profile: string;
  /** An override of the profile's schedule, as stored. */
  retry_schedule: unknown;
  timeout_ms: number | null;
  /** JSONata; null where it has none. */
  filter: string | null;
  transformation: string | null;
  headers_sealed: string | null;
  auth_sealed: string | null;
  tls_sealed: string | null;
  /** Secrets that sign now, newest first. */
  secrets_sealed: string[];
}

/** The pending deliveries that a workflow owns, oldest first, due or not; none that waits in its lane. */
export const loadPendingDeliveries = query(
  (db: Database, workflowId: string): Promise<LoadedDelivery[]> =>
    loadDeliveries(
      db,
      sql`d.workflow_id = ${workflowId} and d.status = 'pending' and d.lane_state is distinct from 'behind'`,
      'load_pending_deliveries',
    ),
);

/** Those of the deliveries that are stored, whatever their status. */
export const loadDeliveriesById = query(
  (db: Database, ids: readonly DeliveryId[]): Promise<LoadedDelivery[]> =>
    loadDeliveries(db, sql`d.id = ${anyOf(ids.map(uuidOf), 'uuid')}`, 'load_deliveries_by_id'),
);

/** One delivery, whatever its status. */
export const loadDelivery = query(
  async (db: Database, id: DeliveryId): Promise<LoadedDelivery | undefined> =>
    (await loadDeliveries(db, sql`d.id = ${uuidOf(id)}`, 'load_delivery'))[0],
);

/** When the last attempt of each delivery began, by the clock of the process that made it; of those of which one is recorded. */
export const findLastAttemptsAt = query(
  async (db: Database, ids: readonly DeliveryId[]): Promise<Map<DeliveryId, Date>> => {
    if (ids.length === 0) return new Map();
    const rows = await selectRows<{ delivery_id: string; at_ms: number }>(
      db,
      sql`select delivery_id, (extract(epoch from max(started_at)) * 1000)::float8 as at_ms from attempts
          where delivery_id = ${anyOf(ids.map(uuidOf), 'uuid')} group by delivery_id`,
      { name: 'find_last_attempts' },
    );
    return new Map(rows.map(({ delivery_id, at_ms }) => [idOf('dlv', delivery_id), new Date(at_ms)]));
  },
);

async function loadDeliveries(db: Database, condition: SQL, name: string): Promise<LoadedDelivery[]> {
  const rows = await selectRows<DeliveryRow>(
    db,
    sql`select d.id, d.account_id, d.workflow_id, d.status, d.attempt_count, d.scheduled_attempts, d.reason,
          (extract(epoch from d.next_attempt_at) * 1000)::float8 as next_attempt_ms,
          (extract(epoch from d.expires_at) * 1000)::float8 as expires_ms,
          (extract(epoch from d.head_start_at) * 1000)::float8 as head_start_ms,
          ${headStartAgeMs(sql`d.head_start_at`)}::float8 as head_start_age_ms,
          d.waiting_since is not null as is_waiting, d.is_filter_open,
          e.id as event_id, e.client_id, e.type, e.channel, e.data, e.is_test, e.traceparent,
          (extract(epoch from e.created_at) * 1000)::float8 as created_ms,
          d.lane, w.id as webhook_id, w.rate_limit, w.max_in_flight, w.endpoint_state, w.ordering, w.on_failure, w.url, w.profile, w.retry_schedule, w.timeout_ms, w.headers_sealed, w.auth_sealed, w.tls_sealed,
          w.filter, w.transformation,
          w.deleted_at is not null as is_webhook_deleted,
          array(
            select s.sealed from webhook_secrets s
            where s.webhook_id = w.id and (s.expires_at is null or s.expires_at > now())
            order by s.expires_at is not null, s.id desc
          ) as secrets_sealed
        from deliveries d
        join events e on e.id = d.event_id
        join webhooks w on w.id = d.webhook_id
        where ${condition}
        order by d.id`,
    { name },
  );
  return rows.map(toLoadedDelivery);
}

/** The columns of its webhook stand beside its own. */
interface DeliveryRow extends Omit<LoadedWebhook, 'id' | 'is_deleted'> {
  id: string;
  account_id: string;
  workflow_id: string;
  status: DeliveryStatus;
  attempt_count: number;
  scheduled_attempts: number;
  reason: string | null;
  next_attempt_ms: number | null;
  expires_ms: number | null;
  head_start_ms: number | null;
  head_start_age_ms: number | null;
  lane: string | null;
  is_waiting: boolean;
  is_filter_open: boolean;
  event_id: string;
  client_id: string | null;
  type: string;
  channel: string | null;
  data: string;
  is_test: boolean;
  traceparent: string | null;
  created_ms: number;
  webhook_id: string;
  is_webhook_deleted: boolean;
}

function toLoadedDelivery(row: DeliveryRow): LoadedDelivery {
  return {
    id: idOf('dlv', row.id),
    account_id: idOf('acct', row.account_id),
    workflow_id: row.workflow_id,
    status: row.status,
    attempt_count: row.attempt_count,
    scheduled_attempts: row.scheduled_attempts,
    reason: row.reason,
    next_attempt_at: row.next_attempt_ms === null ? null : new Date(row.next_attempt_ms),
    expires_at: row.expires_ms === null ? null : new Date(row.expires_ms),
    head_start:
      row.head_start_ms === null ? null : { at_ms: row.head_start_ms, age_ms: row.head_start_age_ms ?? 0 },
    lane: row.lane,
    is_waiting: row.is_waiting,
    is_filter_open: row.is_filter_open,
    event: {
      id: idOf('evt', row.event_id),
      client_id: row.client_id,
      type: row.type,
      channel: row.channel,
      data: row.data,
      is_test: row.is_test,
      traceparent: row.traceparent,
      created_at: new Date(row.created_ms),
    },
    webhook: {
      id: idOf('wh', row.webhook_id),
      is_deleted: row.is_webhook_deleted,
      rate_limit: row.rate_limit,
      max_in_flight: row.max_in_flight,
      endpoint_state: row.endpoint_state,
      ordering: row.ordering,
      on_failure: row.on_failure,
      url: row.url,
      profile: row.profile,
      retry_schedule: row.retry_schedule,
      timeout_ms: row.timeout_ms,
      filter: row.filter,
      transformation: row.transformation,
      headers_sealed: row.headers_sealed,
      auth_sealed: row.auth_sealed,
      tls_sealed: row.tls_sealed,
      secrets_sealed: row.secrets_sealed,
    },
  };
}

/** Puts off the next attempt of a pending delivery: it waits for its turn at its endpoint. */
export const postponeAttempt = query(async (db: Database, id: DeliveryId, delayMs: number): Promise<void> => {
  await db.execute(
    sql`update deliveries set next_attempt_at = now() + ${delayMs} * interval '1 ms'
        where id = ${uuidOf(id)} and status = 'pending'`,
  );
});
