import { eq, sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import {
  createRetentionActivities,
  type Deleted,
  type RetentionStep,
} from '../../activities/retention-activities.ts';
import { insertEndpoints } from '../../bench/limit/store-group.ts';
import { createAccount } from '../../db/accounts.ts';
import { type OpenDatabase, selectRows } from '../../db/database.ts';
import { DatabaseUnavailable } from '../../db/errors.ts';
import type { AccountId, EventId } from '../../db/ids.ts';
import { addDelivery } from '../../db/resend.ts';
import { dropPartition } from '../../db/retention.ts';
import { accounts, attempts, deliveries, events, idempotencyKeys, scheduledEvents } from '../../db/schema.ts';
import { openTestDatabase } from '../setup/database.ts';
import { seedDay } from '../setup/seed-days.ts';

const days = 10;
let database: OpenDatabase;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database.close());

async function newAccount(retention_days: number | null = null) {
  const { db } = database;
  const { id: accountId } = await createAccount(db, 'Keeps');
  await db.update(accounts).set({ retention_days }).where(eq(accounts.id, accountId));
  const [webhook] = await insertEndpoints(db, accountId, ['https://receiver.test/']);
  return { accountId, webhookId: webhook!.id };
}

/** All of it, with the transactions as small as given. */
async function expire(): Promise<Deleted> {
  const { makeDays, deleteExpired } = createRetentionActivities({ db: database.db, days });
  await makeDays();
  const all: Deleted = { deliveries: 0, events: 0, attempts: 0, keys: 0, partitions: 0 };
  let step: RetentionStep | null = { stage: 'accounts', after: null };
  while (step !== null) {
    const { deleted, next }: Awaited<ReturnType<typeof deleteExpired>> = await deleteExpired(step);
    for (const kind of Object.keys(all) as (keyof Deleted)[]) all[kind] += deleted[kind];
    step = next;
  }
  return all;
}

/** How much of an account's is there. */
async function kept(account: AccountId) {
  const { db } = database;
  return [
    await db.$count(events, eq(events.account_id, account)),
    await db.$count(deliveries, eq(deliveries.account_id, account)),
    await db.$count(attempts, eq(attempts.account_id, account)),
    await db.$count(idempotencyKeys, eq(idempotencyKeys.account_id, account)),
  ];
}

const partition = (day: Date) => `events_${day.toISOString().slice(0, 10).replaceAll('-', '')}`;
async function isThere(name: string) {
  const [row] = await selectRows<{ found: boolean }>(
    database.db,
    sql`select to_regclass(${name}) is not null as found`,
  );
  return row?.found;
}
const oneOf = async (account: AccountId) => {
  const [row] = await database.db.select().from(events).where(eq(events.account_id, account)).limit(1);
  return row?.id as EventId;
};

