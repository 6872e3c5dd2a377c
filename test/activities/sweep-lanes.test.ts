import { and, eq } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createSweepActivities } from '../../activities/sweep-activities.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { type DeliveryId, newId } from '../../db/ids.ts';
import { recordAttempts } from '../../db/record-attempts.ts';
import { deliveries, lanes, webhooks } from '../../db/schema.ts';
import { createLanes } from '../../delivery/lanes.ts';
import { acceptInLanes, newOwner, type Owner } from '../db/in-lanes.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const unforeseen = async () => {
  throw new Error('nothing of this is overdue');
};

/** One round, which is five seconds from the next; answers whose workflows and recoveries it started. */
async function sweepOnce() {
  const started: string[] = [];
  const recovered: string[] = [];
  const starter = {
    async startDeliverEvents({ workflow_id }: { workflow_id: string }) {
      started.push(workflow_id);
      return 'started' as const;
    },
  };
  const inProcess = createLanes({
    ...{ db: database.db, headStarts: { reserve: () => null }, starter, log: pino({ level: 'silent' }) },
  });
  const { startOverdueWorkflows } = createSweepActivities({
    db: database.db,
    starter: { ...starter, tellToLookAgain: unforeseen, startAnnounceInbox: unforeseen },
    healthStarter: {
      ...{ startHealth: unforeseen, tellOutcomes: async () => {} },
      ...{ tellChanged: unforeseen, tellDeleted: unforeseen },
    },
    recoveryStarter: {
      async ensureRecovery({ id }) {
        recovered.push(id);
        return 'started';
      },
    },
    failures: { tellOverdue: async () => {} },
    lanes: inProcess,
    groupWindowMs: 0,
  });
  await startOverdueWorkflows();
  await inProcess.close();
  return { started, recovered };
}

const rowOf = async (id: DeliveryId) =>
  (await database.db.select().from(deliveries).where(eq(deliveries.id, id)))[0]!;

const setWebhook = ({ webhook_id }: Owner, change: Partial<typeof webhooks.$inferInsert>) =>
  database.db.update(webhooks).set(change).where(eq(webhooks.id, webhook_id));

/** A lane of three, the first of which has failed for good so that the others wait for it. */
async function blockedLane() {
  const owner = await newOwner(database.db);
  const [first, second] = await acceptInLanes(database.db, owner, ['a', 'a', 'a']);
  await recordAttempts(database.db, [
    {
      ...{ id: newId('att'), delivery_id: first!, trigger: 'schedule', started_at: new Date(), ...owner },
      ...{ duration_ms: 1, url: 'https://receiver.test/', request_headers: {}, succeeded: false },
      ...{ reason: 'http_status', detail: 'answered 500', response_status: 500, response_headers: {} },
      ...{ response_body: '', response_truncated: false, next_attempt_at: null, blocks: true },
    },
  ]);
  return { owner, first: first!, second: second! };
}

it('a sweep goes on in lanes that were blocked although nobody is going to unblock them', async () => {
  const forgotten = await blockedLane();
  const uncounted = await blockedLane();
  const disabled = await blockedLane();
  await setWebhook(forgotten.owner, { endpoint_state: 'failing', outcomes_counted: 1 });
  await setWebhook(disabled.owner, { endpoint_state: 'disabled', outcomes_counted: 1 });
  const { recovered } = await sweepOnce();
  // Its endpoint's health was counted by who knew nothing of lanes, or it was enabled by them.
  expect(recovered).toEqual([forgotten.owner.webhook_id]);
  expect(await rowOf(forgotten.first)).toMatchObject({ status: 'held', lane_state: 'head' });
  expect(await rowOf(forgotten.second)).toMatchObject({ status: 'pending', lane_state: 'behind' });
  for (const { first } of [uncounted, disabled]) {
    expect(await rowOf(first)).toMatchObject({ status: 'held', lane_state: 'blocked' });
  }
});

it('a sweep goes on in lanes that have lost their row, or whose head nobody is going to attempt', async () => {
  const lost = await newOwner(database.db);
  const inLost = await acceptInLanes(database.db, lost, ['a', 'a', 'b', 'b']);
  await database.db
    .update(deliveries)
    .set({ status: 'cancelled', next_attempt_at: null })
    .where(and(eq(deliveries.webhook_id, lost.webhook_id), eq(deliveries.lane_state, 'head')));
  await database.db.delete(lanes).where(eq(lanes.webhook_id, lost.webhook_id));
  const timeless = await newOwner(database.db);
  const [head] = await acceptInLanes(database.db, timeless, ['a', 'a']);
  await database.db.update(deliveries).set({ next_attempt_at: null }).where(eq(deliveries.id, head!));

  const { started } = await sweepOnce();
  const opened = [inLost[1]!, inLost[3]!, head!];
  const rows = await Promise.all(opened.map(rowOf));
  expect(new Set(started)).toEqual(new Set(rows.map(({ workflow_id }) => workflow_id)));
  for (const row of rows) expect(row).toMatchObject({ status: 'pending', lane_state: 'head' });
  expect(rows.map(({ next_attempt_at }) => next_attempt_at)).not.toContain(null);
});

it('what waits in lanes of a webhook that was deleted as it was stored is cancelled, and not sent', async () => {
  const owner = await newOwner(database.db);
  const ids = await acceptInLanes(database.db, owner, ['a', 'a', 'a', 'b', 'b']);
  await database.db
    .update(deliveries)
    .set({ status: 'succeeded', next_attempt_at: null })
    .where(and(eq(deliveries.webhook_id, owner.webhook_id), eq(deliveries.lane_state, 'head')));
  const blocked = await blockedLane();
  await setWebhook(owner, { deleted_at: new Date() });
  await setWebhook(blocked.owner, { deleted_at: new Date(), outcomes_counted: 1 });
  const started: string[] = [];
  for (let round = 0; round < 3; round += 1) started.push(...(await sweepOnce()).started);
  const rows = await Promise.all([...ids, blocked.first, blocked.second].map(rowOf));
  expect(rows.filter(({ workflow_id }) => started.includes(workflow_id))).toEqual([]);
  expect(rows.map(({ status }) => status)).toEqual([
    ...['succeeded', 'cancelled', 'cancelled', 'succeeded', 'cancelled', 'cancelled', 'cancelled'],
  ]);
  const left = await database.db.select().from(lanes).where(eq(lanes.webhook_id, owner.webhook_id));
  expect(left).toEqual([]);
});
