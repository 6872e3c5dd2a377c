import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import { eq, inArray, sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { acceptEvents, type NewEvent } from '../../db/accept-events.ts';
import { createAccount } from '../../db/accounts.ts';
import { type OpenDatabase, selectRows } from '../../db/database.ts';
import { DatabaseRejected } from '../../db/errors.ts';
import { endExpired } from '../../db/expired-deliveries.ts';
import { type AccountId, type DeliveryId, type EventId, newId, timeOf } from '../../db/ids.ts';
import {
  cancelScheduledEvent,
  changeScheduledEvent,
  findNextMoment,
  takeUpDueEvents,
} from '../../db/scheduled-events.ts';
import { deliveries, events, idempotencyKeys, scheduledEvents, webhooks } from '../../db/schema.ts';
import { createSubscriptionMemory } from '../../db/subscriptions.ts';
import { createIntake, type Intake } from '../../delivery/intake.ts';
import { createTimekeeper } from '../../delivery/timekeeper.ts';
import type { WorkflowPacer } from '../../delivery/workflow-pacer.ts';
import { openTestDatabase } from '../setup/database.ts';
import { waitFor } from '../setup/wait-for.ts';

let database: OpenDatabase;
let account_id: AccountId;
beforeAll(async () => {
  database = await openTestDatabase();
  account_id = (await createAccount(database.db, 'Mine')).id;
  const webhook = { id: newId('wh'), account_id, url: 'https://receiver.test/', profile: 'inbox' };
  await database.db.insert(webhooks).values({ ...webhook, events: ['*'] });
});
afterAll(() => database.close());

const actor = { kind: 'postrider' } as const;
const inMs = (ms: number) => new Date(Date.now() + ms);
const pacer: WorkflowPacer = {
  join: () => ({ workflowIdOf: (event) => `deliver/${event}`, settle: () => {} }),
  close: async () => {},
};

function newEvent(changes: Partial<NewEvent>): NewEvent {
  const id = newId('evt');
  return {
    ...{ id, account_id, client_id: null, type: 'message.read', channel: null, data: '{}', is_test: false },
    ...{ created_at: timeOf(id), only_webhook: null, about_webhook: null },
    ...{ idempotency_keys: [], request_hash: '' },
    ...changes,
  };
}

/** As in a process that has run for a while: a release is then one statement. */
const memory = createSubscriptionMemory();
const accept = (given: readonly NewEvent[]) =>
  acceptEvents(
    database.db,
    given,
    () => true,
    (event) => `deliver/${event.id}`,
    { memory },
  );

async function schedule(count: number, deliver_at: Date, changes: Partial<NewEvent> = {}) {
  const all = Array.from({ length: count }, () => newEvent({ deliver_at, ...changes }));
  await accept(all);
  return all;
}

interface TimekeeperChanges {
  lookAroundMs?: number;
  timeoutMs?: number;
  /** What the timekeeper has in place of the intake's own. */
  acceptAll?: (events: readonly NewEvent[], intake: Intake) => ReturnType<Intake['acceptAll']>;
}

/** As many as a process that has a timekeeper, each with an intake of its own. */
function keepTime(processes: number, { acceptAll, ...changes }: TimekeeperChanges = {}) {
  const released: number[] = [];
  const groups: number[] = [];
  const keepers = Array.from({ length: processes }, () => {
    const intake = createIntake({
      db: database.db,
      pacer,
      onStored: (count) => groups.push(count),
      onTimed: (time) => keeper.lookAt(time),
    });
    const keeper = createTimekeeper({
      ...{ db: database.db, isBehind: () => false, onExpired: () => {}, ...changes },
      intake: acceptAll === undefined ? intake : { acceptAll: (all) => acceptAll(all, intake) },
      ...{ onReleased: (lateMs) => released.push(lateMs), log: pino({ level: 'silent' }) },
    });
    const close = async () => {
      await keeper.close();
      await intake.close();
    };
    onTestFinished(close);
    return { keeper, intake };
  });
  return { keepers, released, groups };
}

const ids = (all: readonly NewEvent[]) => all.map(({ id }) => id);
const deliveriesOf = (all: readonly { id: EventId }[]) =>
  database.db
    .select()
    .from(deliveries)
    .where(
      inArray(
        deliveries.event_id,
        all.map(({ id }) => id),
      ),
    );
const waitingOf = (all: readonly { id: EventId }[]) =>
  database.db.$count(
    scheduledEvents,
    inArray(
      scheduledEvents.event_id,
      all.map(({ id }) => id),
    ),
  );
const allReleased = (all: readonly NewEvent[]) =>
  waitFor(async () => ((await waitingOf(all)) === 0 ? true : undefined), 'all to be released');

describe('scheduled events', () => {
  it('are released once each by however many processes, in transactions of a hundred', async () => {
    const all = await schedule(600, inMs(-1_000));
    const { released, groups } = keepTime(3);
    await allReleased(all);
    await waitFor(async () => (released.length >= 600 ? true : undefined), 'all to be told');
    const owed = await deliveriesOf(all);
    expect(owed.map(({ event_id }) => event_id).sort()).toEqual(ids(all).sort());
    expect(owed.every(({ status, next_attempt_at }) => status === 'pending' && next_attempt_at)).toBe(true);
    expect(released).toHaveLength(600);
    expect(Math.max(...groups)).toBeLessThanOrEqual(200);
  });

  it('go out at their time, also when it is told by the intake or by whoever changes it', async () => {
    const { keepers, released } = keepTime(1);
    const [{ keeper, intake }] = keepers as [(typeof keepers)[0]];
    const soon = newEvent({ deliver_at: inMs(400) });
    const far = newEvent({ deliver_at: inMs(3_600_000) });
    await intake.acceptAll([soon, far]);
    expect(await deliveriesOf([soon, far])).toEqual([]);
    await allReleased([soon]);
    expect(released).toHaveLength(1);
    expect(released[0]).toBeGreaterThanOrEqual(-50);
    expect(released[0]).toBeLessThan(5_000);
    expect(await waitingOf([far])).toBe(1);
    const change = { deliver_at: inMs(50), expires_at: null, data: '{"now":1}', fields: ['deliver_at'] };
    await changeScheduledEvent(database.db, { ...far, version: 1 }, change, { actor });
    keeper.lookAt(change.deliver_at);
    await allReleased([far]);
    const [delivery] = await deliveriesOf([far]);
    expect(delivery?.next_attempt_at?.getTime()).toBeGreaterThanOrEqual(change.deliver_at.getTime() - 50);
  });

  it('go out also after a look that took longer than the pause between two, and heard of a later one', async () => {
    const [first] = (await schedule(1, inMs(-1_000))) as [NewEvent];
    let looks = 0;
    const { keepers } = keepTime(1, {
      lookAroundMs: 50,
      acceptAll: async (due, intake) => {
        if (looks++ === 0) {
          keepers[0]?.keeper.lookAt(inMs(3_000));
          await delay(200);
        }
        return intake.acceptAll(due);
      },
    });
    await allReleased([first]);
    // Until that look is over. Of the next one nobody tells the timekeeper.
    await delay(300);
    await allReleased(await schedule(1, inMs(-1_000)));
  });

  it('go out although the database refuses one that was due with them', async () => {
    const all = (await schedule(5, inMs(-1_000))) as [NewEvent, ...NewEvent[]];
    const [refused, ...others] = all;
    const { released } = keepTime(1, {
      acceptAll: (due, intake) =>
        due.some(({ id }) => id === refused.id)
          ? Promise.reject(new DatabaseRejected('refused'))
          : intake.acceptAll(due),
    });
    await allReleased(others);
    expect(await waitingOf([refused])).toBe(1);
    await waitFor(async () => (released.length === others.length ? true : undefined), 'all to be told');
    await cancelScheduledEvent(database.db, refused, { actor, now: new Date() });
  });

  it.runIf(process.env.TEST_DATABASE_URL)(
    'go out at once though somebody else has their row in hand for a moment, as who looks in the same moment has',
    async () => {
      let calls = 0;
      const { released } = keepTime(1, {
        acceptAll: (all, intake) => {
          calls += 1;
          if (calls > 1) return intake.acceptAll(all);
          return database.db.transaction(async (tx) => {
            await tx
              .select()
              .from(scheduledEvents)
              .where(inArray(scheduledEvents.event_id, ids(all)))
              .for('update');
            return intake.acceptAll(all);
          });
        },
      });
      const due = await schedule(3, inMs(200));
      await waitFor(async () => (released.length === 3 ? true : undefined), 'them to be released');
      expect(calls).toBe(2);
      // Left to whoever took them up they would be for 8 s.
      expect(Math.max(...released)).toBeLessThan(4_000);
      expect(await deliveriesOf(due)).toHaveLength(3);
    },
  );

  it('that a process had in hand when it died are left to others after some seconds, and released once', async () => {
    const all = await schedule(3, inMs(-1_000));
    expect(await takeUpDueEvents(database.db, { limit: 10, now: new Date() })).toHaveLength(3);
    expect(await takeUpDueEvents(database.db, { limit: 10, now: new Date() })).toEqual([]);
    expect(await findNextMoment(database.db)).toBeGreaterThan(3_000);
    await database.db.update(scheduledEvents).set({ due_at: inMs(-1) });
    keepTime(1);
    await allReleased(all);
    expect(await deliveriesOf(all)).toHaveLength(3);
  });

  it.runIf(process.env.TEST_DATABASE_URL)(
    'go out after a time in which no statement was answered, and those that were given up leave their connections',
    async () => {
      const all = await schedule(3, inMs(-1_000));
      await database.db.transaction(async (tx) => {
        await tx.execute(sql`lock table scheduled_events in access exclusive mode`);
        keepTime(1, { timeoutMs: 100 });
        // Not in the transaction: it would see the same connections all the time.
        const stuck = () =>
          selectRows<{ pid: number }>(
            database.db,
            sql`select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          );
        const seen = new Set<number>();
        await waitFor(async () => {
          for (const { pid } of await stuck()) seen.add(pid);
          return seen.size >= 2 ? true : undefined;
        }, 'it to be tried again');
        const [first] = seen;
        const isGone = async () => ((await stuck()).every(({ pid }) => pid !== first) ? true : undefined);
        await waitFor(isGone, 'the server to give up the first');
      });
      // Those that were given up last have taken them up once more, for nobody.
      await waitFor(async () => {
        await database.db.update(scheduledEvents).set({ due_at: inMs(-1) });
        return (await waitingOf(all)) === 0 ? true : undefined;
      }, 'all to be released');
      expect(await deliveriesOf(all)).toHaveLength(3);
    },
  );

  it.runIf(process.env.TEST_DATABASE_URL)(
    'are taken up with the data of the version in which they are taken up',
    async () => {
      const { db } = database;
      const data = '{"n":1}';
      const [first, second] = [
        ...(await schedule(1, inMs(-2_000), { data })),
        ...(await schedule(1, inMs(-1_000), { data })),
      ] as [NewEvent, NewEvent];
      // Whoever takes up the first waits there, with the second not locked yet.
      const lock = 4_711;
      await db.execute(sql`create function wait_here() returns trigger language plpgsql as $$
        begin perform pg_advisory_xact_lock_shared(${sql.raw(`${lock}`)}); return new; end $$`);
      await db.execute(sql`create trigger wait_here before update on scheduled_events
        for each row when (old.version = new.version) execute function wait_here()`);
      onTestFinished(() => db.execute(sql`drop function wait_here cascade`).then(() => {}));
      const taking = await db.transaction(async (tx) => {
        await tx.execute(sql`select pg_advisory_xact_lock(${sql.raw(`${lock}`)})`);
        const begun = takeUpDueEvents(db, { limit: 10, now: new Date() });
        await waitFor(async () => {
          const waiting = sql`select from pg_locks where locktype = 'advisory' and not granted and objid = ${sql.raw(`${lock}`)}`;
          return (await selectRows(tx, waiting)).length > 0 ? true : undefined;
        }, 'it to be taken up');
        const change = { deliver_at: inMs(-500), expires_at: null, data: '{"n":2}', fields: ['data'] };
        expect(await changeScheduledEvent(db, { ...second, version: 1 }, change, { actor })).toBe(true);
        return { begun };
      });
      const due = await taking.begun;
      expect(due.map(({ id, data, release }) => [id, data, release.version])).toEqual([
        [first.id, '{"n":1}', 1],
        [second.id, '{"n":2}', 2],
      ]);
      await accept(due);
    },
  );

  it('that are changed while they are taken up go out as they are then', async () => {
    const { db } = database;
    const [event] = (await schedule(1, inMs(-1_000))) as [NewEvent];
    const change = { deliver_at: inMs(-500), expires_at: null, data: '{"n":2}', fields: ['data'] };
    const { session } = db as unknown as { session: { prepareQuery(...args: unknown[]): object } };
    const prepareQuery = (...args: unknown[]) => {
      const prepared = session.prepareQuery(...args) as { execute(): Promise<unknown> };
      const execute = async () => {
        const result = await prepared.execute();
        const isTaken = args[2] === 'take_up_due_events';
        if (isTaken) await changeScheduledEvent(db, { ...event, version: 1 }, change, { actor });
        return result;
      };
      return { execute };
    };
    const changing = Object.create(db, { session: { value: { prepareQuery } } });
    expect(await takeUpDueEvents(changing, { limit: 10, now: new Date() })).toEqual([]);
    const due = await takeUpDueEvents(db, { limit: 10, now: new Date() });
    expect(due).toMatchObject([{ id: event.id, data: '{"n":2}', release: { version: 2 } }]);
    await accept(due);
  });

  it('are released, changed or cancelled, as whoever came first to the row will have it', async () => {
    const { db } = database;
    const all = await schedule(30, inMs(-1_000));
    const due = await takeUpDueEvents(db, { limit: 30, now: new Date() });
    const later = { deliver_at: inMs(3_600_000), expires_at: null, data: null, fields: [] };
    const outcomes = await Promise.all(
      due.map(async (event, index) => {
        const release = async () => (await accept([event]))[0]?.outcome === 'accepted';
        const change = () => changeScheduledEvent(db, { ...event, version: 1 }, later, { actor });
        const cancel = () => cancelScheduledEvent(db, event, { actor, now: new Date() });
        const [first, second] = [
          [release, cancel],
          [cancel, release],
          [change, release],
        ][index % 3] as [() => Promise<boolean>, () => Promise<boolean>];
        const begun = first();
        await nextTurn();
        return Promise.all([begun, second()]);
      }),
    );
    const owed = new Set((await deliveriesOf(all)).map(({ event_id }) => event_id));
    const stored = new Map(
      (
        await db
          .select()
          .from(events)
          .where(inArray(events.id, ids(all)))
      ).map((row) => [row.id, row]),
    );
    for (const [index, { id }] of due.entries()) {
      const isReleased = owed.has(id);
      const isCancelled = stored.get(id)?.cancelled_at !== null;
      const isWaiting = (await waitingOf([{ id }])) === 1;
      // Exactly one of them. What found the row in others' hands has left it as it was.
      expect([isReleased, isCancelled, isWaiting].filter(Boolean)).toHaveLength(1);
      expect(outcomes[index]?.filter(Boolean).length).toBeLessThanOrEqual(1);
    }
    expect(owed.size).toBeGreaterThan(0);
  });

  it('keep their producers’ ids for as long after they go out as others do', async () => {
    const client_id = `own-${newId('evt').slice(4)}`;
    const keys = { client_id, idempotency_keys: [`id:${client_id}`] };
    const [event] = (await schedule(1, inMs(-1_000), keys)) as [NewEvent];
    const key = eq(idempotencyKeys.event_id, event.id);
    await database.db
      .update(idempotencyKeys)
      .set({ created_at: inMs(-90 * 86_400_000) })
      .where(key);
    keepTime(1);
    await allReleased([event]);
    const [kept] = await database.db.select().from(idempotencyKeys).where(key);
    expect(Date.now() - (kept?.created_at.getTime() ?? 0)).toBeLessThan(60_000);
  });
});

describe('deliveries of events that have expired', () => {
  it('end as such wherever they wait, and say why, but for those whose attempt is under way', async () => {
    const { db } = database;
    const all = Array.from({ length: 5 }, () => newEvent({ expires_at: inMs(3_600_000) }));
    await accept(all);
    const made = (await deliveriesOf(all)).map(({ id }) => id);
    const [pending, held, queued, underWay, fresh] = made as [DeliveryId, ...DeliveryId[]] & { length: 5 };
    const set = (id: DeliveryId | undefined, values: Partial<typeof deliveries.$inferInsert>) =>
      db
        .update(deliveries)
        .set(values)
        .where(eq(deliveries.id, id as DeliveryId));
    const past = inMs(-1_000);
    await set(pending, { expires_at: past, next_attempt_at: inMs(60_000), reason: 'answered 500' });
    await set(held, { expires_at: past, status: 'held', next_attempt_at: null });
    await set(queued, { expires_at: past, status: 'queued', next_attempt_at: null, pull_number: 1 });
    await set(underWay, { expires_at: past, head_start_at: new Date() });
    expect(await endExpired(db, 100)).toBe(3);
    const found = new Map((await deliveriesOf(all)).map((row) => [row.id, row]));
    const [p, h, q, u, f] = [pending, held, queued, underWay, fresh].map((id) => found.get(id as DeliveryId));
    expect(p).toMatchObject({
      ...{ status: 'expired', next_attempt_at: null, ended_at: expect.any(Date) },
      reason: 'expired before it was delivered: answered 500',
    });
    expect(h).toMatchObject({ status: 'expired', reason: 'expired before it was delivered' });
    expect(q).toMatchObject({ status: 'expired', pull_number: 1 });
    expect([u?.status, f?.status]).toEqual(['pending', 'pending']);
  });
});
