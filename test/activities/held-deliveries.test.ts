import { MockActivityEnvironment } from '@temporalio/testing';
import { eq } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDeliveryActivities, type DeliveryActivities } from '../../activities/delivery-activities.ts';
import { createSettler } from '../../activities/settle-deliveries.ts';
import type { Database, OpenDatabase } from '../../db/database.ts';
import { type DeliveryId, newId } from '../../db/ids.ts';
import { accounts, deliveries, type EndpointState, events, webhooks } from '../../db/schema.ts';
import { createEndpointSlots } from '../../delivery/endpoint-slots.ts';
import { createHeadStarts } from '../../delivery/head-start.ts';
import { noLimits } from '../delivery/no-limits.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
const account_id = newId('acct');
beforeAll(async () => {
  database = await openTestDatabase();
  await database.db.insert(accounts).values({ id: account_id, name: 'test' });
});
afterAll(() => database.close());

const now = () => new Date();
const inAnHour = () => new Date(Date.now() + 3_600_000);

async function newWebhook(endpoint_state: EndpointState) {
  const id = newId('wh');
  const row = { id, account_id, url: 'https://receiver.test/', events: ['*'], profile: 'inbox' };
  await database.db.insert(webhooks).values({ ...row, endpoint_state });
  return id;
}

async function newDelivery(
  endpoint_state: EndpointState,
  { is_test = false, dueAt = now(), workflow_id = `deliver/${newId('evt')}` } = {},
) {
  const [event_id, id, webhook_id] = [newId('evt'), newId('dlv'), await newWebhook(endpoint_state)];
  const created_at = new Date();
  await database.db
    .insert(events)
    .values({ id: event_id, account_id, type: 'message.read', data: '{}', is_test, created_at });
  await database.db.insert(deliveries).values({
    ...{ id, account_id, event_id, webhook_id, workflow_id, created_at, status: 'pending' },
    next_attempt_at: dueAt,
  });
  return { id, webhook_id, workflow_id };
}

const rowOf = async (id: DeliveryId) =>
  (await database.db.select().from(deliveries).where(eq(deliveries.id, id)))[0]!;

/** The activities of a workflow, with the deliveries that they attempt, all of which succeed. */
function activitiesOf(workflowId: string, db: Database = database.db) {
  const attempted: DeliveryId[] = [];
  const unforeseen = async () => {
    throw new Error('unforeseen');
  };
  const { limiter, ...waiting } = noLimits;
  const headStarts = createHeadStarts({
    db,
    attempter: {
      async attempt({ id }) {
        attempted.push(id);
        const outcome = { number: 1, reason: '', due_at: null, is_final: false, is_gone: false };
        return { status: 'succeeded', ...outcome };
      },
    },
    ...{ slots: createEndpointSlots(), limiter, puttingOff: waiting.puttingOff, hasWorker: true },
    log: pino({ level: 'silent' }),
  });
  const activities = createDeliveryActivities({
    db,
    attempter: { attemptManually: unforeseen },
    isStopping: headStarts.isClosed,
    settler: createSettler({ db, headStarts, ...waiting }),
  });
  const environment = new MockActivityEnvironment({ workflowExecution: { workflowId, runId: 'run' } });
  return {
    attempted,
    attemptPending: () => environment.run(activities.attemptPending),
    attemptAgain: (id: DeliveryId) => environment.run(activities.attemptUntilSettled, [id]),
  };
}

/** A database on which something happens between the first statement and the next. */
function meanwhile(happens: () => Promise<unknown>): Database {
  let statements = 0;
  return new Proxy(database.db, {
    get(db, key) {
      const value = Reflect.get(db, key);
      if (key !== 'session') return value;
      statements += 1;
      if (statements !== 2) return value;
      // As `selectRows` uses it.
      const prepareQuery = (...given: unknown[]) => {
        const prepared = value.prepareQuery(...given);
        return { execute: () => happens().then(() => prepared.execute()) };
      };
      return { prepareQuery };
    },
  });
}

describe('a workflow whose deliveries come due', () => {
  it('holds those for disabled endpoints, attempts the others and test events, and waits for what is not due', async () => {
    const workflow_id = `deliver/${newId('evt')}`;
    const disabled = await newDelivery('disabled', { workflow_id });
    const probing = await newDelivery('probing', { workflow_id });
    const healthy = await newDelivery('healthy', { workflow_id });
    const failing = await newDelivery('failing', { workflow_id });
    const test = await newDelivery('disabled', { workflow_id, is_test: true });
    const later = await newDelivery('disabled', { workflow_id, dueAt: inAnHour() });
    const { attempted, attemptPending } = activitiesOf(workflow_id);
    const { settled, waiting } = (await attemptPending()) as Awaited<
      ReturnType<DeliveryActivities['attemptPending']>
    >;
    expect(settled).toEqual({ held: 2, succeeded: 3 });
    expect(attempted).toEqual([healthy.id, failing.id, test.id]);
    expect(waiting.map(({ delivery_id }) => delivery_id)).toEqual([later.id]);
    for (const { id } of [disabled, probing]) expect((await rowOf(id)).status).toBe('held');
    expect((await rowOf(later.id)).status).toBe('pending');
  });

  it('holds one by one what it attempts again', async () => {
    const { id, workflow_id } = await newDelivery('disabled');
    const { attempted, attemptAgain } = activitiesOf(workflow_id);
    expect(await attemptAgain(id)).toEqual({ held: 1 });
    expect(await attemptAgain(id)).toEqual({ held: 1 });
    expect(attempted).toEqual([]);
  });

  it('attempts a delivery whose endpoint is enabled in that very moment', async () => {
    const { id, workflow_id, webhook_id } = await newDelivery('disabled');
    const db = meanwhile(() =>
      database.db.update(webhooks).set({ endpoint_state: 'healthy' }).where(eq(webhooks.id, webhook_id)),
    );
    const { attempted, attemptAgain } = activitiesOf(workflow_id, db);
    expect(await attemptAgain(id)).toEqual({ succeeded: 1 });
    expect(attempted).toEqual([id]);
  });

  it('leaves a delivery alone that is cancelled in that very moment', async () => {
    const { id, workflow_id } = await newDelivery('disabled');
    const db = meanwhile(() =>
      database.db.update(deliveries).set({ status: 'cancelled' }).where(eq(deliveries.id, id)),
    );
    const { attempted, attemptAgain } = activitiesOf(workflow_id, db);
    expect(await attemptAgain(id)).toEqual({ cancelled: 1 });
    expect(attempted).toEqual([]);
  });

  it('leaves a delivery alone that was held, and since then belongs to the workflow that sent it', async () => {
    const { id, workflow_id } = await newDelivery('healthy');
    await database.db.update(deliveries).set({ workflow_id: 'deliver/dlv_x/1' }).where(eq(deliveries.id, id));
    const { attempted, attemptAgain } = activitiesOf(workflow_id);
    expect(await attemptAgain(id)).toEqual({ 'ended elsewhere': 1 });
    expect(attempted).toEqual([]);
  });
});
