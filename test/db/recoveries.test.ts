import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, type OpenDatabase, selectRows } from '../../db/database.ts';
import { countHeld, discardHeld, endHeld, holdDeliveries, oldestHeld } from '../../db/held-deliveries.ts';
import { type DeliveryId, newId, uuidOf, type WebhookId } from '../../db/ids.ts';
import { type AttemptRecord, recordAttempts } from '../../db/record-attempts.ts';
import {
  countLeft,
  findLeftBehind,
  findRecovery,
  markEnded,
  renewLeases,
  takeBackMarked,
  takeHeld,
} from '../../db/recoveries.ts';
import { accounts, deliveries, type EndpointState, events, webhooks } from '../../db/schema.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
const account_id = newId('acct');

beforeAll(async () => {
  database = await openTestDatabase();
  await database.db.insert(accounts).values({ id: account_id, name: 'test' });
});
afterAll(() => database.close());

async function newWebhook(
  endpoint_state: EndpointState,
  more: Partial<typeof webhooks.$inferInsert> = {},
): Promise<WebhookId> {
  const id = newId('wh');
  const row = { id, account_id, url: 'https://receiver.test/', events: [id], profile: 'inbox' };
  await database.db.insert(webhooks).values({ ...row, endpoint_state, ...more });
  return id;
}

async function newDelivery(
  webhook_id: WebhookId,
  row: Partial<typeof deliveries.$inferInsert> = {},
  is_test = false,
): Promise<DeliveryId> {
  const event_id = newId('evt');
  const id = newId('dlv');
  const created_at = new Date();
  await database.db
    .insert(events)
    .values({ id: event_id, account_id, type: 'message.read', data: '{}', is_test, created_at });
  await database.db.insert(deliveries).values({
    ...{ id, account_id, event_id, webhook_id, workflow_id: `deliver/${event_id}`, created_at },
    status: 'held',
    ...row,
  });
  return id;
}

const rowOf = async (id: DeliveryId) =>
  (await database.db.select().from(deliveries).where(eq(deliveries.id, id)))[0]!;
const statusesOf = async (webhook_id: WebhookId) =>
  (
    await database.db
      .select({ status: deliveries.status })
      .from(deliveries)
      .where(eq(deliveries.webhook_id, webhook_id))
      .orderBy(deliveries.id)
  ).map(({ status }) => status);
const inAMinute = () => new Date(Date.now() + 60_000);
const take = (webhook_id: WebhookId, limit: number, workflow_id = `deliver/${newId('dlv')}/1`) =>
  takeHeld(database.db, { webhook_id, workflow_id, limit, leased_until: inAMinute() });

describe('holding', () => {
  it('takes what is pending at a disabled or probed endpoint, keeps its schedule, and leaves the rest', async () => {
    const pending = { status: 'pending', next_attempt_at: new Date(), scheduled_attempts: 2 } as const;
    const disabled = await newDelivery(await newWebhook('disabled'), pending);
    const probed = await newDelivery(await newWebhook('probing'), pending);
    const left = [
      await newDelivery(await newWebhook('healthy'), pending),
      await newDelivery(await newWebhook('failing'), pending),
      await newDelivery(await newWebhook('disabled'), { status: 'succeeded' }),
      await newDelivery(await newWebhook('disabled'), { status: 'cancelled' }),
      await newDelivery(await newWebhook('disabled', { deleted_at: new Date() }), pending),
    ];
    const before = await Promise.all(left.map(rowOf));
    expect(await holdDeliveries(database.db, [disabled, probed, ...left])).toEqual(
      new Set([disabled, probed]),
    );
    for (const id of [disabled, probed]) {
      expect(await rowOf(id)).toMatchObject({
        status: 'held',
        next_attempt_at: null,
        scheduled_attempts: 2,
        held_from: null,
        ended_at: null,
        reason: expect.stringContaining('the endpoint is disabled'),
      });
    }
    expect(await Promise.all(left.map(rowOf))).toEqual(before);
  });
});

