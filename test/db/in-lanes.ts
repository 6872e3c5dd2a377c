import { acceptEvents, type NewEvent } from '../../db/accept-events.ts';
import type { Database } from '../../db/database.ts';
import { type AccountId, type DeliveryId, newId, type WebhookId } from '../../db/ids.ts';
import { accounts, webhooks } from '../../db/schema.ts';
import type { Ordering } from '../../webhook/ordering.ts';

export interface Owner {
  account_id: AccountId;
  webhook_id: WebhookId;
}

/** An account with a webhook that has a lane for each `lane` of the events' data. */
export async function newOwner(db: Database): Promise<Owner> {
  const account_id = newId('acct');
  await db.insert(accounts).values({ id: account_id, name: 'test' });
  return { account_id, webhook_id: await addWebhook(db, account_id, { fifo_by: '/data/lane' }) };
}

export async function addWebhook(
  db: Database,
  account_id: AccountId,
  ordering: Ordering | null,
): Promise<WebhookId> {
  const id = newId('wh');
  await db.insert(webhooks).values({
    ...{ id, account_id, url: 'https://receiver.test/', events: ['*'], profile: 'inbox' },
    ordering,
  });
  return id;
}

/** Stores events, one for each named lane, in one transaction; answers their deliveries in that order. */
export async function acceptInLanes(
  db: Database,
  { account_id }: Pick<Owner, 'account_id'>,
  laneNames: readonly string[],
  { timeoutMs, keys = 0 }: { timeoutMs?: number; keys?: number } = {},
): Promise<DeliveryId[]> {
  const events = laneNames.map((lane): NewEvent => {
    const id = newId('evt');
    return {
      ...{ id, account_id, client_id: null, type: 'message.read', channel: null },
      ...{ data: JSON.stringify({ lane }), is_test: false, created_at: new Date(), only_webhook: null },
      ...{ about_webhook: null, request_hash: '' },
      idempotency_keys: Array.from({ length: keys }, (_, n) => `${id} ${n}`),
    };
  });
  const acceptances = await acceptEvents(
    db,
    events,
    () => true,
    ({ id }) => `deliver/${id}`,
    { laneWorkflowIdOf: (id) => `deliver/${id}`, ...(timeoutMs === undefined ? {} : { timeoutMs }) },
  );
  return acceptances.flatMap((one) => (one.outcome === 'accepted' ? one.deliveries.map(({ id }) => id) : []));
}
