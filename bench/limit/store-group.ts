import { sql } from 'drizzle-orm';
import type { Database } from '../../db/database.ts';
import {
  type AccountId,
  type DeliveryId,
  type EventId,
  newId,
  uuidOf,
  type WebhookId,
} from '../../db/ids.ts';
import { unnest } from '../../db/unnest.ts';
import { generateSecret } from '../../webhook/secrets.ts';

export interface Endpoint {
  readonly id: WebhookId;
  readonly url: string;
  /** That signs what goes there. */
  readonly secret: string;
}

export interface MadeEvent {
  readonly id: EventId;
  readonly accountId: AccountId;
  readonly type: string;
  /** JSON text. */
  readonly data: string;
  readonly createdAt: Date;
}

/** Stores a webhook for each URL. */
export async function insertEndpoints(
  db: Database,
  accountId: AccountId,
  urls: readonly string[],
): Promise<Endpoint[]> {
  const endpoints = urls.map((url) => ({ id: newId('wh'), url, secret: generateSecret() }));
  await db.execute(
    sql`insert into webhooks (id, account_id, url, events, profile)
        select id, ${uuidOf(accountId)}::uuid, url, '{*}', 'inbox' from ${unnest(endpoints, {
          id: ['uuid', ({ id }) => uuidOf(id)],
          url: ['text', ({ url }) => url],
        })}`,
  );
  return endpoints;
}

export interface StoredDelivery {
  readonly event: MadeEvent;
  readonly endpoint: Endpoint;
  readonly deliveryId: DeliveryId;
}

/**
 * Stores the events with a delivery to each endpoint, in one transaction of two statements, and nothing besides: less than
 * the intake does, which has subscriptions, repeats and endpoints' states to look at.
 */
export async function storeGroup(
  db: Database,
  events: readonly MadeEvent[],
  endpoints: readonly Endpoint[],
): Promise<StoredDelivery[]> {
  const deliveries = events.flatMap((event) =>
    endpoints.map((endpoint) => ({ event, endpoint, deliveryId: newId('dlv') })),
  );
  await db.transaction(async (tx) => {
    await tx.execute(
      sql`insert into events (id, account_id, type, data, created_at)
          select id, account_id, type, data, created_at::timestamptz from ${unnest(events, {
            id: ['uuid', ({ id }) => uuidOf(id)],
            account_id: ['uuid', ({ accountId }) => uuidOf(accountId)],
            type: ['text', ({ type }) => type],
            data: ['text', ({ data }) => data],
            created_at: ['text', ({ createdAt }) => createdAt.toISOString()],
          })}`,
    );
    await tx.execute(
      sql`insert into deliveries (id, account_id, event_id, webhook_id, workflow_id, status, next_attempt_at, created_at)
          select id, account_id, event_id, webhook_id, 'limit', 'pending', created_at::timestamptz, created_at::timestamptz
          from ${unnest(deliveries, {
            id: ['uuid', ({ deliveryId }) => uuidOf(deliveryId)],
            account_id: ['uuid', ({ event }) => uuidOf(event.accountId)],
            event_id: ['uuid', ({ event }) => uuidOf(event.id)],
            webhook_id: ['uuid', ({ endpoint }) => uuidOf(endpoint.id)],
            created_at: ['text', ({ event }) => event.createdAt.toISOString()],
          })}`,
    );
  });
  return deliveries;
}
