import { eq, sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { acceptEvents, type NewEvent } from '../../db/accept-events.ts';
import type { Database, OpenDatabase } from '../../db/database.ts';
import { DatabaseUnavailable } from '../../db/errors.ts';
import { type AccountId, newId, uuidOf, type WebhookId } from '../../db/ids.ts';
import { findEndedLanes } from '../../db/lanes.ts';
import { accounts, deliveries, lanes as lanesTable, webhooks } from '../../db/schema.ts';
import { createLanes } from '../../delivery/lanes.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

/** Lanes of a process that can make no attempt itself; `started` has the workflows, `mostAtOnce` of which were being started. */
function lanesOf(db: Database) {
  const seen = { started: [] as string[], atOnce: 0, mostAtOnce: 0 };
  const lanes = createLanes({
    db,
    headStarts: { reserve: () => null },
    starter: {
      async startDeliverEvents({ workflow_id }) {
        seen.atOnce += 1;
        seen.mostAtOnce = Math.max(seen.mostAtOnce, seen.atOnce);
        await new Promise((resolve) => setTimeout(resolve, 1));
        seen.atOnce -= 1;
        seen.started.push(workflow_id);
        return 'started';
      },
    },
    log: pino({ level: 'silent' }),
  });
  return { lanes, seen };
}

/** In which nothing is left. */
const addEmptyLanes = (webhook: WebhookId, count: number) =>
  database.db.execute(sql`insert into lanes (webhook_id, lane, last_turn)
    select ${uuidOf(webhook)}, n::text, 1 from generate_series(1, ${count}::int) n`);

test('all lanes that stand still are gone on with at once, however many, those of a webhook or all', async () => {
  const { lanes } = lanesOf(database.db);
  const [one, another] = [newId('wh'), newId('wh')];
  await addEmptyLanes(one, 2_500);
  await addEmptyLanes(another, 1);
  await lanes.advanceEnded(one);
  expect(await findEndedLanes(database.db, null)).toEqual([{ webhook_id: another, lane: '1' }]);
  await addEmptyLanes(one, 2_500);
  await lanes.advanceEnded();
  expect(await database.db.select().from(lanesTable)).toEqual([]);
  await lanes.close();
});

test('who asks for all while a run is under way shares the next one, which sees what was after the first', async () => {
  // Of the page of lanes: what follows is in transactions.
  let reads = 0;
  const db = new Proxy(database.db, {
    get(target, name) {
      if (name === 'session') reads += 1;
      const value = Reflect.get(target, name) as unknown;
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
  const { lanes } = lanesOf(db);
  const first = lanes.advanceEnded();
  await addEmptyLanes(newId('wh'), 1);
  await Promise.all([first, ...Array.from({ length: 20 }, () => lanes.advanceEnded())]);
  expect(await database.db.select().from(lanesTable)).toEqual([]);
  expect(reads).toBeLessThanOrEqual(3);
});

const eventInLane = (account_id: AccountId, lane: number): NewEvent => ({
  ...{ id: newId('evt'), account_id, client_id: null, type: 'message.read', channel: null },
  ...{ data: JSON.stringify({ lane }), is_test: false, created_at: new Date() },
  ...{ only_webhook: null, about_webhook: null, idempotency_keys: [], request_hash: '' },
});

/** It is time for those behind the first of their lanes. */
async function acceptWithoutHeads(events: readonly NewEvent[]) {
  await acceptEvents(
    database.db,
    events,
    () => true,
    ({ id }) => `deliver/${id}`,
  );
  await database.db
    .update(deliveries)
    .set({ status: 'cancelled', next_attempt_at: null })
    .where(eq(deliveries.lane_state, 'head'));
}

async function orderedWebhook() {
  const account_id = newId('acct');
  const webhook_id = newId('wh');
  await database.db.insert(accounts).values({ id: account_id, name: 'test' });
  await database.db.insert(webhooks).values({
    ...{ id: webhook_id, account_id, url: 'https://receiver.test/', events: ['*'], profile: 'inbox' },
    ordering: { fifo_by: '/data/lane' },
  });
  return { account_id, webhook_id };
}

test('workflows of what cannot be attempted here are started a few at a time, and all of them', async () => {
  const { account_id, webhook_id } = await orderedWebhook();
  const events = Array.from({ length: 80 }, (_, n) => eventInLane(account_id, n % 40));
  await acceptWithoutHeads(events);
  const { lanes, seen } = lanesOf(database.db);
  await lanes.advanceEnded(webhook_id);
  await lanes.close();
  const second = events.slice(40).map(({ id }) => `deliver/${id}`);
  expect(seen.started.toSorted()).toEqual(second.toSorted());
  expect(seen.mostAtOnce).toBe(10);
});

test('a lane goes on although those of a deleted webhook cannot be ended', async () => {
  const [kept, deleted] = [await orderedWebhook(), await orderedWebhook()];
  const of = ({ account_id }: typeof kept) => [eventInLane(account_id, 1), eventInLane(account_id, 1)];
  const [events, others] = [of(kept), of(deleted)];
  await acceptWithoutHeads([...events, ...others]);
  await database.db
    .update(webhooks)
    .set({ deleted_at: new Date() })
    .where(eq(webhooks.id, deleted.webhook_id));
  let refused = 0;
  const { lanes, seen } = lanesOf(
    refusing(database.db, (statement) => {
      const isRefused = statement.includes(`set status = 'cancelled'`);
      refused += Number(isRefused);
      return isRefused;
    }),
  );
  await lanes.advanceEnded();
  await lanes.close();
  expect(refused).toBe(1);
  expect(seen.started).toEqual([`deliver/${events[1]?.id}`]);
});

/** Outside of transactions, some statements fail. */
function refusing(db: Database, isRefused: (statement: string) => boolean): Database {
  type Prepare = (query: { sql: string }, ...rest: unknown[]) => unknown;
  const { session } = db as unknown as { session: { prepareQuery: Prepare } };
  const prepareQuery: Prepare = (query, ...rest) => {
    if (isRefused(query.sql)) throw new DatabaseUnavailable('a deadlock');
    return session.prepareQuery(query, ...rest);
  };
  const inFront = (target: object, own: object) =>
    new Proxy(target, {
      get(_, name) {
        const value = Reflect.get(name in own ? own : target, name) as unknown;
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
  return inFront(db, { session: inFront(session, { prepareQuery }) }) as Database;
}
