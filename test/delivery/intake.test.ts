import { setTimeout as delay } from 'node:timers/promises';
import { eq, sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { NewEvent } from '../../db/accept-events.ts';
import { createAccount } from '../../db/accounts.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { DatabaseUnavailable } from '../../db/errors.ts';
import { type AccountId, newId, timeOf, type WebhookId } from '../../db/ids.ts';
import { deliveries, events, webhooks } from '../../db/schema.ts';
import type { AttemptOutcome } from '../../delivery/attempter.ts';
import { createEndpointSlots } from '../../delivery/endpoint-slots.ts';
import type { Expressions } from '../../delivery/expressions.ts';
import { createHeadStarts } from '../../delivery/head-start.ts';
import { createIntake, IntakeFull } from '../../delivery/intake.ts';
import { createPuttingOff } from '../../delivery/putting-off.ts';
import type { Joining, WorkflowPacer } from '../../delivery/workflow-pacer.ts';
import { openTestDatabase } from '../setup/database.ts';
import { noLimits } from './no-limits.ts';

let database: OpenDatabase;
let account_id: AccountId;
beforeAll(async () => {
  database = await openTestDatabase();
  account_id = (await createAccount(database.db, 'Mine')).id;
  const webhook = { id: newId('wh'), account_id, url: 'https://receiver.test/', profile: 'inbox' };
  await database.db.insert(webhooks).values({ ...webhook, events: ['*'] });
});
afterAll(() => database.close());

/** Notes what its transactions have stored. */
function notingPacer() {
  const settled: Parameters<Joining['settle']>[0][] = [];
  const pacer: WorkflowPacer = {
    join: () => ({
      workflowIdOf: (event) => `deliver/${event}`,
      settle: (stored) => {
        settled.push(stored);
      },
    }),
    close: async () => {},
  };
  return { pacer, settled };
}

function newEvent(changes: Partial<NewEvent> = {}): NewEvent {
  const id = newId('evt');
  return {
    ...{ id, account_id, client_id: null, type: 'message.read', channel: null, data: '{}', is_test: false },
    ...{
      created_at: timeOf(id),
      only_webhook: null,
      about_webhook: null,
      idempotency_keys: [],
      request_hash: '',
    },
    ...changes,
  };
}

const storedOf = async (event: NewEvent) => database.db.select().from(events).where(eq(events.id, event.id));

describe('the intake', () => {
  it('stores what waits in few transactions, and answers each of those who wait', async () => {
    const { pacer, settled } = notingPacer();
    const intake = createIntake({ db: database.db, pacer });
    const many = Array.from({ length: 200 }, () => newEvent());
    const answers = await Promise.all(many.map((event) => intake.accept(event)));
    expect(answers.map((answer) => answer.outcome === 'accepted' && answer.event_id)).toEqual(
      many.map(({ id }) => id),
    );
    expect(settled.length).toBeLessThan(10);
    expect(
      settled
        .flat()
        .map(({ event_id }) => event_id)
        .sort(),
    ).toEqual(many.map(({ id }) => id).sort());
    await intake.close();
  });

  it('stores events that come together in one transaction', async () => {
    const { pacer, settled } = notingPacer();
    const intake = createIntake({ db: database.db, pacer });
    const many = Array.from({ length: 1_000 }, () => newEvent());
    await intake.acceptAll(many);
    expect(settled.map((stored) => stored.length)).toEqual([1_000]);
    await intake.close();
  });

  it('refuses what is more than could be stored within a second, and stores the rest', async () => {
    const { pacer } = notingPacer();
    const intake = createIntake({ db: database.db, pacer });
    const answers = await Promise.allSettled(
      Array.from({ length: 12 }, () => intake.acceptAll(Array.from({ length: 1_000 }, () => newEvent()))),
    );
    const refused = answers.flatMap((answer) => (answer.status === 'rejected' ? answer.reason : []));
    expect(refused.length).toBeGreaterThan(2);
    expect(refused.some((error) => error instanceof IntakeFull)).toBe(true);
    expect((await intake.accept(newEvent())).outcome).toBe('accepted');
    await intake.close();
  });

  it('refuses bytes without end, however few events they are', async () => {
    const { pacer } = notingPacer();
    const intake = createIntake({ db: database.db, pacer });
    const data = JSON.stringify('x'.repeat(8_000_000));
    const answers = await Promise.allSettled(
      Array.from({ length: 14 }, () => intake.accept(newEvent({ data }))),
    );
    expect(
      answers.some((answer) => answer.status === 'rejected' && answer.reason instanceof IntakeFull),
    ).toBe(true);
    await intake.close();
  });

  it('does not let what the database refuses take its neighbours with it', async () => {
    const { pacer } = notingPacer();
    const intake = createIntake({ db: database.db, pacer });
    const [first, bad, last] = [newEvent(), newEvent({ type: 'holds a \u0000' }), newEvent()];
    // The first two transactions are taken: these three are of one group.
    const before = [intake.accept(newEvent()), intake.accept(newEvent())];
    const answers = await Promise.allSettled([first, bad, last].map((event) => intake.accept(event)));
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await storedOf(first)).toHaveLength(1);
    await Promise.all(before);
    await intake.close();
  });
});