describe('held deliveries', () => {
  it('are counted, and the oldest is known', async () => {
    const webhook = await newWebhook('disabled');
    expect([await countHeld(database.db, webhook), await oldestHeld(database.db, webhook)]).toEqual([
      0,
      undefined,
    ]);
    await newDelivery(webhook, { status: 'succeeded' });
    const oldest = await newDelivery(webhook);
    await newDelivery(webhook);
    expect([await countHeld(database.db, webhook), await oldestHeld(database.db, webhook)]).toEqual([
      2,
      oldest,
    ]);
  });

  it('are discarded all, also what had ended before, and nothing else is', async () => {
    const webhook = await newWebhook('healthy');
    const longAgo = new Date('2025-01-01T00:00:00Z');
    await newDelivery(webhook, { status: 'succeeded' });
    const marked = await newDelivery(webhook, {
      held_from: 'failed',
      ended_at: longAgo,
      reason: 'answered 500',
    });
    await newDelivery(webhook);
    const other = await newDelivery(await newWebhook('healthy'));
    expect(await discardHeld(database.db, webhook, 'discarded')).toBe(2);
    expect(await statusesOf(webhook)).toEqual(['succeeded', 'cancelled', 'cancelled']);
    const row = await rowOf(marked);
    expect(row).toMatchObject({ reason: 'discarded', held_from: null });
    expect(row.ended_at!.getTime()).toBeGreaterThan(longAgo.getTime());
    expect((await rowOf(other)).status).toBe('held');
    expect(await discardHeld(database.db, webhook, 'discarded')).toBe(0);
  });

  it('are discarded, when they are thousands, page by page', async () => {
    const webhook = await newWebhook('healthy');
    await insertHeld(webhook, 2_500);
    expect(await discardHeld(database.db, webhook, 'discarded')).toBe(2_500);
    expect(await countHeld(database.db, webhook)).toBe(0);
  });

  it('end as failed when an attempt showed that they cannot be delivered, once', async () => {
    const id = await newDelivery(await newWebhook('probing'), { held_from: 'cancelled' });
    expect(await endHeld(database.db, id, 'answered 400')).toBe(true);
    expect(await rowOf(id)).toMatchObject({
      status: 'failed',
      reason: 'answered 400',
      held_from: null,
      ended_at: expect.any(Date),
    });
    expect(await endHeld(database.db, id, 'again')).toBe(false);
    expect((await rowOf(id)).reason).toBe('answered 400');
  });
});

describe('a recovery', () => {
  it('takes the oldest first, as many as it asks for, under its own workflow', async () => {
    const webhook = await newWebhook('healthy', { recovery_rate: 7 });
    const ids = [await newDelivery(webhook, { scheduled_attempts: 3 }), await newDelivery(webhook)];
    const last = await newDelivery(webhook);
    expect(await findRecovery(database.db, webhook, new Date())).toEqual({
      is_webhook_deleted: false,
      endpoint_state: 'healthy',
      recovery_rate: 7,
      rate_limit: null,
      oldest: ids[0],
      is_turn_near: false,
    });
    expect(await take(webhook, 2, 'deliver/dlv_x/1')).toBe(2);
    expect(await rowOf(ids[0]!)).toMatchObject({
      status: 'pending',
      workflow_id: 'deliver/dlv_x/1',
      scheduled_attempts: 3,
    });
    expect(await statusesOf(webhook)).toEqual(['pending', 'pending', 'held']);
    expect((await findRecovery(database.db, webhook, new Date()))?.oldest).toBe(last);
  });

  it.each(['disabled', 'probing'] as const)('takes nothing while the endpoint is %s', async (state) => {
    const webhook = await newWebhook(state);
    await newDelivery(webhook);
    expect(await take(webhook, 10)).toBe(0);
    expect(await statusesOf(webhook)).toEqual(['held']);
  });

  it('takes nothing of a deleted webhook', async () => {
    const webhook = await newWebhook('healthy', { deleted_at: new Date() });
    await newDelivery(webhook);
    expect(await take(webhook, 10)).toBe(0);
  });

  it('gives one that had ended its whole schedule again', async () => {
    const webhook = await newWebhook('healthy');
    const ended = {
      held_from: 'failed',
      ended_at: new Date(),
      scheduled_attempts: 6,
      attempt_count: 6,
    } as const;
    const id = await newDelivery(webhook, ended);
    await take(webhook, 1);
    expect(await rowOf(id)).toMatchObject({
      status: 'pending',
      scheduled_attempts: 0,
      attempt_count: 6,
      held_from: null,
      ended_at: null,
    });
  });

  it('takes each once, however many take at once', async () => {
    const webhook = await newWebhook('healthy');
    await insertHeld(webhook, 200);
    const taken = await Promise.all(Array.from({ length: 8 }, () => take(webhook, 50)));
    const sum = taken.reduce((all, one) => all + one, 0);
    expect(sum + (await countHeld(database.db, webhook))).toBe(200);
  });
});

