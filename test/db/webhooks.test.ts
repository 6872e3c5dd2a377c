import { and, eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccount } from '../../db/accounts.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { cancelDelivery, findDelivery } from '../../db/deliveries.ts';
import { createSealer, generateEncryptionKey, SecretUnreadable } from '../../db/encryption.ts';
import { type AccountId, newId, type WebhookId } from '../../db/ids.ts';
import { auditLog, type DeliveryStatus, deliveries, deliveryStatuses, webhooks } from '../../db/schema.ts';
import { searchDeliveries } from '../../db/search-deliveries.ts';
import { findCurrentSecret } from '../../db/webhook-secrets.ts';
import {
  createWebhook,
  deleteWebhook,
  findWebhook,
  updateWebhook,
  type WebhookSettings,
} from '../../db/webhooks.ts';
import { pem } from '../certificates/read.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
let account_id: AccountId;
let otherAccount: AccountId;
const sealer = createSealer(generateEncryptionKey());
const now = new Date('2025-01-15T10:25:03.004Z');
const actor = { kind: 'postrider' } as const;
const change = { actor, now };

const settings: WebhookSettings = {
  url: 'https://receiver.test/',
  description: 'd',
  events: ['*'],
  channels: null,
  filter: 'data.amount > 1',
  transformation: '$body',
  retry_schedule: { delaysMs: [0, 1000], jitter: 0 },
  timeout_ms: 5000,
  headers: { 'X-A': 'secret-a' },
  auth: { type: 'bearer', token: 'secret-b' },
  client_certificate: { certificate: pem('client'), private_key: 'secret-c' },
  server_ca: 'authority',
  health: { failures: 7 },
  recovery_rate: 30,
  rate_limit: 0.5,
  max_in_flight: 3,
  lapses_after_s: null,
  ordering: { fifo_by: '/data/a' },
  on_failure: 'block',
};

beforeAll(async () => {
  database = await openTestDatabase();
  account_id = (await createAccount(database.db, 'Mine')).id;
  otherAccount = (await createAccount(database.db, 'Other')).id;
});
afterAll(() => database.close());

const create = () =>
  createWebhook(database.db, sealer, { ...settings, account_id, profile: 'inbox', secret: 'whsec_s' }, actor);

async function newDelivery(
  webhook_id: WebhookId,
  status: DeliveryStatus,
  columns: Partial<typeof deliveries.$inferInsert> = {},
) {
  const id = newId('dlv');
  const ended_at = status === 'pending' || status === 'held' ? null : now;
  await database.db.insert(deliveries).values({
    ...{ id, account_id, webhook_id, status, ended_at, event_id: newId('evt') },
    ...{ workflow_id: `deliver/${id}`, reason: null, next_attempt_at: now, created_at: now },
    ...columns,
  });
  return id;
}

describe('webhooks', () => {
  test('come back as they were stored, for their own account', async () => {
    const webhook = await create();
    expect(webhook).toMatchObject({ ...settings, profile: 'inbox', endpoint_state: 'healthy' });
    expect(await findWebhook(database.db, sealer, account_id, webhook.id)).toEqual(webhook);
    expect(await findCurrentSecret(database.db, sealer, account_id, webhook.id)).toBe('whsec_s');
    expect(await findWebhook(database.db, sealer, otherAccount, webhook.id)).toBeUndefined();
    expect(await findCurrentSecret(database.db, sealer, otherAccount, webhook.id)).toBeUndefined();
  });

  test('are sealed: with another key they do not open, nor under another webhook’s id', async () => {
    const webhook = await create();
    const stranger = createSealer(generateEncryptionKey());
    await expect(findWebhook(database.db, stranger, account_id, webhook.id)).rejects.toThrow(
      SecretUnreadable,
    );
    const [row] = await database.db.select().from(webhooks).where(eq(webhooks.id, webhook.id));
    expect(JSON.stringify(row)).not.toMatch(/secret-/);
    const other = await create();
    await database.db
      .update(webhooks)
      .set({ headers_sealed: row?.headers_sealed ?? null })
      .where(eq(webhooks.id, other.id));
    await expect(findWebhook(database.db, sealer, account_id, other.id)).rejects.toThrow(SecretUnreadable);
  });

  test('stay as they are when the change throws', async () => {
    const webhook = await create();
    const failing = updateWebhook(
      database.db,
      sealer,
      account_id,
      webhook.id,
      () => {
        throw new TypeError('no');
      },
      change,
    );
    await expect(failing).rejects.toThrow(TypeError);
    expect(await findWebhook(database.db, sealer, account_id, webhook.id)).toEqual(webhook);
  });

  test('cannot be changed or deleted by another account', async () => {
    const webhook = await create();
    const takeOver = () => ({ ...settings, url: 'https://taken.test/' });
    expect(
      await updateWebhook(database.db, sealer, otherAccount, webhook.id, takeOver, change),
    ).toBeUndefined();
    expect(await deleteWebhook(database.db, otherAccount, webhook.id, change)).toBeUndefined();
    expect(await findWebhook(database.db, sealer, account_id, webhook.id)).toEqual(webhook);
  });
});

