import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { acceptEvents, type NewEvent } from '../../db/accept-events.ts';
import { type OpenDatabase, selectRows } from '../../db/database.ts';
import { DatabaseRejected } from '../../db/errors.ts';
import { type DeliveryId, newId } from '../../db/ids.ts';
import { countAttemptsBeside } from '../../db/own-faults.ts';
import { type AttemptRecord, isAttemptRecorded, recordAttempts } from '../../db/record-attempts.ts';
import { accounts, attempts, deliveries, webhooks } from '../../db/schema.ts';
import { blamelessReasons } from '../../webhook/failure-reasons.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
const account_id = newId('acct');
const webhook_id = newId('wh');

beforeAll(async () => {
  database = await openTestDatabase();
  await database.db.insert(accounts).values({ id: account_id, name: 'test' });
  await database.db
    .insert(webhooks)
    .values({ id: webhook_id, account_id, url: 'https://receiver.test/', events: ['*'], profile: 'inbox' });
});
afterAll(() => database.close());

function newEvent(account = account_id): NewEvent {
  return {
    ...{ id: newId('evt'), account_id: account, client_id: null, type: 'message.read', channel: null },
    ...{ data: '{}', is_test: false, created_at: new Date(), only_webhook: null, about_webhook: null },
    ...{ idempotency_keys: [], request_hash: '' },
  };
}

async function newDelivery(): Promise<DeliveryId> {
  const event = newEvent();
  const [acceptance] = await acceptEvents(
    database.db,
    [event],
    () => true,
    () => `deliver/${event.id}`,
  );
  if (acceptance?.outcome !== 'accepted') throw new Error('not accepted');
  return acceptance.deliveries[0]!.id;
}

const later = new Date(Date.now() + 30_000);

function failure(delivery: DeliveryId, changes: Partial<AttemptRecord> = {}): AttemptRecord {
  return {
    id: newId('att'),
    delivery_id: delivery,
    webhook_id,
    account_id,
    trigger: 'schedule',
    started_at: new Date(),
    duration_ms: 12.6,
    url: 'https://receiver.test/',
    request_headers: { 'webhook-id': 'evt_1' },
    succeeded: false,
    reason: 'http_status',
    detail: 'answered 500',
    response_status: 500,
    response_headers: { server: 'a "quoted" {value}, \\ and ü' },
    response_body: 'ünï "quoted" {a,b} \\ NULL',
    response_truncated: false,
    next_attempt_at: later,
    ...changes,
  };
}

const success = (delivery: DeliveryId, changes: Partial<AttemptRecord> = {}) =>
  failure(delivery, {
    succeeded: true,
    reason: null,
    detail: null,
    response_status: 200,
    next_attempt_at: null,
    ...changes,
  });

const record = (...records: AttemptRecord[]) => recordAttempts(database.db, records);
const delivered = async (id: DeliveryId) =>
  (await database.db.select().from(deliveries).where(eq(deliveries.id, id)))[0]!;

