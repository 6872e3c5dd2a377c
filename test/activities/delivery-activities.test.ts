import type { ApplicationFailure } from '@temporalio/common';
import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createDeliveryActivities } from '../../activities/delivery-activities.ts';
import { attemptUnderWay } from '../../activities/gather-standings.ts';
import { createSettler, type Settler } from '../../activities/settle-deliveries.ts';
import { type Standing, unsettled } from '../../activities/settlement.ts';
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
      isStopping: () => false,
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

describe('a workflow’s activity', () => {
  /** Deliveries that stand like this, one look after the other. */
  function standing(...looks: Standing[][]) {
    const asked: number[] = [];
    const settle: Settler['settle'] = async (ids) => {
      asked.push(ids.length);
      return looks[asked.length - 1] ?? [];
    };
    const process = { isStopping: false };
    const { attemptUntilSettled } = createDeliveryActivities({
      ...{ db: database.db, attempter, isStopping: () => process.isStopping },
      settler: { settle, settleAll: async () => [] },
    });
    const run = () => new MockActivityEnvironment().run(attemptUntilSettled, [newId('dlv'), newId('dlv')]);
    return { asked, run, process };
  }
  const other = () => ({ id: newId('dlv'), webhook: { id: newId('wh') } });
  const underWay = (inMs: number) => attemptUnderWay(other(), inMs);
  const toRetry = (inMs: number) => unsettled(other(), inMs, 'attempt 1 failed: answered 500');

  test('stays while others make the attempts, and answers when these have ended', async () => {
    const { asked, run } = standing(
      ['succeeded', underWay(20)],
      [underWay(20), toRetry(30_000)],
      ['succeeded', 'failed'],
    );
    expect(await run()).toEqual({ succeeded: 1, failed: 1 });
    expect(asked).toEqual([2, 2, 2]);
  });

  test('leaves it to Temporal to wait for a retry, though attempts are under way', async () => {
    const { asked, run } = standing([toRetry(1_000), underWay(2_000)]);
    const failure = await run().catch((error: unknown) => error);
    expect(failure).toMatchObject({
      type: 'DeliveriesWait',
      message: expect.stringContaining('answered 500'),
    });
    expect(Number((failure as ApplicationFailure).nextRetryDelay)).toBeGreaterThan(900);
    expect(asked).toHaveLength(1);
  });

  test('stays no longer when its process stops', async () => {
    const { asked, run, process } = standing([underWay(5_000)], [underWay(5_000)]);
    const staying = expect(run()).rejects.toMatchObject({ type: 'DeliveriesWait' });
    await vi.waitFor(() => expect(asked).toHaveLength(1));
    process.isStopping = true;
    const before = performance.now();
    await staying;
    expect(performance.now() - before).toBeLessThan(4_000);
    expect(asked).toHaveLength(2);
  });

  test('leaves waiting to Temporal where two hundred stay already', async () => {
    const { run, process } = standing(...Array.from({ length: 500 }, () => [underWay(5_000)]));
    const others = Array.from({ length: 200 }, () => run().catch((error: unknown) => error));
    await expect(run()).rejects.toMatchObject({ type: 'DeliveriesWait' });
    process.isStopping = true;
    await Promise.all(others);
  });

  test('does not stay for a look that is far off, nor in a process that stops', async () => {
    for (const [inMs, isStopping] of [
      [10_000, false],
      [20, true],
    ] as const) {
      const { asked, run, process } = standing([underWay(inMs)]);
      process.isStopping = isStopping;
      await expect(run()).rejects.toMatchObject({ type: 'DeliveriesWait' });
      expect(asked).toHaveLength(1);
    }
  });
});