describe('deleteWebhook', () => {
  test('cancels exactly what still waits for it', async () => {
    const [webhook, other] = [await create(), await create()];
    const ids = new Map<DeliveryStatus, Awaited<ReturnType<typeof newDelivery>>>();
    for (const status of deliveryStatuses) ids.set(status, await newDelivery(webhook.id, status));
    const behind = { lane: 'a', place: 2, lane_state: 'behind', next_attempt_at: null } as const;
    const inLane = await newDelivery(webhook.id, 'pending', behind);
    const elsewhere = await newDelivery(other.id, 'pending');

    const deleted = await deleteWebhook(database.db, account_id, webhook.id, change);
    // No workflow waits for what is held, queued or behind in a lane.
    expect(deleted?.cancelled.map(({ id }) => id)).toEqual([ids.get('pending')]);
    const [entry] = await database.db
      .select({ details: auditLog.details })
      .from(auditLog)
      .where(and(eq(auditLog.subject_id, webhook.id), eq(auditLog.action, 'webhook.deleted')));
    expect(entry?.details).toEqual({ cancelled_deliveries: 4 });
    expect(await findDelivery(database.db, account_id, inLane)).toMatchObject({
      ...{ status: 'cancelled', reason: 'the webhook was deleted', ended_at: now },
    });
    for (const [before, id] of ids) {
      const isWaiting = ['pending', 'held', 'queued'].includes(before);
      expect(await findDelivery(database.db, account_id, id)).toMatchObject(
        isWaiting
          ? { status: 'cancelled', reason: 'the webhook was deleted', next_attempt_at: null, ended_at: now }
          : { status: before, reason: null },
      );
    }
    expect(await findDelivery(database.db, account_id, elsewhere)).toMatchObject({ status: 'pending' });
    expect(await deleteWebhook(database.db, account_id, webhook.id, change)).toBeUndefined();
  });
});

describe('deliveries', () => {
  test('are cancelled once, however many ask at the same time', async () => {
    const id = await newDelivery((await create()).id, 'pending');
    const results = await Promise.all(
      Array.from({ length: 5 }, () => cancelDelivery(database.db, account_id, id, change)),
    );
    expect(results.filter((result) => result?.is_changed)).toHaveLength(1);
    expect(results.every((result) => result?.delivery.status === 'cancelled')).toBe(true);
    expect(await cancelDelivery(database.db, otherAccount, id, change)).toBeUndefined();
  });

  test('are still listed when their event is no longer kept', async () => {
    const webhook = await create();
    const id = await newDelivery(webhook.id, 'succeeded');
    const page = await searchDeliveries(database.db, account_id, { webhook_id: webhook.id }, { limit: 5 });
    expect(page.data).toMatchObject([{ id, event_type: null, event_id: expect.stringMatching(/^evt_/) }]);
  });
});