describe('a lease', () => {
  const attemptOf = async (
    delivery_id: DeliveryId,
    webhook_id: WebhookId,
    next_attempt_at: Date | null,
    changes: Partial<AttemptRecord> = {},
  ) =>
    recordAttempts(database.db, [
      {
        ...{ id: newId('att'), delivery_id, webhook_id, account_id, trigger: 'schedule' },
        ...{ started_at: new Date(), duration_ms: 1, url: 'https://receiver.test/', request_headers: {} },
        ...{ succeeded: false, reason: 'http_status', detail: 'answered 500', response_status: 500 },
        ...{ response_headers: {}, response_body: '', response_truncated: false, next_attempt_at },
        ...changes,
      },
    ]);

  it('is renewed only until the attempt is recorded', async () => {
    const webhook = await newWebhook('healthy');
    const ids = [await newDelivery(webhook), await newDelivery(webhook), await newDelivery(webhook)] as const;
    await take(webhook, 3);
    const inAnHour = new Date(Date.now() + 3_600_000);
    await attemptOf(ids[0], webhook, inAnHour);
    await attemptOf(ids[1], webhook, null);
    const until = new Date(Date.now() + 120_000);
    const leased = ids.map((id) => ({ id, scheduled_attempts: 0 }));
    expect(await renewLeases(database.db, leased, until)).toEqual([ids[2]]);
    expect((await rowOf(ids[0])).next_attempt_at).toEqual(inAnHour);
    expect(await rowOf(ids[1])).toMatchObject({ status: 'failed', next_attempt_at: null });
    expect((await rowOf(ids[2])).next_attempt_at).toEqual(until);
  });

  it('is not renewed over an attempt that used up no step, and is over one by hand', async () => {
    const webhook = await newWebhook('healthy');
    const ids = [await newDelivery(webhook), await newDelivery(webhook)] as const;
    await take(webhook, 2);
    const inAnHour = new Date(Date.now() + 3_600_000);
    await attemptOf(ids[0], webhook, inAnHour, { reason: 'proxy', is_beside: true });
    await attemptOf(ids[1], webhook, null, { trigger: 'manual' });
    const leased = ids.map((id) => ({ id, scheduled_attempts: 0 }));
    expect(await renewLeases(database.db, leased, new Date(Date.now() + 120_000))).toEqual([ids[1]]);
    expect((await rowOf(ids[0])).next_attempt_at).toEqual(inAnHour);
  });
});

describe('marking what has ended', () => {
  const at = (time: string) => new Date(`2025-01-15T${time}Z`);
  const range = { status: 'failed', since: at('10:00:00'), until: at('11:00:00') } as const;

  it('takes what ended like that in that time, and nothing else, and once', async () => {
    const webhook = await newWebhook('healthy');
    const failedAt = (time: string, is_test = false) =>
      newDelivery(webhook, { status: 'failed', ended_at: at(time), reason: 'answered 500' }, is_test);
    const wanted = [await failedAt('10:00:00'), await failedAt('10:30:00'), await failedAt('11:00:00')];
    const left = [
      await failedAt('09:59:59.999'),
      await failedAt('11:00:00.001'),
      await failedAt('10:30:00', true),
      await newDelivery(webhook, { status: 'cancelled', ended_at: at('10:30:00') }),
      await newDelivery(webhook, { status: 'succeeded', ended_at: at('10:30:00') }),
      await newDelivery(await newWebhook('healthy'), { status: 'failed', ended_at: at('10:30:00') }),
    ];
    const before = await Promise.all(left.map(rowOf));
    expect(await markEnded(database.db, webhook, range)).toBe(3);
    expect(await markEnded(database.db, webhook, range)).toBe(0);
    for (const id of wanted) {
      expect(await rowOf(id)).toMatchObject({ status: 'held', held_from: 'failed', reason: 'answered 500' });
    }
    expect(await Promise.all(left.map(rowOf))).toEqual(before);
    expect(await countLeft(database.db, webhook)).toEqual({ held: 3, marked: 3 });
  });

  it('takes cancelled ones on request', async () => {
    const webhook = await newWebhook('healthy');
    const id = await newDelivery(webhook, { status: 'cancelled', ended_at: at('10:30:00') });
    expect(await markEnded(database.db, webhook, { ...range, status: 'cancelled' })).toBe(1);
    expect(await rowOf(id)).toMatchObject({ status: 'held', held_from: 'cancelled' });
  });

  it('takes nothing of a deleted webhook', async () => {
    const webhook = await newWebhook('healthy', { deleted_at: new Date() });
    await newDelivery(webhook, { status: 'failed', ended_at: at('10:30:00') });
    expect(await markEnded(database.db, webhook, range)).toBe(0);
  });

  it('is undone, for what is still held, as if it had never been', async () => {
    const webhook = await newWebhook('healthy');
    const row = {
      status: 'failed',
      ended_at: at('10:30:00'),
      reason: 'answered 500',
      scheduled_attempts: 6,
    } as const;
    const [sent, ...kept] = [
      await newDelivery(webhook, row),
      await newDelivery(webhook, row),
      await newDelivery(webhook, row),
    ];
    const held = await newDelivery(webhook);
    const before = await Promise.all(kept.map(rowOf));
    await markEnded(database.db, webhook, range);
    await take(webhook, 1);
    expect(await takeBackMarked(database.db, webhook, null)).toEqual({ count: 2, last: kept[1] });
    expect(await takeBackMarked(database.db, webhook, kept[1]!)).toEqual({ count: 0, last: null });
    expect(await Promise.all(kept.map(rowOf))).toEqual(before);
    expect((await rowOf(sent!)).status).toBe('pending');
    expect(await rowOf(held)).toMatchObject({ status: 'held', held_from: null });
  });
});

