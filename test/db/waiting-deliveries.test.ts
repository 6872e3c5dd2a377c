import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenDatabase } from '../../db/database.ts';
import { askForLimits } from '../../db/endpoint-limits.ts';
import { renewHeadStarts } from '../../db/head-starts.ts';
import { holdDeliveries } from '../../db/held-deliveries.ts';
import { type DeliveryId, newId, type WebhookId } from '../../db/ids.ts';
import { recordAttempts } from '../../db/record-attempts.ts';
import { takeHeld } from '../../db/recoveries.ts';
import { accounts, deliveries, type EndpointState, webhooks } from '../../db/schema.ts';
import {
  endPlan,
  findAwaitedWebhooks,
  findForsaken,
  findStandings,
  putOffDeliveries,
  takeWaiting,
} from '../../db/waiting-deliveries.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
const account_id = newId('acct');
beforeAll(async () => {
  database = await openTestDatabase();
  await database.db.insert(accounts).values({ id: account_id, name: 'test' });
});
afterAll(() => database.close());

const dueSince = new Date('2025-01-01T00:00:00Z');

async function newWebhook(endpoint_state: EndpointState = 'healthy'): Promise<WebhookId> {
  const id = newId('wh');
  const row = { id, account_id, url: 'https://receiver.test/', events: [id], profile: 'inbox' };
  await database.db.insert(webhooks).values({ ...row, endpoint_state, rate_limit: 10 });
  return id;
}

async function newDelivery(webhook_id: WebhookId, row: Partial<typeof deliveries.$inferInsert> = {}) {
  const id = newId('dlv');
  await database.db.insert(deliveries).values({
    ...{ id, account_id, webhook_id, event_id: newId('evt'), workflow_id: `deliver/${id}` },
    ...{ status: 'pending', next_attempt_at: dueSince, created_at: new Date(), ...row },
  });
  return id;
}

const several = async (
  count: number,
  webhook: WebhookId,
  row: Partial<typeof deliveries.$inferInsert> = {},
) => {
  const ids: DeliveryId[] = [];
  for (let n = 0; n < count; n += 1) ids.push(await newDelivery(webhook, row));
  return ids;
};
const rowOf = async (id: DeliveryId) =>
  (await database.db.select().from(deliveries).where(eq(deliveries.id, id)))[0]!;
const putOff = (ids: readonly DeliveryId[], webhook_id: WebhookId, has_head_start = false) =>
  putOffDeliveries(
    database.db,
    ids.map((id) => ({ id, webhook_id, every_ms: 100, reason: 'waits', has_head_start })),
  );
const take = (webhook: WebhookId, limit = 100) => takeWaiting(database.db, webhook, limit);
const hasWaiting = async (webhook_id: WebhookId) => {
  const nothing = { rate_limit: null, turns: 0, ahead: 0, max_in_flight: null, keep: 0, wanted: 0 };
  return (await askForLimits(database.db, 'p', [{ webhook_id, ...nothing }]))[0]?.has_waiting;
};

