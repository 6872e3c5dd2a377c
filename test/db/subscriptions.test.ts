import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Acceptance, acceptEvents, type NewEvent } from '../../db/accept-events.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { type AccountId, newId, type WebhookId } from '../../db/ids.ts';
import { accounts, webhookSecrets, webhooks } from '../../db/schema.ts';
import { createSubscriptionMemory, type Subscription } from '../../db/subscriptions.ts';
import { openTestDatabase } from '../setup/database.ts';
import { waitFor } from '../setup/wait-for.ts';

let database: OpenDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

async function newAccount(): Promise<AccountId> {
  const id = newId('acct');
  await database.db.insert(accounts).values({ id, name: 'test' });
  return id;
}

async function newWebhook(account_id: AccountId): Promise<WebhookId> {
  const id = newId('wh');
  const webhook = { id, account_id, url: 'https://receiver.test/', events: ['*'], profile: 'inbox' };
  await database.db.insert(webhooks).values(webhook);
  return id;
}

async function newSecret(webhook_id: WebhookId, sealed: string, expires_at: Date | null = null) {
  const id = newId('whs');
  await database.db.insert(webhookSecrets).values({ id, webhook_id, sealed, expires_at });
  return id;
}

async function rememberingAccount() {
  const account = await newAccount();
  const webhook = await newWebhook(account);
  const memory = createSubscriptionMemory();
  const accept = async (keys: string[] = []): Promise<Subscription[]> => {
    const event: NewEvent = {
      ...{ id: newId('evt'), account_id: account, client_id: null, type: 'message.read', channel: null },
      ...{ data: '{}', is_test: false, created_at: new Date(), only_webhook: null, about_webhook: null },
      ...{ idempotency_keys: keys, request_hash: 'one' },
    };
    const [acceptance] = await acceptEvents(
      database.db,
      [event],
      () => true,
      ({ id }) => `deliver/${id}`,
      { memory },
    );
    const { deliveries } = acceptance as Extract<Acceptance, { outcome: 'accepted' }>;
    return deliveries.map((delivery) => delivery.webhook);
  };
  await accept();
  return { account, webhook, accept };
}

const version = async (account: AccountId) =>
  (await database.db.select().from(accounts).where(eq(accounts.id, account)))[0]?.webhooks_version;

describe('webhooks that are remembered', () => {
  it.each([
    { url: 'https://elsewhere.test/' },
    { events: ['message.read'] },
    { channels: ['whatsapp-1'] },
    { profile: 'standard' },
    { retry_schedule: { delays_ms: [1_000] } },
    { timeout_ms: 1_234 },
    { rate_limit: 5 },
    { max_in_flight: 2 },
    { ordering: 'fifo' as const },
    { ordering: { fifo_by: '/data/a' } },
    { on_failure: 'block' as const },
    { filter: 'data.amount > 1' },
    { transformation: '$body' },
    { headers_sealed: 'sealed headers' },
    { auth_sealed: 'sealed auth' },
    { tls_sealed: 'sealed settings' },
    { endpoint_state: 'disabled' as const },
    { endpoint_state: 'probing' as const },
  ])('are loaded afresh once one was changed: %o', async (change) => {
    const { webhook, accept } = await rememberingAccount();
    await database.db.update(webhooks).set(change).where(eq(webhooks.id, webhook));
    expect(await accept()).toMatchObject([{ id: webhook, ...change }]);
  });

  it('are loaded afresh once one was added or deleted', async () => {
    const { account, webhook, accept } = await rememberingAccount();
    const added = await newWebhook(account);
    expect((await accept()).map(({ id }) => id)).toEqual([webhook, added]);
    await database.db.update(webhooks).set({ deleted_at: new Date() }).where(eq(webhooks.id, webhook));
    expect((await accept()).map(({ id }) => id)).toEqual([added]);
  });

  it('are loaded afresh once their secrets were changed, or stop to sign', async () => {
    const { webhook, accept } = await rememberingAccount();
    const older = await newSecret(webhook, 'older');
    expect(await accept()).toMatchObject([{ secrets_sealed: ['older'] }]);
    await newSecret(webhook, 'newer');
    expect(await accept()).toMatchObject([{ secrets_sealed: ['newer', 'older'] }]);
    const soon = new Date(Date.now() + 500);
    await database.db.update(webhookSecrets).set({ expires_at: soon }).where(eq(webhookSecrets.id, older));
    expect(await accept()).toMatchObject([{ secrets_sealed: ['newer', 'older'] }]);
    await waitFor(
      async () => (await accept())[0]?.secrets_sealed.length === 1 || undefined,
      'the older secret to sign no more',
    );
    expect(await accept()).toMatchObject([{ secrets_sealed: ['newer'] }]);
    await database.db.delete(webhookSecrets).where(eq(webhookSecrets.webhook_id, webhook));
    expect(await accept()).toMatchObject([{ secrets_sealed: [] }]);
  });

  it('are loaded afresh for an event with several keys, whose keys are then claimed once', async () => {
    const { webhook, accept } = await rememberingAccount();
    await database.db.update(webhooks).set({ timeout_ms: 1_234 }).where(eq(webhooks.id, webhook));
    expect(await accept(['key:a', 'id:b'])).toMatchObject([{ timeout_ms: 1_234 }]);
  });

  it('stay as they are when something else is written of them', async () => {
    const { account, webhook, accept } = await rememberingAccount();
    const before = await version(account);
    await database.db
      .update(webhooks)
      .set({ outcomes: 7, consecutive_failures: 3, endpoint_state: 'failing', description: 'other' })
      .where(eq(webhooks.id, webhook));
    expect(await accept()).toHaveLength(1);
    expect(await version(account)).toBe(before);
  });
});
