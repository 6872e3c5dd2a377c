import { MockActivityEnvironment } from '@temporalio/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createHealthActivities } from '../../activities/health-activities.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { newId } from '../../db/ids.ts';
import { accounts, deliveries, events, webhooks } from '../../db/schema.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** A disabled endpoint for which one delivery waits. */
async function disabledWebhook() {
  const [account_id, event_id, webhook_id] = [newId('acct'), newId('evt'), newId('wh')];
  const created_at = new Date();
  await database.db.insert(accounts).values({ id: account_id, name: 'test' });
  await database.db.insert(webhooks).values({
    ...{ id: webhook_id, account_id, url: 'https://receiver.test/', events: ['*'], profile: 'inbox' },
    endpoint_state: 'probing',
  });
  await database.db
    .insert(events)
    .values({ id: event_id, account_id, type: 'message.read', data: '{}', is_test: false, created_at });
  await database.db.insert(deliveries).values({
    ...{ id: newId('dlv'), account_id, event_id, webhook_id, workflow_id: `deliver/${event_id}`, created_at },
    status: 'held',
  });
  return webhook_id;
}

test.each([
  ['the endpoint', false, { outcome: 'failed', reason: 'why', gone: false, at: expect.any(String) }],
  ['a fault of ours', true, { outcome: 'nothing waits', because: 'why' }],
])('a probe that failed by %s', async (_, is_own_fault, result) => {
  const unforeseen = () => Promise.reject(new Error('unforeseen'));
  const { probeEndpoint } = createHealthActivities({
    db: database.db,
    attempter: {
      probe: async () => ({
        ...{ status: 'held', number: 1, reason: 'why', due_at: null },
        ...{ is_final: false, is_gone: false, is_own_fault },
      }),
    },
    ...{ intake: { accept: unforeseen }, lanes: { advanceEnded: unforeseen }, scheduleScale: 1 },
    recovery: { startRecovery: unforeseen, tellChanged: unforeseen },
  });
  const webhook = await disabledWebhook();
  expect(await new MockActivityEnvironment().run(probeEndpoint, webhook)).toEqual(result);
});