describe('recording attempts', () => {
  it('keeps what was sent and what came back', async () => {
    const delivery = await newDelivery();
    const attempt = failure(delivery, { request_body: '{"shaped":"ünï"}' });
    await record(attempt);
    const [row] = await database.db.select().from(attempts).where(eq(attempts.id, attempt.id));
    const { next_attempt_at: _, ...stored } = attempt;
    expect(row).toEqual({
      ...stored,
      duration_ms: 13,
      number: 1,
      outcome_number: 1,
      spent_delivery: false,
    });
    expect(await isAttemptRecorded(database.db, attempt.id)).toBe(true);
    expect(await isAttemptRecorded(database.db, newId('att'))).toBe(false);
  });

  it('moves a delivery through its schedule, one number and one step an attempt', async () => {
    const delivery = await newDelivery();
    expect(await record(failure(delivery))).toMatchObject([
      { delivery_id: delivery, number: 1, status: 'pending' },
    ]);
    expect(await delivered(delivery)).toMatchObject({
      attempt_count: 1,
      scheduled_attempts: 1,
      next_attempt_at: later,
      reason: 'answered 500',
      ended_at: null,
    });
    expect(await record(failure(delivery, { next_attempt_at: null }))).toMatchObject([
      { delivery_id: delivery, number: 2, status: 'failed' },
    ]);
    expect(await delivered(delivery)).toMatchObject({
      next_attempt_at: null,
      reason: 'answered 500',
      ended_at: expect.any(Date),
    });
  });

  it('writes a group with an answer for each', async () => {
    const ids = [await newDelivery(), await newDelivery(), await newDelivery()];
    const recorded = await record(success(ids[0]!), failure(ids[1]!), success(ids[2]!));
    expect(new Map(recorded.map(({ delivery_id, status }) => [delivery_id, status]))).toEqual(
      new Map([
        [ids[0], 'succeeded'],
        [ids[1], 'pending'],
        [ids[2], 'succeeded'],
      ]),
    );
  });

  it.each(blamelessReasons)('that failed as %s is no outcome of its endpoint', async (reason) => {
    const [recorded] = await record(failure(await newDelivery(), { reason }));
    expect(recorded).toMatchObject({ status: 'pending', outcome_number: null });
  });

  it('that failed by a fault of ours uses up no step of the schedule', async () => {
    const delivery = await newDelivery();
    const byUs = () => failure(delivery, { reason: 'proxy', detail: 'the proxy is away', is_beside: true });
    for (const number of [1, 2]) {
      expect(await record(byUs())).toMatchObject([{ number, status: 'pending', outcome_number: null }]);
    }
    expect(await record(failure(delivery))).toMatchObject([{ number: 3, status: 'pending' }]);
    expect(await delivered(delivery)).toMatchObject({ attempt_count: 3, scheduled_attempts: 1 });
  });

  it('is beside the schedule when the fault was ours: others, probes and what was before it failed for good are not', async () => {
    const delivery = await newDelivery();
    const beside = { reason: 'proxy', is_beside: true };
    const counts: number[] = [];
    for (const changes of [
      beside,
      {},
      { trigger: 'manual', reason: 'proxy' },
      { trigger: 'probe', reason: 'expressions_busy' },
      { ...beside, reason: 'expressions_busy' },
      { next_attempt_at: null },
    ] as const) {
      await record(failure(delivery, changes));
      counts.push(await countAttemptsBeside(database.db, delivery));
    }
    const again = { status: 'pending', scheduled_attempts: 0, ended_at: null } as const;
    await database.db.update(deliveries).set(again).where(eq(deliveries.id, delivery));
    await record(failure(delivery, { ...beside, trigger: 'pull' }));
    expect([...counts, await countAttemptsBeside(database.db, delivery)]).toEqual([1, 1, 1, 1, 2, 0, 1]);
  });

  it('is done once, however often it is asked for', async () => {
    const delivery = await newDelivery();
    const attempt = failure(delivery);
    await record(attempt);
    expect(await record(attempt)).toMatchObject([{ delivery_id: delivery, number: 1, status: 'pending' }]);
    expect(await delivered(delivery)).toMatchObject({ attempt_count: 1, scheduled_attempts: 1 });
  });

  it('numbers attempts that end at the same time 1…n without gap or collision', async () => {
    const delivery = await newDelivery();
    await Promise.all(
      Array.from({ length: 12 }, (_, n) =>
        record(failure(delivery, n % 3 === 0 ? { trigger: 'manual' } : {})),
      ),
    );
    const rows = await database.db.select().from(attempts).where(eq(attempts.delivery_id, delivery));
    expect(rows.map(({ number }) => number).sort((a, b) => a - b)).toEqual(
      Array.from({ length: 12 }, (_, n) => n + 1),
    );
    expect(await delivered(delivery)).toMatchObject({ attempt_count: 12, scheduled_attempts: 8 });
  });
});

