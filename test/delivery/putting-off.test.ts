import { setTimeout as delay } from 'node:timers/promises';
import { eq, inArray } from 'drizzle-orm';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { OpenDatabase } from '../../db/database.ts';
import { type LoadedDelivery, loadDelivery } from '../../db/due-deliveries.ts';
import { type DeliveryId, newId } from '../../db/ids.ts';
import { accounts, deliveries, events, webhooks } from '../../db/schema.ts';
import { createEndpointSlots } from '../../delivery/endpoint-slots.ts';
import { createPuttingOff } from '../../delivery/putting-off.ts';
import { countStatements } from '../setup/count-statements.ts';
import { openTestDatabase } from '../setup/database.ts';
import { noLimits } from './no-limits.ts';

let database: OpenDatabase;
const [account_id, webhook_id] = [newId('acct'), newId('wh')];
beforeAll(async () => {
  database = await openTestDatabase();
  await database.db.insert(accounts).values({ id: account_id, name: 'test' });
  const url = 'https://receiver.test/';
  await database.db
    .insert(webhooks)
    .values({ id: webhook_id, account_id, url, events: ['*'], profile: 'inbox' });
});
afterAll(() => database.close());

async function newDelivery(): Promise<LoadedDelivery> {
  const { db } = database;
  const [event_id, id, created_at] = [newId('evt'), newId('dlv'), new Date()];
  const event = { id: event_id, account_id, type: 'message.read', data: '{}', is_test: false, created_at };
  await db.insert(events).values(event);
  await db.insert(deliveries).values({
    ...{ id, account_id, event_id, webhook_id, workflow_id: `deliver/${event_id}`, created_at },
    ...{ status: 'pending', next_attempt_at: created_at },
  });
  return (await loadDelivery(db, id)) as LoadedDelivery;
}

it('what is put off one after the other shares statements a fifth of a second apart, the first of which waits for nothing', async () => {
  const waiting = await Promise.all(Array.from({ length: 12 }, newDelivery));
  const { db, statements } = countStatements(database.db);
  const { putOff } = createPuttingOff({
    ...{ db, slots: createEndpointSlots(), limiter: noLimits.limiter, onWaiting: () => {} },
  });
  const [first, ...others] = waiting as [LoadedDelivery, ...LoadedDelivery[]];
  expect(await putOff(first, { hasHeadStart: false })).toBeGreaterThan(0);
  expect(statements()).toBe(1);
  const startedAt = performance.now();
  const answers: Promise<number | null>[] = [];
  for (const delivery of others) {
    answers.push(putOff(delivery, { hasHeadStart: false }));
    await delay(20);
  }
  for (const inMs of await Promise.all(answers)) expect(inMs).toBeGreaterThan(0);
  expect(statements()).toBeLessThanOrEqual(2 + (performance.now() - startedAt) / 200);
  const ids = waiting.map(({ id }): DeliveryId => id);
  const stored = await database.db.select().from(deliveries).where(inArray(deliveries.id, ids));
  expect(stored.every(({ waiting_since }) => waiting_since !== null)).toBe(true);
  await database.db.delete(deliveries).where(eq(deliveries.webhook_id, webhook_id));
});
