import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { endpointDisabledReason } from './held-deliveries.ts';
import { type AccountId, type DeliveryId, type EventId, idOf, newId, uuidOf, type WebhookId } from './ids.ts';
import type { EndpointState } from './schema.ts';
import { unnest } from './unnest.ts';

/** An event as it is stored: checked, named and timed, but not yet written. */
export interface NewEvent {
  id: EventId;
  account_id: AccountId;
  client_id: string | null;
  type: string;
  channel: string | null;
  /** JSON text. */
  data: string;
  is_test: boolean;
  /** The moment in its id. */
  created_at: Date;
  /** For a test event: the one webhook it goes to, subscribed or not. */
  only_webhook: WebhookId | null;
  /** For an operational event: the endpoint it is about, which never gets it. */
  about_webhook: WebhookId | null;
  /** The keys under which a repeat is recognised (`key:…`, `id:…`); may be empty. */
  idempotency_keys: string[];
  /** Tells a repeat from another request under the same key. */
  request_hash: string;
}

export type Acceptance =
  | { outcome: 'accepted'; event_id: EventId; deliveries: NewDelivery[] }
  /** Accepted before, under the same key and with the same content: `event_id` is that event. */
  | { outcome: 'repeated'; event_id: EventId }
  /** The key was used for another request. */
  | { outcome: 'conflict'; key: string };

export interface NewDelivery {
  id: DeliveryId;
  webhook_id: WebhookId;
  workflow_id: string;
  /** `held` when the endpoint is disabled: no workflow is needed for it before it recovers. */
  status: 'pending' | 'held';
}

/** What decides whether a webhook gets an event. */
export interface Subscription {
  id: WebhookId;
  events: string[];
  channels: string[] | null;
  profile: string;
  endpoint_state: EndpointState;
}

/**
 * Stores events and a pending delivery (or, where the endpoint is disabled, a held one) for each subscribed webhook, in one transaction, and answers for each event in the
 * given order. `workflowIdOf` names the workflow that will own an event's deliveries. An event with more than one key
 * comes alone: refused for one of them it gives up the other, on which its neighbours may have been judged.
 */
export const acceptEvents = query(
  async (
    db: Database,
    newEvents: readonly NewEvent[],
    subscribes: (subscription: Subscription, event: NewEvent) => boolean,
    workflowIdOf: (event: NewEvent) => string,
  ): Promise<Acceptance[]> =>
    db.transaction(async (tx) => {
      const refusals = await claimIdempotencyKeys(tx, newEvents);
      const fresh = newEvents.filter((event) => !refusals.has(event));
      if (fresh.length === 0) return newEvents.map((event) => refusals.get(event) as Acceptance);

      const subscriptions = await loadSubscriptions(tx, [...new Set(fresh.map((event) => event.account_id))]);
      const owed = new Map(
        fresh.map((event) => [
          event,
          (subscriptions.get(event.account_id) ?? [])
            .filter((webhook) =>
              event.only_webhook === null ? subscribes(webhook, event) : webhook.id === event.only_webhook,
            )
            .map(
              (webhook): NewDelivery => ({
                id: newId('dlv'),
                webhook_id: webhook.id,
                workflow_id: workflowIdOf(event),
                status: isHeld(webhook, event) ? 'held' : 'pending',
              }),
            ),
        ]),
      );
      await insertEvents(tx, fresh);
      await insertDeliveries(
        tx,
        fresh.flatMap((event) => (owed.get(event) ?? []).map((delivery) => ({ event, delivery }))),
      );
      return newEvents.map(
        (event) =>
          refusals.get(event) ?? {
            outcome: 'accepted',
            event_id: event.id,
            deliveries: owed.get(event) ?? [],
          },
      );
    }),
);

/** Claims every key of every event; answers the events that are not new. Those leave no claim behind that is not true. */
async function claimIdempotencyKeys(tx: Database, newEvents: readonly NewEvent[]) {
  const refusals = new Map<NewEvent, Acceptance>();
  const claims = newEvents
    .flatMap((event) => event.idempotency_keys.map((key) => ({ event, key })))
    // Always in the same order, so that two transactions never wait for each other's keys crosswise.
    .sort((a, b) => compareText(`${a.event.account_id} ${a.key}`, `${b.event.account_id} ${b.key}`));
  if (claims.length === 0) return refusals;

  const claimed = await selectRows<{ account_id: string; key: string; event_id: string }>(
    tx,
    sql`insert into idempotency_keys (account_id, key, event_id, request_hash)
        select account_id, key, event_id, request_hash from ${unnest(claims, {
          account_id: ['uuid', ({ event }) => uuidOf(event.account_id)],
          key: ['text', ({ key }) => key],
          event_id: ['uuid', ({ event }) => uuidOf(event.id)],
          request_hash: ['text', ({ event }) => event.request_hash],
        })}
        on conflict do nothing
        returning account_id, key, event_id`,
  );
  const isClaimed = new Set(claimed.map((row) => `${row.account_id} ${row.key} ${row.event_id}`));
  const taken = claims.filter(
    ({ event, key }) => !isClaimed.has(`${uuidOf(event.account_id)} ${key} ${uuidOf(event.id)}`),
  );
  if (taken.length === 0) return refusals;

  const holders = await selectRows<{
    account_id: string;
    key: string;
    event_id: string;
    request_hash: string;
  }>(
    tx,
    sql`select account_id, key, event_id, request_hash from idempotency_keys
        join ${unnest(taken, {
          wanted_account: ['uuid', ({ event }) => uuidOf(event.account_id)],
          wanted_key: ['text', ({ key }) => key],
        })} on account_id = wanted_account and key = wanted_key`,
  );
  const holderOf = new Map(holders.map((row) => [`${row.account_id} ${row.key}`, row]));
  for (const { event, key } of taken) {
    const holder = holderOf.get(`${uuidOf(event.account_id)} ${key}`);
    const isRepeat = holder?.request_hash === event.request_hash;
    if (holder === undefined || !isRepeat) refusals.set(event, { outcome: 'conflict', key });
    else if (refusals.get(event)?.outcome !== 'conflict') {
      refusals.set(event, { outcome: 'repeated', event_id: idOf('evt', holder.event_id) });
    }
  }
  await withdrawClaims(tx, refusals);
  return refusals;
}