describe('what is left behind', () => {
  it('is found once a webhook, where the endpoint is enabled or the webhook is deleted', async () => {
    const healthy = await newWebhook('healthy');
    const failing = await newWebhook('failing');
    const deleted = await newWebhook('disabled', { deleted_at: new Date() });
    for (const webhook of [
      healthy,
      failing,
      deleted,
      await newWebhook('disabled'),
      await newWebhook('probing'),
    ]) {
      await newDelivery(webhook);
      await newDelivery(webhook);
    }
    await newDelivery(await newWebhook('healthy'), { status: 'pending' });
    const found = (await findLeftBehind(database.db)).filter(({ id }) =>
      [healthy, failing, deleted].includes(id),
    );
    expect(found).toEqual([
      { id: healthy, account_id, is_deleted: false },
      { id: failing, account_id, is_deleted: false },
      { id: deleted, account_id, is_deleted: true },
    ]);
  });

  it('is found without reading the 100,000 that wait for disabled endpoints', async () => {
    const disabled = [await newWebhook('disabled'), await newWebhook('disabled')] as const;
    for (const webhook of disabled) await insertHeld(webhook, 50_000);
    // What the tests before have changed would be read once more until it is cleared away.
    await database.db.execute(sql`vacuum analyze deliveries`);
    expect(await rowsReadBy((tx) => countHeld(tx, disabled[0]))).toBeGreaterThanOrEqual(50_000);
    expect(await rowsReadBy((tx) => findLeftBehind(tx))).toBeLessThan(500);
  });
});

/** How many entries of the table and its indexes are read by a query. */
async function rowsReadBy(query: (tx: Database) => Promise<unknown>): Promise<number> {
  return database.db.transaction(async (tx) => {
    const read = async () => {
      const [row] = await selectRows<{ rows: number }>(
        tx,
        sql`select sum(pg_stat_get_xact_tuples_returned(relation))::int as rows from (
              select 'deliveries'::regclass::oid as relation
              union all select indexrelid from pg_index where indrelid = 'deliveries'::regclass) as relations`,
      );
      return row?.rows ?? 0;
    };
    const before = await read();
    await query(tx);
    return (await read()) - before;
  });
}

/** Many at once, without events. */
async function insertHeld(webhook: WebhookId, count: number) {
  const rows = Array.from({ length: count }, () => uuidOf(newId('dlv')));
  await database.db.execute(
    sql`insert into deliveries (id, account_id, event_id, webhook_id, workflow_id, status, created_at)
        select id, ${uuidOf(account_id)}, id, ${uuidOf(webhook)}, 'deliver/evt_x', 'held', now()
        from unnest(${sql.param(rows)}::uuid[]) as input(id)`,
  );
}