describe('an intake that asks filters', () => {
  async function filtering(ask: (expression: string, webhook: WebhookId) => Promise<{ passes: boolean }>) {
    const { id: account_id } = await createAccount(database.db, 'Filtering');
    const webhook = { id: newId('wh'), account_id, url: 'https://receiver.test/', profile: 'inbox' };
    await database.db.insert(webhooks).values({ ...webhook, events: ['*'], filter: 'first' });
    const filter: Expressions['filter'] = ({ expression }) => ask(expression, webhook.id);
    const intake = createIntake({ ...{ db: database.db, expressions: { filter } }, ...notingPacer() });
    return { intake, account_id, accept: () => intake.accept(newEvent({ account_id })) };
  }

  it('waits for them when it is closed, and lets others have their turn', async () => {
    let patienceMs = 0;
    const { intake, accept } = await filtering(() => delay(patienceMs, { passes: true }));
    // From then on its webhooks are known.
    await accept();
    patienceMs = 50;
    const [accepted] = await Promise.all([accept(), intake.close()]);
    expect(accepted).toMatchObject({ outcome: 'accepted', deliveries: [{ is_filter_open: false }] });
  });

  it('does not store what it has answered about already, when they were not asked before', async () => {
    const asked: string[] = [];
    const { intake, accept, account_id } = await filtering(async (expression) => {
      asked.push(expression);
      return { passes: true };
    });
    await database.db.transaction(async (tx) => {
      await tx.execute(sql`lock table webhooks in access exclusive mode`);
      await expect(accept()).rejects.toThrow(DatabaseUnavailable);
    });
    await intake.close();
    expect(asked).toEqual([]);
    expect(await database.db.select().from(events).where(eq(events.account_id, account_id))).toEqual([]);
  });

  it('has no other event wait for those of an account that it did not know', async () => {
    let otherIsStored = () => {};
    const stored = new Promise<void>((resolve) => {
      otherIsStored = resolve;
    });
    const { intake, accept } = await filtering(() => stored.then(() => ({ passes: true })));
    const [accepted] = await Promise.all([accept(), intake.accept(newEvent()).then(otherIsStored)]);
    // Had the other waited, the filter would have had no answer in time.
    expect(accepted).toMatchObject({ outcome: 'accepted', deliveries: [{ is_filter_open: false }] });
    await intake.close();
  });

  it('asks twice at most, however often they change meanwhile, and leaves open what is new after that', async () => {
    const asked: string[] = [];
    const { intake, accept } = await filtering(async (expression, webhook) => {
      asked.push(expression);
      const isThis = eq(webhooks.id, webhook);
      await database.db
        .update(webhooks)
        .set({ filter: `changed ${asked.length}` })
        .where(isThis);
      return { passes: false };
    });
    expect(await accept()).toMatchObject({ outcome: 'accepted', deliveries: [{ is_filter_open: true }] });
    expect(asked).toEqual(['first', 'changed 1']);
    await intake.close();
  });
});

