import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createSettler, type Owner } from '../../activities/settle-deliveries.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { type DeliveryId, newId } from '../../db/ids.ts';
import { accounts, deliveries, events, webhooks } from '../../db/schema.ts';
import type { AttemptOutcome } from '../../delivery/attempter.ts';
import { createEndpointSlots } from '../../delivery/endpoint-slots.ts';
import { createHeadStarts } from '../../delivery/head-start.ts';
import { createPuttingOff } from '../../delivery/putting-off.ts';
import { noLimits } from '../delivery/no-limits.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
const account_id = newId('acct');
beforeAll(async () => {
  database = await openTestDatabase();
  await database.db.insert(accounts).values({ id: account_id, name: 'test' });
});
afterAll(() => database.close());

const succeeded: AttemptOutcome = {
  ...{ status: 'succeeded', number: 1, reason: '', due_at: null, is_final: false, is_gone: false },
};

/** So many due deliveries of one workflow, each to an endpoint of its own. */
async function newDeliveries(count: number) {
  const { db } = database;
  const workflowId = `deliver/${newId('evt')}`;
  const ids: DeliveryId[] = [];
  for (let made = 0; made < count; made += 1) {
    const [event_id, webhook_id, id] = [newId('evt'), newId('wh'), newId('dlv')];
    const now = new Date();
    const url = 'https://receiver.test/';
    await db.insert(webhooks).values({ id: webhook_id, account_id, url, events: ['*'], profile: 'inbox' });
    const event = {
      id: event_id,
      account_id,
      type: 'message.read',
      data: '{}',
      is_test: false,
      created_at: now,
    };
    await db.insert(events).values(event);
    await db.insert(deliveries).values({
      ...{ id, account_id, event_id, webhook_id, workflow_id: workflowId, created_at: now },
      ...{ status: 'pending', next_attempt_at: now },
    });
    ids.push(id);
  }
  return { workflowId, ids };
}

/** A process whose attempts end as told; `attempted` are those it has begun. */
function startProcess(attempt: (id: DeliveryId) => Promise<AttemptOutcome>) {
  const { db } = database;
  const attempted: DeliveryId[] = [];
  const slots = createEndpointSlots();
  const { limiter, lookAtWaiting } = noLimits;
  const puttingOff = createPuttingOff({ db, slots, limiter, onWaiting: () => {} });
  const headStarts = createHeadStarts({
    ...{ db, slots, limiter, puttingOff, hasWorker: true, log: pino({ level: 'silent' }) },
    attempter: {
      attempt: ({ id }) => {
        attempted.push(id);
        return attempt(id);
      },
    },
  });
  return { attempted, ...createSettler({ db, headStarts, puttingOff, lookAtWaiting }) };
}

function openGate() {
  let open = () => {};
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open: () => open(), opened };
}

const owner = (workflowId: string, patienceMs: number): Owner => ({
  ...{ workflowId, patienceMs, hasWaited: false },
});

describe('what a workflow asks for', () => {
  it('is attempted once, although two processes are asked at the same time', async () => {
    const { workflowId, ids } = await newDeliveries(20);
    const gate = openGate();
    const both = [1, 2].map(() => startProcess(() => gate.opened.then(() => succeeded)));
    const asked = both.map((one) => one.settleAll(owner(workflowId, 200)));
    for (const standings of await Promise.all(asked)) {
      expect(standings).toHaveLength(20);
      for (const one of standings) expect(one).toMatchObject({ reason: 'its attempt is under way' });
    }
    gate.open();
    expect(both.flatMap(({ attempted }) => attempted).sort()).toEqual([...ids].sort());
  });

  it('goes on when nobody waits for it any longer, and is joined by whoever asks again', async () => {
    const { workflowId, ids } = await newDeliveries(1);
    const gate = openGate();
    const { attempted, settleAll, settle } = startProcess(() => gate.opened.then(() => succeeded));
    const [delivery_id] = ids;
    const asked = await settleAll(owner(workflowId, 50));
    expect(asked).toMatchObject([{ delivery_id, reason: 'its attempt is under way' }]);
    const again = settle(ids, owner(workflowId, 10_000));
    gate.open();
    expect(await again).toEqual(['succeeded']);
    expect(attempted).toEqual(ids);
  });

  it('is answered when the first retry is due, whatever else takes longer', async () => {
    const { workflowId, ids } = await newDeliveries(2);
    const gate = openGate();
    const failed = () => ({
      ...{ status: 'pending' as const, number: 1, reason: 'answered 500', due_at: performance.now() + 100 },
      ...{ is_final: false, is_gone: false },
    });
    const { settleAll } = startProcess(async (id) => {
      if (id !== ids[0]) await gate.opened;
      return id === ids[0] ? failed() : succeeded;
    });
    const startedAt = performance.now();
    const standings = await settleAll(owner(workflowId, 20_000));
    expect(performance.now() - startedAt).toBeLessThan(10_000);
    expect(standings).toEqual([
      expect.objectContaining({ delivery_id: ids[0], reason: 'attempt 1 failed: answered 500' }),
      expect.objectContaining({ delivery_id: ids[1], reason: 'its attempt is under way' }),
    ]);
    gate.open();
  });

  it('says of a fault of our own no more than its kind, and of others what they are', async () => {
    const { workflowId, ids } = await newDeliveries(2);
    const { settle } = startProcess(async (id) => {
      if (id === ids[0]) throw new TypeError('secret');
      return succeeded;
    });
    const standings = await settle(ids, owner(workflowId, 5_000));
    expect(standings).toHaveLength(2);
    expect(standings).toContain('succeeded');
    expect(standings).toContainEqual(expect.objectContaining({ delivery_id: ids[0], reason: 'TypeError' }));
  });
});
