import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSweepActivities } from '../../activities/sweep-activities.ts';
import { createAccount } from '../../db/accounts.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { type AccountId, newId } from '../../db/ids.ts';
import { attempts, webhooks } from '../../db/schema.ts';
import type { WatchedWebhook } from '../../temporal/webhook-workflow.ts';
import { TemporalUnavailable } from '../../temporal/workflow-starter.ts';
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

function sweepThatTells(healthStarter: Parameters<typeof createSweepActivities>[0]['healthStarter']) {
  return createSweepActivities({
    db: database.db,
    starter: {
      startDeliverEvents: async () => 'running',
      startAnnounceInbox: async () => 'running',
      tellToLookAgain: async () => {},
    },
    healthStarter,
    recoveryStarter: { ensureRecovery: async () => 'running' },
    failures: { tellOverdue: async () => {} },
    lanes: { advanceEnded: async () => {} },
    groupWindowMs: 0,
  });
}

it('a sweep starts health workflows that were lost, and tells them what they may not have heard', async () => {
  const longAgo = new Date(Date.now() - 86_400_000);
  await newWebhook({ updated_at: longAgo });
  const disabled = await newWebhook({ updated_at: longAgo, endpoint_state: 'disabled' });
  const failing = await newWebhook({ updated_at: longAgo, endpoint_state: 'failing' });
  await newWebhook({ updated_at: longAgo, endpoint_state: 'disabled', deleted_at: longAgo });
  await newWebhook({});
  const changed = await newWebhook({ updated_at: new Date(Date.now() - 60_000) });
  const deleted = await newWebhook({});
  await database.db
    .update(webhooks)
    .set({ deleted_at: new Date(), updated_at: new Date() })
    .where(eq(webhooks.id, deleted.id));

  const calls: [string, WatchedWebhook][] = [];
  const noted = (name: string) => async (webhook: WatchedWebhook) => {
    calls.push([name, webhook]);
  };
  const { startHealthWorkflows } = sweepThatTells({
    startHealth: async (webhook) => {
      calls.push(['startHealth', webhook]);
      return 'started';
    },
    tellOutcomes: noted('tellOutcomes'),
    tellChanged: noted('tellChanged'),
    tellDeleted: noted('tellDeleted'),
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

it('a sweep tells of a change again for some minutes only, and of all within half an hour where it may have failed', async () => {
  const ago = (minutes: number) => new Date(Date.now() - minutes * 60_000);
  const earlier = await newWebhook({ updated_at: ago(20) });
  const latest = await newWebhook({ updated_at: ago(1) });
  let isAway = true;
  let told: WatchedWebhook[] = [];
  const unforeseen = async () => {
    throw new Error('unforeseen');
  };
  const { startHealthWorkflows } = sweepThatTells({
    startHealth: async () => 'running',
    tellOutcomes: unforeseen,
    tellDeleted: async () => {},
    async tellChanged(webhook) {
      if (isAway) throw new TemporalUnavailable('away');
      told.push(webhook);
    },
  });
  await expect(startHealthWorkflows()).rejects.toThrow(TemporalUnavailable);
  isAway = false;
  const ids = () => told.map(({ id }) => id);
  await startHealthWorkflows();
  expect(ids()).toEqual(expect.arrayContaining([earlier.id, latest.id]));
  told = [];
  await startHealthWorkflows();
  expect(ids()).toContain(latest.id);
  expect(ids()).not.toContain(earlier.id);
});

it('a sweep tells a health workflow that is far behind the first it has not counted, and the last, by which it knows of the others', async () => {
  const count = 80;
  const { id } = await newWebhook({ outcomes: count });
  const numbers = Array.from({ length: count }, (_, index) => index + 1);
  await database.db.insert(attempts).values(
    numbers.map((outcome_number) => ({
      ...{ id: newId('att'), account_id, webhook_id: id, delivery_id: newId('dlv'), outcome_number },
      ...{ number: 1, trigger: 'schedule' as const, started_at: new Date(Date.now() - 60_000) },
      ...{ duration_ms: 1, url: 'https://receiver.test/', request_headers: {}, succeeded: false },
    })),
  );
  const told: number[][] = [];
  const unforeseen = async () => {
    throw new Error('unforeseen');
  };
  await sweepThatTells({
    startHealth: unforeseen,
    tellChanged: unforeseen,
    tellDeleted: unforeseen,
    async tellOutcomes(_, outcomes) {
      told.push(outcomes.map(({ number = 0 }) => number));
    },
  }).startOverdueWorkflows();
  expect(told).toEqual([[...numbers.slice(0, 50), count]]);
});