describe('what was kept for long enough', () => {
  test('goes by whole days, with their partitions; what is younger stays', async () => {
    const account = await newAccount();
    const old = await seedDay(database.db, { ...account, daysAgo: days + 1, count: 2_500 });
    const young = await seedDay(database.db, { ...account, daysAgo: days, count: 3 });
    const deleted = await expire();
    expect(deleted).toMatchObject({ deliveries: 2_500, keys: 2_500, events: 0, attempts: 0 });
    expect(deleted.partitions).toBeGreaterThanOrEqual(2);
    expect(await kept(account.accountId)).toEqual([3, 3, 3, 3]);
    expect([await isThere(partition(old)), await isThere(partition(young))]).toEqual([false, true]);
    expect(await expire()).toEqual({ deliveries: 0, events: 0, attempts: 0, keys: 0, partitions: 0 });
  });

  test.each(['pending', 'held'])('stays while it is %s, with its event and its attempts', async (status) => {
    const account = await newAccount();
    const { db } = database;
    await seedDay(db, { ...account, daysAgo: days + 5, count: 30 });
    const day = await seedDay(db, { ...account, daysAgo: days + 5, count: 2, status });
    await expire();
    expect(await kept(account.accountId)).toEqual([2, 2, 2, 0]);
    expect(await isThere(partition(day))).toBe(true);

    await db.update(deliveries).set({ status: 'succeeded', ended_at: new Date() });
    await expire();
    // It has just ended: who sent it may look at it.
    expect(await kept(account.accountId)).toEqual([2, 2, 2, 0]);
    await db.update(deliveries).set({ ended_at: new Date(Date.now() - 90_000_000) });
    await expire();
    expect(await kept(account.accountId)).toEqual([0, 0, 0, 0]);
    expect(await isThere(partition(day))).toBe(false);
  });

  test('stays while it waits for its time, with its key, and as long as others once it has gone out', async () => {
    const { db } = database;
    const both = [await newAccount(), await newAccount(2)];
    for (const { accountId: account_id, webhookId: webhook_id } of both) {
      await seedDay(db, { accountId: account_id, webhookId: webhook_id, daysAgo: days + 5, count: 3 });
      const event_id = await oneOf(account_id);
      await db.delete(deliveries).where(eq(deliveries.event_id, event_id));
      await db.insert(scheduledEvents).values({ event_id, account_id, due_at: new Date() });
      await expire();
      expect(await kept(account_id)).toEqual([1, 0, 0, 1]);

      await db.delete(scheduledEvents);
      const to = { account_id, event_id, webhook_id };
      await addDelivery(db, to, (delivery) => `deliver/${delivery}`, new Date());
      const ended_at = new Date(Date.now() - 90_000_000);
      await db.update(deliveries).set({ status: 'succeeded', ended_at });
      await expire();
      expect((await kept(account_id)).slice(0, 2)).toEqual([1, 1]);
      await db.update(deliveries).set({ created_at: new Date(Date.now() - (days + 2) * 86_400_000) });
      await expire();
      expect((await kept(account_id)).slice(0, 2)).toEqual([0, 0]);
    }
  });

  test('is for each account what it says: fewer days row by row, more days keep the partition', async () => {
    const [usual, short, long] = [await newAccount(), await newAccount(2), await newAccount(days + 20)];
    const { db } = database;
    const daysAgo = [1, 3, days + 1, days + 21];
    for (const account of [usual, short, long]) {
      for (const one of daysAgo) await seedDay(db, { ...account, daysAgo: one, count: 450 });
      await seedDay(db, { ...account, daysAgo: 3, count: 1, status: 'held' });
    }
    const deleted = await expire();
    expect(await kept(usual.accountId)).toEqual([901, 901, 901, 901]);
    // Of its third day the held one is kept, without its key.
    expect(await kept(short.accountId)).toEqual([451, 451, 451, 450]);
    expect(await kept(long.accountId)).toEqual([1_351, 1_351, 1_351, 1_351]);
    expect(deleted.events).toBe(2 * 450 + 3 * 450);
  });

  test('goes row by row where it is outside of every day’s partition', async () => {
    const account = await newAccount();
    const { db } = database;
    const name = partition(await seedDay(db, { ...account, daysAgo: days + 40, count: 5 }));
    await db.execute(sql`alter table events detach partition ${sql.identifier(name)}`);
    await db.execute(sql`insert into events select * from ${sql.identifier(name)}`);
    await db.execute(sql`drop table ${sql.identifier(name)}`);
    expect(await expire()).toMatchObject({ deliveries: 5, events: 5 });
    expect(await kept(account.accountId)).toEqual([0, 0, 0, 0]);
  });
});

describe.runIf(process.env.TEST_DATABASE_URL)('a partition', () => {
  async function emptyDay() {
    const account = await newAccount();
    const day = await seedDay(database.db, { ...account, daysAgo: days + 3, count: 1 });
    await database.db.delete(deliveries);
    return { account, day };
  }

  test('is not waited for while somebody uses its table: whoever comes after would wait as well', async () => {
    const { day } = await emptyDay();
    const { db } = database;
    let end = () => {};
    const reading = db.transaction(async (tx) => {
      await tx.$count(events);
      await new Promise<void>((resolve) => {
        end = resolve;
      });
    });
    onTestFinished(() => end());
    await expect
      .poll(async () =>
        db
          .execute(sql`select 1 from pg_locks where relation = 'events'::regclass`)
          .then((r) => (r as unknown as { rows: unknown[] }).rows.length),
      )
      .toBeGreaterThan(0);
    const askedAt = performance.now();
    await expect(dropPartition(db, { name: partition(day), table: 'events' })).rejects.toThrow(
      DatabaseUnavailable,
    );
    expect(performance.now() - askedAt).toBeLessThan(2_000);
    end();
    await reading;
    expect(await dropPartition(db, { name: partition(day), table: 'events' })).toBe(true);
  });

  test('whose event is sent again at the same moment goes whole, or stays with the new delivery', async () => {
    const { db } = database;
    for (let round = 0; round < 8; round += 1) {
      const { account, day } = await emptyDay();
      const event_id = await oneOf(account.accountId);
      const { accountId: account_id, webhookId: webhook_id } = account;
      const adding = addDelivery(
        db,
        { account_id, event_id, webhook_id },
        (delivery) => `deliver/${delivery}`,
        new Date(),
      );
      const dropping = dropPartition(db, { name: partition(day), table: 'events' }).catch(() => false);
      const [added, isDropped] = [await adding, await dropping];
      const owed = await db.$count(deliveries, eq(deliveries.account_id, account_id));
      expect({ owed, isDropped }).toEqual(
        added === undefined ? { owed: 0, isDropped: true } : { owed: 1, isDropped: false },
      );
    }
  });
});