/** An event with two keys may have claimed one of them before the other turned out to be taken. */
async function withdrawClaims(tx: Database, refusals: ReadonlyMap<NewEvent, Acceptance>) {
  for (const [event, refusal] of refusals) {
    if (event.idempotency_keys.length < 2) continue;
    const claimed = sql`account_id = ${uuidOf(event.account_id)} and event_id = ${uuidOf(event.id)}`;
    if (refusal.outcome === 'repeated') {
      await tx.execute(
        sql`update idempotency_keys set event_id = ${uuidOf(refusal.event_id)} where ${claimed}`,
      );
    } else {
      await tx.execute(sql`delete from idempotency_keys where ${claimed}`);
    }
  }
}

async function loadSubscriptions(tx: Database, accountIds: readonly AccountId[]) {
  const rows = await selectRows<{
    account_id: string;
    id: string;
    events: string[];
    channels: string[] | null;
    profile: string;
    endpoint_state: EndpointState;
  }>(
    tx,
    sql`select account_id, id, events, channels, profile, endpoint_state from webhooks
        join ${unnest(accountIds, { wanted_account: ['uuid', uuidOf] })} on account_id = wanted_account
        where deleted_at is null order by id`,
  );
  const byAccount = new Map<AccountId, Subscription[]>();
  for (const row of rows) {
    const accountId = idOf('acct', row.account_id);
    const subscriptions = byAccount.get(accountId) ?? [];
    subscriptions.push({
      id: idOf('wh', row.id),
      events: row.events,
      channels: row.channels,
      profile: row.profile,
      endpoint_state: row.endpoint_state,
    });
    byAccount.set(accountId, subscriptions);
  }
  return byAccount;
}

async function insertEvents(tx: Database, newEvents: readonly NewEvent[]) {
  await tx.execute(
    sql`insert into events (id, account_id, client_id, type, channel, data, is_test, about_webhook_id, created_at)
        select id, account_id, client_id, type, channel, data, is_test, about_webhook_id, created_at::timestamptz
        from ${unnest(newEvents, {
          id: ['uuid', (event) => uuidOf(event.id)],
          account_id: ['uuid', (event) => uuidOf(event.account_id)],
          client_id: ['text', (event) => event.client_id],
          type: ['text', (event) => event.type],
          channel: ['text', (event) => event.channel],
          data: ['text', (event) => event.data],
          is_test: ['boolean', (event) => event.is_test],
          about_webhook_id: [
            'uuid',
            (event) => (event.about_webhook === null ? null : uuidOf(event.about_webhook)),
          ],
          created_at: ['text', (event) => event.created_at.toISOString()],
        })}`,
  );
}

async function insertDeliveries(tx: Database, rows: readonly { event: NewEvent; delivery: NewDelivery }[]) {
  if (rows.length === 0) return;
  await tx.execute(
    sql`insert into deliveries
          (id, account_id, event_id, webhook_id, workflow_id, status, reason, next_attempt_at, created_at)
        select id, account_id, event_id, webhook_id, workflow_id, status,
          case when status = 'held' then ${endpointDisabledReason}::text end,
          case when status = 'pending' then created_at::timestamptz end, created_at::timestamptz
        from ${unnest(rows, {
          id: ['uuid', ({ delivery }) => uuidOf(delivery.id)],
          account_id: ['uuid', ({ event }) => uuidOf(event.account_id)],
          event_id: ['uuid', ({ event }) => uuidOf(event.id)],
          webhook_id: ['uuid', ({ delivery }) => uuidOf(delivery.webhook_id)],
          workflow_id: ['text', ({ delivery }) => delivery.workflow_id],
          status: ['text', ({ delivery }) => delivery.status],
          created_at: ['text', ({ event }) => event.created_at.toISOString()],
        })}`,
  );
}

/** A test event goes out whatever the endpoint's state: that is how one tests whether it is well again. */
function isHeld({ endpoint_state }: Subscription, event: NewEvent): boolean {
  return !event.is_test && (endpoint_state === 'disabled' || endpoint_state === 'probing');
}

function compareText(a: string, b: string): number {
  if (a === b) return 0;
  return a < b ? -1 : 1;
}
