import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSweepActivities } from '../../activities/sweep-activities.ts';
import { createAccount } from '../../db/accounts.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { type AccountId, newId } from '../../db/ids.ts';
import { webhooks } from '../../db/schema.ts';
import type { WatchedWebhook } from '../../temporal/webhook-workflow.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
let account_id: AccountId;

beforeAll(async () => {
  database = await openTestDatabase();
  account_id = (await createAccount(database.db, 'Mine')).id;
});
afterAll(() => database.close());

async function newWebhook(columns: Partial<typeof webhooks.$inferInsert>) {
  const id = newId('wh');
  await database.db.insert(webhooks).values({
    ...{ id, account_id, url: 'https://receiver.test/', events: ['*'], profile: 'inbox' },
    ...columns,
  });
  return { id, account_id };
}

it('a sweep starts health workflows that were lost, and tells them what they may not have heard', async () => {
  const longAgo = new Date(Date.now() - 86_400_000);
  await newWebhook({ updated_at: longAgo });
  const disabled = await newWebhook({ updated_at: longAgo, endpoint_state: 'disabled' });
  const failing = await newWebhook({ updated_at: longAgo, endpoint_state: 'failing' });
  await newWebhook({ updated_at: longAgo, endpoint_state: 'disabled', deleted_at: longAgo });
  const changed = await newWebhook({});
  const deleted = await newWebhook({});
  await database.db
    .update(webhooks)
    .set({ deleted_at: new Date(), updated_at: new Date() })
    .where(eq(webhooks.id, deleted.id));

  const calls: [string, WatchedWebhook][] = [];
  const noted = (name: string) => async (webhook: WatchedWebhook) => {
    calls.push([name, webhook]);
  };
  const { startHealthWorkflows } = createSweepActivities({
    db: database.db,
    starter: {
      startDeliverEvents: async () => 'running',
      startAnnounceInbox: async () => 'running',
      tellToLookAgain: async () => {},
    },
    healthStarter: {
      startHealth: async (webhook) => {
        calls.push(['startHealth', webhook]);
        return 'started';
      },
      tellOutcomes: noted('tellOutcomes'),
      tellChanged: noted('tellChanged'),
      tellDeleted: noted('tellDeleted'),
    },
    recoveryStarter: { ensureRecovery: async () => 'running' },
    failures: { tellOverdue: async () => {} },
    lanes: { advanceEnded: async () => {} },
    groupWindowMs: 0,
  });
  await startHealthWorkflows();
  expect(new Set(calls)).toEqual(
    new Set([
      ['startHealth', disabled],
      ['startHealth', failing],
      ['tellChanged', changed],
      ['tellDeleted', deleted],
    ]),
  );
  expect(calls).toHaveLength(4);
});