describe('a first attempt', () => {
  const outcome: AttemptOutcome = {
    ...{ status: 'succeeded', number: 1, reason: '', due_at: null, is_final: false, is_gone: false },
  };

  function withHeadStarts(attempt: () => Promise<AttemptOutcome>) {
    const { pacer } = notingPacer();
    const { db } = database;
    const slots = createEndpointSlots();
    const { limiter } = noLimits;
    const headStarts = createHeadStarts({
      ...{ db, slots, limiter, hasWorker: true, attempter: { attempt } },
      puttingOff: createPuttingOff({ db, slots, limiter, onWaiting: () => {} }),
      log: pino({ level: 'silent' }),
    });
    return { headStarts, intake: createIntake({ db: database.db, pacer, headStarts }) };
  }

  const deliveryOf = async (event: NewEvent) => {
    const [delivery] = await database.db.select().from(deliveries).where(eq(deliveries.event_id, event.id));
    return delivery;
  };

  it('is noted in the delivery, and known to the workflow that runs here', async () => {
    const { intake, headStarts } = withHeadStarts(async () => outcome);
    const event = newEvent();
    await intake.accept(event);
    expect((await deliveryOf(event))?.head_start_at).toEqual(expect.any(Date));
    const known = headStarts.take(`deliver/${event.id}`);
    expect(known?.isWhole).toBe(true);
    expect(await Promise.all([...(known?.byDelivery.values() ?? [])].map((one) => one.outcome))).toEqual([
      outcome,
    ]);
    expect(headStarts.take(`deliver/${event.id}`)).toBeUndefined();
    await headStarts.close();
  });

  it('is not made of a repeat', async () => {
    let made = 0;
    const { intake, headStarts } = withHeadStarts(async () => {
      made += 1;
      return outcome;
    });
    const keys = { idempotency_keys: ['key:once'], request_hash: 'same' };
    await Promise.all([1, 2, 3].map(() => intake.accept(newEvent(keys))));
    expect(made).toBe(1);
    await headStarts.close();
  });

  it('that is not here to be made is left to the workflow: beyond the endpoint’s share and line', async () => {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { intake, headStarts } = withHeadStarts(() => ended.then(() => outcome));
    const many = Array.from({ length: 2_020 }, () => newEvent());
    await intake.acceptAll(many.slice(0, 1_000));
    await intake.acceptAll(many.slice(1_000));
    const noted = await Promise.all(
      many.slice(1_980).map(async (event) => (await deliveryOf(event))?.head_start_at),
    );
    expect(noted.filter((at) => at === null)).toHaveLength(20);
    const last = headStarts.take(`deliver/${many.at(-1)?.id}`);
    expect(last).toMatchObject({ isWhole: false });
    end();
    await headStarts.close();
  });

  it('under way is renewed every second; one that waited for its slot waits in the database then', async () => {
    const { many, headStarts, end } = await startMany();
    const noted = (await deliveryOf(many[0]!))?.head_start_at;
    await expect
      .poll(async () => Number((await deliveryOf(many[0]!))?.head_start_at), { timeout: 10_000 })
      .toBeGreaterThan(Number(noted));
    await expect
      .poll(async () => (await deliveryOf(many[69]!))?.waiting_since, { timeout: 10_000 })
      .not.toBeNull();
    expect(await deliveryOf(many[69]!)).toMatchObject({
      ...{ status: 'pending', head_start_at: null, reason: 'waits its turn at its endpoint' },
    });
    expect(await deliveryOf(many[0]!)).toMatchObject({
      head_start_at: expect.any(Date),
      waiting_since: null,
    });
    end();
    await headStarts.close();
  });

  it('that waits for its slot is left to its workflow when the process stops', async () => {
    const { many, headStarts, end } = await startMany();
    const closed = headStarts.close();
    await expect
      .poll(async () => (await deliveryOf(many[69]!))?.head_start_at, { timeout: 10_000 })
      .toBeNull();
    expect(await deliveryOf(many[69]!)).toMatchObject({ waiting_since: null });
    expect(await deliveryOf(many[0]!)).toMatchObject({ head_start_at: expect.any(Date) });
    end();
    await closed;
  });

  /** More than the endpoint has slots; all that have one end with `end`. */
  async function startMany() {
    let end = () => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    const { intake, headStarts } = withHeadStarts(() => ended.then(() => outcome));
    const many = Array.from({ length: 70 }, () => newEvent());
    await intake.acceptAll(many);
    return { many, headStarts, end };
  }
});