describe('an attempt asked for by hand', () => {
  it('takes a number but no step of the schedule, and its failure moves nothing', async () => {
    const delivery = await newDelivery();
    await record(failure(delivery));
    await record(failure(delivery, { trigger: 'manual', detail: 'answered 502', next_attempt_at: null }));
    expect(await delivered(delivery)).toMatchObject({
      status: 'pending',
      attempt_count: 2,
      scheduled_attempts: 1,
      next_attempt_at: later,
    });
  });

  it('moves as little when it was a probe, during which the endpoint was enabled and the delivery went out', async () => {
    const delivery = await newDelivery();
    const goneOut = { next_attempt_at: later, head_start_at: new Date() };
    await database.db.update(deliveries).set(goneOut).where(eq(deliveries.id, delivery));
    await record(failure(delivery, { trigger: 'probe', next_attempt_at: null }));
    expect(await delivered(delivery)).toMatchObject({ ...goneOut, status: 'pending', scheduled_attempts: 0 });
  });

  it('ends a failed delivery as succeeded', async () => {
    const delivery = await newDelivery();
    await record(failure(delivery, { next_attempt_at: null }));
    await record(success(delivery, { trigger: 'manual' }));
    expect(await delivered(delivery)).toMatchObject({ status: 'succeeded', reason: null, attempt_count: 2 });
  });

  it('leaves a succeeded delivery succeeded when it fails', async () => {
    const delivery = await newDelivery();
    await record(success(delivery));
    const { ended_at } = await delivered(delivery);
    await record(failure(delivery, { trigger: 'manual', next_attempt_at: null }));
    expect(await delivered(delivery)).toMatchObject({ status: 'succeeded', ended_at });
  });
});

describe('an attempt that was under way while its delivery was cancelled', () => {
  it('is recorded, and leaves it cancelled when it failed', async () => {
    const delivery = await newDelivery();
    await database.db
      .update(deliveries)
      .set({
        status: 'cancelled',
        reason: 'cancelled by request',
        next_attempt_at: null,
        ended_at: new Date(),
      })
      .where(eq(deliveries.id, delivery));
    expect(await record(failure(delivery))).toMatchObject([
      { delivery_id: delivery, number: 1, status: 'cancelled' },
    ]);
    expect(await delivered(delivery)).toMatchObject({
      next_attempt_at: null,
      reason: 'cancelled by request',
    });
  });

  it('makes it succeeded when the receiver took it', async () => {
    const delivery = await newDelivery();
    await database.db.update(deliveries).set({ status: 'cancelled' }).where(eq(deliveries.id, delivery));
    expect(await record(success(delivery))).toMatchObject([{ status: 'succeeded' }]);
  });
});

describe('a record that the database refuses', () => {
  it('fails without its values in the message', async () => {
    const secret = 'a-secret-value\u0000';
    const error = await record(failure(await newDelivery(), { response_body: secret })).catch(
      (caught) => caught,
    );
    expect(error).toBeInstanceOf(DatabaseRejected);
    expect(`${error.message} ${JSON.stringify(error)} ${error.cause}`).not.toContain('a-secret-value');
  });
});

test('a statement that was planned when its tables were small reads none of them whole when they are large', async () => {
  const own = await openTestDatabase();
  try {
    const account = newId('acct');
    const webhook = newId('wh');
    await own.db.insert(accounts).values({ id: account, name: 'test' });
    await own.db.insert(webhooks).values({
      ...{ id: webhook, account_id: account, url: 'https://receiver.test/' },
      ...{ events: ['*'], profile: 'inbox' },
    });
    const acceptMany = async (count: number) => {
      const newEvents = Array.from({ length: count }, () => newEvent(account));
      const accepted = await acceptEvents(
        own.db,
        newEvents,
        () => true,
        ({ id }) => `deliver/${id}`,
      );
      return accepted.flatMap((one) => (one.outcome === 'accepted' ? one.deliveries : []));
    };
    const recordOf = (deliveries: { id: DeliveryId }[]) =>
      deliveries.map(({ id }) => success(id, { account_id: account, webhook_id: webhook }));
    // From the sixth time on PostgreSQL keeps the plan.
    for (let n = 0; n < 10; n += 1) await recordAttempts(own.db, recordOf(await acceptMany(1)));
    for (let n = 0; n < 10; n += 1) await recordAttempts(own.db, recordOf(await acceptMany(500)));
    const more = await acceptMany(1);
    const read = await own.db.transaction(async (tx) => {
      await recordAttempts(tx, recordOf(more));
      const rows = await selectRows<{ read: number }>(
        tx,
        sql`select coalesce(sum(seq_tup_read), 0)::float8 as read from pg_stat_xact_user_tables
            where relname like 'attempts%' or relname like 'events%' or relname = 'deliveries'`,
      );
      return rows[0]?.read;
    });
    expect(read).toBe(0);
  } finally {
    await own.close();
  }
});
