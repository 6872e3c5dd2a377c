import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSweepActivities } from '../../activities/sweep-activities.ts';
import { createAccount } from '../../db/accounts.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { type AccountId, newId } from '../../db/ids.ts';
import { deliveries, webhooks } from '../../db/schema.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
let account_id: AccountId;
beforeAll(async () => {
  database = await openTestDatabase();
  account_id = (await createAccount(database.db, 'Mine')).id;
});
afterAll(() => database.close());

const aMinuteAgo = new Date(Date.now() - 60_000);

/** A delivery whose next attempt is overdue; answers its workflow’s id. */
async function overdue(
  webhook: Partial<typeof webhooks.$inferInsert>,
  delivery: Partial<typeof deliveries.$inferInsert>,
) {
  const webhook_id = newId('wh');
  await database.db.insert(webhooks).values({
    ...{ id: webhook_id, account_id, url: 'https://receiver.test/', events: ['*'], profile: 'inbox' },
    ...webhook,
  });
  const id = newId('dlv');
  await database.db.insert(deliveries).values({
    ...{ id, account_id, webhook_id, event_id: newId('evt'), workflow_id: `deliver/${id}` },
    ...{ status: 'pending', created_at: aMinuteAgo, next_attempt_at: aMinuteAgo, attempt_count: 1 },
    ...delivery,
  });
  return `deliver/${id}`;
}

it('a sweep starts the workflows of what is overdue and not under way, and has one look that sleeps while an attempt is due which failed after it had waited', async () => {
  const asleep = await overdue({ rate_limit: 1 }, {});
  const started = [
    asleep,
    await overdue({ max_in_flight: 1 }, { waiting_since: aMinuteAgo }),
    await overdue({ max_in_flight: 1 }, { head_start_at: aMinuteAgo }),
    await overdue({ rate_limit: 1 }, { attempt_count: 0 }),
    await overdue({}, {}),
    // Its attempt has ended just now, it may be.
    await overdue({ rate_limit: 1 }, { next_attempt_at: new Date(Date.now() - 5_000) }),
  ];
  // An attempt is under way, says the process that makes it.
  await overdue({}, { head_start_at: new Date() });
  const inLane = { lane: 'a', place: 2, lane_state: 'behind', next_attempt_at: null } as const;
  const behind = await overdue({ endpoint_state: 'disabled' }, inLane);
  const behindElsewhere = await overdue({}, inLane);
  const calls: [string, string][] = [];
  const unforeseen = async () => {
    throw new Error('nothing of this is overdue');
  };
  const { startOverdueWorkflows } = createSweepActivities({
    db: database.db,
    starter: {
      async startDeliverEvents({ workflow_id }) {
        calls.push(['start', workflow_id]);
        return 'running';
      },
      async tellToLookAgain(workflowId, deliveryIds) {
        calls.push(
          ['look', workflowId],
          ...deliveryIds.map((id): [string, string] => ['after', `deliver/${id}`]),
        );
      },
      startAnnounceInbox: unforeseen,
    },
    healthStarter: {
      ...{ startHealth: unforeseen, tellOutcomes: unforeseen },
      ...{ tellChanged: unforeseen, tellDeleted: unforeseen },
    },
    recoveryStarter: { ensureRecovery: unforeseen },
    failures: { tellOverdue: async () => {} },
    lanes: { advanceEnded: async () => {} },
    groupWindowMs: 0,
  });
  await startOverdueWorkflows();
  expect(new Set(calls)).toEqual(
    new Set([...started.map((id): [string, string] => ['start', id]), ['look', asleep], ['after', asleep]]),
  );
  const rows = await database.db
    .select({ workflow_id: deliveries.workflow_id, status: deliveries.status })
    .from(deliveries)
    .where(eq(deliveries.lane, 'a'));
  expect(new Map(rows.map((row) => [row.workflow_id, row.status]))).toEqual(
    new Map([
      [behind, 'held'],
      [behindElsewhere, 'pending'],
    ]),
  );
});
