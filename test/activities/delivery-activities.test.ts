import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createDeliveryActivities } from '../../activities/delivery-activities.ts';
import { createSettler } from '../../activities/settle-deliveries.ts';
import { acceptEvents } from '../../db/accept-events.ts';
import { createAccount } from '../../db/accounts.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { findDelivery } from '../../db/deliveries.ts';
import { createSealer, generateEncryptionKey } from '../../db/encryption.ts';
import { type AccountId, newId, timeOf } from '../../db/ids.ts';
import { webhooks } from '../../db/schema.ts';
import { createWebhook, deleteWebhook } from '../../db/webhooks.ts';
import type { Attempter } from '../../delivery/attempter.ts';
import { noTls } from '../../webhook/tls-settings.ts';
import { noLimits } from '../delivery/no-limits.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
let account_id: AccountId;
const sealer = createSealer(generateEncryptionKey());

beforeAll(async () => {
  database = await openTestDatabase();
  account_id = (await createAccount(database.db, 'Mine')).id;
});
afterAll(() => database.close());

const attempter: Attempter = {
  attempt: async () => {
    throw new Error('an attempt was made');
  },
  attemptManually: async () => {
    throw new Error('an attempt was made');
  },
  probe: async () => {
    throw new Error('an attempt was made');
  },
  idle: async () => {},
};

/** What is left when an event's transaction has read a webhook just before the one that deletes it commits. */
async function deliveryOfDeletedWebhook() {
  const { db } = database;
  const webhook = await createWebhook(
    db,
    sealer,
    {
      ...{ account_id, profile: 'inbox', secret: 'whsec_s', url: 'https://receiver.test/', description: '' },
      ...{ events: ['*'], channels: null, retry_schedule: null, timeout_ms: null },
      ...{ headers: {}, auth: { type: 'none' as const } },
      ...{ health: null, recovery_rate: 20, rate_limit: null, max_in_flight: null, lapses_after_s: null },
      ...noTls,
      ...{ ordering: null, on_failure: 'skip' },
      ...{ filter: null, transformation: null },
    },
    { kind: 'postrider' },
  );
  await deleteWebhook(db, account_id, webhook.id, { actor: { kind: 'postrider' }, now: new Date() });
  // Undeleted for the event's eyes alone.
  const [row] = await db.select({ deleted_at: webhooks.deleted_at }).from(webhooks);
  await db.update(webhooks).set({ deleted_at: null });
  const id = newId('evt');
  const [acceptance] = await acceptEvents(
    db,
    [
      {
        ...{ id, account_id, client_id: null, type: 'a', channel: null, data: '{}', is_test: false },
        ...{ created_at: timeOf(id), only_webhook: webhook.id, idempotency_keys: [], request_hash: '' },
        about_webhook: null,
      },
    ],
    () => true,
    (event) => `deliver/${event.id}`,
  );
  await db.update(webhooks).set({ deleted_at: row?.deleted_at ?? new Date() });
  const delivery = acceptance?.outcome === 'accepted' ? acceptance.deliveries[0] : undefined;
  if (delivery === undefined) throw new Error('there is no delivery');
  return delivery;
}

describe('a delivery whose webhook was deleted while the event was accepted', () => {
  const activities = () =>
    createDeliveryActivities({
      db: database.db,
      attempter,
      settler: createSettler({
        db: database.db,
        puttingOff: noLimits.puttingOff,
        lookAtWaiting: noLimits.lookAtWaiting,
        headStarts: { take: () => undefined, find: () => undefined, reserve: () => null },
      }),
    });
  const cancelled = {
    status: 'cancelled',
    reason: 'the webhook was deleted',
    next_attempt_at: null,
    attempt_count: 0,
    ended_at: expect.any(Date),
  };

  test('is cancelled by its workflow’s first activity, without an attempt', async () => {
    const delivery = await deliveryOfDeletedWebhook();
    const workflow = { workflowId: delivery.workflow_id, runId: 'run' };
    const environment = new MockActivityEnvironment({ workflowExecution: workflow });
    const result = await environment.run(activities().attemptPending);
    expect(result).toEqual({ settled: { cancelled: 1 }, waiting: [] });
    expect(await findDelivery(database.db, account_id, delivery.id)).toMatchObject(cancelled);
  });

  test('is cancelled when it was waiting for its next attempt', async () => {
    const delivery = await deliveryOfDeletedWebhook();
    const workflow = { workflowId: delivery.workflow_id, runId: 'run' };
    const environment = new MockActivityEnvironment({ workflowExecution: workflow });
    expect(await environment.run(activities().attemptUntilSettled, [delivery.id])).toEqual({ cancelled: 1 });
    expect(await findDelivery(database.db, account_id, delivery.id)).toMatchObject(cancelled);
  });

  test('is cancelled instead of attempted by hand', async () => {
    const delivery = await deliveryOfDeletedWebhook();
    const result = await new MockActivityEnvironment().run(
      activities().attemptManually,
      delivery.id,
      newId('att'),
    );
    expect(result).toEqual({ status: 'cancelled', owner: delivery.workflow_id });
    expect(await findDelivery(database.db, account_id, delivery.id)).toMatchObject(cancelled);
  });
});