describe('deliveries that wait for limits', () => {
  it('are planned one after the other, behind those before them, and it is no attempt', async () => {
    const webhook = await newWebhook();
    const first = await several(10, webhook);
    const [second] = [await several(10, webhook)];
    const planned = await putOff(first, webhook);
    const after = await putOff([...second].reverse(), webhook);
    // Their turns, 0.1 s apart, and two seconds more.
    expect(first.map((id) => Math.round(planned.get(id)! / 100) / 10)).toEqual(
      first.map((_, n) => Math.round(n + 1 + 20) / 10),
    );
    for (const [n, id] of second.entries()) {
      expect(after.get(id)).toBeGreaterThan((n + 5) * 100 + 2_000);
      expect(after.get(id)).toBeLessThanOrEqual((n + 11) * 100 + 2_001);
    }
    const row = await rowOf(first[9]!);
    expect(row).toMatchObject({
      status: 'pending',
      attempt_count: 0,
      scheduled_attempts: 0,
      reason: 'waits',
    });
    expect(row.waiting_since).toEqual(expect.any(Date));
    expect(Number(row.next_attempt_at)).toBeGreaterThan(Date.now());
    expect(await hasWaiting(webhook)).toBe(true);
  });

  it('of one workflow are looked after together, when the last should have gone out', async () => {
    const webhook = await newWebhook();
    const together = await several(5, webhook, { workflow_id: `deliver/${newId('evt')}` });
    const planned = await putOff(together, webhook);
    expect(new Set(planned.values()).size).toBe(1);
    expect([...planned.values()][0]).toBeGreaterThan(2_400);
  });

  it('are only those that are pending, and that nobody else has taken up', async () => {
    const webhook = await newWebhook();
    const ended = await newDelivery(webhook, { status: 'cancelled' });
    const taken = await newDelivery(webhook, { head_start_at: new Date() });
    const [left] = [await newDelivery(webhook)];
    expect([...(await putOff([ended, taken, left], webhook)).keys()]).toEqual([left]);
    // Who has taken it up may put it off.
    expect([...(await putOff([taken], webhook, true)).keys()]).toEqual([taken]);
    expect((await rowOf(taken)).head_start_at).toBeNull();
    expect(await rowOf(ended)).toMatchObject({ status: 'cancelled', waiting_since: null });
  });

  it('are taken up oldest first, each once', async () => {
    const webhook = await newWebhook();
    const ids = await several(20, webhook);
    await putOff([...ids].reverse(), webhook);
    expect(await take(webhook, 5)).toEqual(ids.slice(0, 5));
    const rest = await Promise.all([take(webhook, 10), take(webhook, 10)]);
    expect(rest.flat().sort()).toEqual(ids.slice(5));
    expect(await hasWaiting(webhook)).toBe(false);
    expect(await take(webhook)).toEqual([]);
  });

  it.each(['disabled', 'probing'] as const)('are not taken up while the endpoint is %s', async (state) => {
    const webhook = await newWebhook(state);
    const [id] = await several(1, webhook);
    await putOff([id!], webhook);
    expect(await take(webhook)).toEqual([]);
    // Held, and given to a recovery, it waits no longer.
    await holdDeliveries(database.db, [id!]);
    expect((await rowOf(id!)).waiting_since).toBeNull();
    await database.db.update(deliveries).set({ waiting_since: new Date() }).where(eq(deliveries.id, id!));
    await database.db.update(webhooks).set({ endpoint_state: 'healthy' }).where(eq(webhooks.id, webhook));
    await takeHeld(database.db, {
      ...{ webhook_id: webhook, workflow_id: 'deliver/x', limit: 1, leased_until: new Date() },
    });
    expect(await rowOf(id!)).toMatchObject({ status: 'pending', waiting_since: null });
  });

  it('wait no longer once an attempt is recorded', async () => {
    const webhook = await newWebhook();
    const [id] = await several(1, webhook);
    await putOff([id!], webhook);
    await take(webhook);
    await recordAttempts(database.db, [
      {
        ...{ id: newId('att'), delivery_id: id!, webhook_id: webhook, account_id, trigger: 'schedule' },
        ...{ started_at: new Date(), duration_ms: 1, url: 'https://receiver.test/', request_headers: {} },
        ...{ succeeded: false, reason: 'status', detail: 'answered 500', response_status: 500 },
        ...{ response_headers: {}, response_body: '', response_truncated: false },
        next_attempt_at: new Date(Date.now() + 60_000),
      },
    ]);
    expect(await rowOf(id!)).toMatchObject({
      ...{ status: 'pending', waiting_since: null, head_start_at: null, scheduled_attempts: 1 },
    });
    expect(await take(webhook)).toEqual([]);
  });

  it('are forsaken when whoever took them up says nothing more', async () => {
    const webhook = await newWebhook();
    const ids = await several(3, webhook);
    await putOff(ids, webhook);
    await take(webhook, 2);
    const longAgo = new Date(Date.now() - 10_000);
    await database.db.update(deliveries).set({ head_start_at: longAgo }).where(eq(deliveries.id, ids[0]!));
    await database.db.update(deliveries).set({ head_start_at: longAgo }).where(eq(deliveries.id, ids[1]!));
    await renewHeadStarts(database.db, [ids[1]!, ids[2]!], 5_000);
    expect(await findForsaken(database.db, webhook, 3_000, 10)).toEqual([ids[0]]);
    expect((await rowOf(ids[2]!)).head_start_at).toBeNull();
  });

  it('are planned anew once none waits any more', async () => {
    const webhook = await newWebhook();
    const ids = await several(100, webhook);
    await putOff(ids, webhook);
    await endPlan(database.db, webhook);
    const [next] = await several(1, webhook);
    expect((await putOff([next!], webhook)).get(next!)).toBeGreaterThan(11_000);
    await database.db
      .update(deliveries)
      .set({ status: 'succeeded' })
      .where(eq(deliveries.webhook_id, webhook));
    await endPlan(database.db, webhook);
    const [last] = await several(1, webhook);
    expect((await putOff([last!], webhook)).get(last!)).toBeLessThan(3_000);
  });

  it('are known by where they stand, and wait until somebody takes them up', async () => {
    const webhook_id = await newWebhook();
    const workflow_id = 'deliver/evt_x';
    const held = await newDelivery(webhook_id, { status: 'held', workflow_id });
    const [waiting] = await several(1, webhook_id, { workflow_id });
    await putOff([waiting!], webhook_id);
    const standings = await findStandings(database.db, [held, waiting!, newId('dlv')]);
    const common = { workflow_id, webhook_id, is_under_way: false };
    expect([...standings]).toEqual([
      [held, { ...common, status: 'held', waits_ms: 0, reason: '' }],
      [waiting, { ...common, status: 'pending', waits_ms: expect.any(Number), reason: 'waits' }],
    ]);
    expect(standings.get(waiting!)?.waits_ms).toBeGreaterThan(1_500);
    await take(webhook_id);
    const taken = (await findStandings(database.db, [waiting!])).get(waiting!);
    expect(taken).toMatchObject({ waits_ms: 0, is_under_way: true });
  });

  it('keep their place in the plan when they are put off again', async () => {
    const webhook = await newWebhook();
    const [first] = await several(1, webhook);
    await putOff([first!], webhook);
    // 100 s of others behind it.
    await putOff(await several(1_000, webhook), webhook);
    const longAgo = new Date(Date.now() - 40_000);
    await database.db.update(deliveries).set({ waiting_since: longAgo }).where(eq(deliveries.id, first!));
    const again = (await putOff([first!], webhook)).get(first!)!;
    expect(again).toBeGreaterThan(11_000);
    expect(again).toBeLessThan(14_000);
    expect((await rowOf(first!)).waiting_since).toEqual(longAgo);
    const [last] = await several(1, webhook);
    expect((await putOff([last!], webhook)).get(last!)).toBeLessThan(103_000);
  });

  it('are found by the webhooks for which they wait, each once', async () => {
    const [one, other, third] = [await newWebhook(), await newWebhook(), await newWebhook()];
    for (const webhook of [one, other]) await putOff(await several(3, webhook), webhook);
    await take(one);
    await several(1, third);
    const found = (await findAwaitedWebhooks(database.db)).filter(({ id }) =>
      [one, other, third].includes(id),
    );
    expect(found.sort((a, b) => (a.id < b.id ? -1 : 1))).toEqual([
      { id: one, rate_limit: 10, max_in_flight: null },
      { id: other, rate_limit: 10, max_in_flight: null },
    ]);
  });
});
