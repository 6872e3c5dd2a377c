import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { takeUsage } from '../../db/account-usage.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { newId } from '../../db/ids.ts';
import { createAccountLimiter } from '../../delivery/account-limiter.ts';
import { countStatements } from '../setup/count-statements.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
let counted: ReturnType<typeof countStatements>;
beforeEach(async () => {
  database = await openTestDatabase();
  counted = countStatements(database.db);
});
afterEach(() => database.close());

const secondOf = (ms: number) => Math.floor(ms / 1_000);

describe('what the database gives of a window', () => {
  test('is never more than the limit, however many ask at the same time', async () => {
    const account = newId('acct');
    const take = (wanted: number) =>
      takeUsage(database.db, { account, kind: 'events', limit: 1_000, wanted, needed: 1 });
    const grants = await Promise.all(Array.from({ length: 60 }, (_, n) => take(10 + (n % 20))));
    expect(grants.reduce((sum, { granted }) => sum + granted, 0)).toBe(1_000);
    expect(grants.some(({ granted }) => granted === 0)).toBe(true);
    expect(await take(1)).toMatchObject({ granted: 0, left: 0 });
    // A limit that was lowered below what is used gives nothing, and takes nothing back.
    const lowered = { account, kind: 'events', limit: 10, wanted: 1, needed: 1 } as const;
    expect(await takeUsage(database.db, lowered)).toMatchObject({ granted: 0, left: 0 });
    const tooMany = { account, kind: 'events', limit: 1_005, wanted: 9, needed: 6 } as const;
    expect(await takeUsage(database.db, tooMany)).toMatchObject({ granted: 0, left: 5 });
    const raised = { account, kind: 'events', limit: 1_005, wanted: 9, needed: 5 } as const;
    const { endsInMs, ...grant } = await takeUsage(database.db, raised);
    expect(grant).toEqual({ granted: 5, left: 0 });
    expect(endsInMs).toBeGreaterThan(0);
    expect(endsInMs).toBeLessThanOrEqual(86_400_000);
  });

  test('is anew what it is in the next window', async () => {
    const account = newId('acct');
    const take = () => takeUsage(database.db, { account, kind: 'requests', limit: 3, wanted: 3, needed: 1 });
    const startedAt = Date.now();
    let given = 0;
    await expect
      .poll(
        async () => {
          given += (await take()).granted;
          return given;
        },
        { timeout: 5_000 },
      )
      .toBeGreaterThanOrEqual(6);
    const windows = secondOf(Date.now()) - secondOf(startedAt) + 1;
    expect(given).toBeLessThanOrEqual(3 * windows);
  });
});

describe('processes that share an account’s limit', () => {
  test('never give more than it together, and ask the database ten times a window', async () => {
    const account = newId('acct');
    const limiters = Array.from({ length: 3 }, () => createAccountLimiter(counted.db));
    const startedAt = Date.now();
    let given = 0;
    let refused = 0;
    // Each as fast as it gets answers, until all have heard that there are no more.
    await Promise.all(
      limiters.map(async (limiter) => {
        for (let n = 0; n < 1_000; n++) {
          const allowance = await limiter.take(account, 'requests', 500, 1);
          if (allowance?.isGiven) given += 1;
          else refused += 1;
        }
      }),
    );
    const windows = secondOf(Date.now()) - secondOf(startedAt) + 1;
    expect(given).toBeGreaterThanOrEqual(500);
    expect(given).toBeLessThanOrEqual(500 * windows);
    expect(given + refused).toBe(3_000);
    expect(counted.statements()).toBeGreaterThan(10);
    // Ten parts, and each process's question after which it knows that there is none left.
    expect(counted.statements()).toBeLessThanOrEqual((10 + 3) * windows);
  });

  test('give the last of a small one to one of them', async () => {
    const account = newId('acct');
    const limiters = [createAccountLimiter(database.db), createAccountLimiter(database.db)];
    const take = (n: number, wanted: number) => limiters[n % 2]?.take(account, 'events', 5, wanted);
    const answers = await Promise.all(Array.from({ length: 12 }, (_, n) => take(n, 1)));
    expect(answers.filter((answer) => answer?.isGiven)).toHaveLength(5);
    expect(await take(0, 1)).toMatchObject({ isGiven: false, limit: 5, left: 0 });
  });

  test('leave to the others what was too little for one', async () => {
    const account = newId('acct');
    const limiters = [createAccountLimiter(database.db), createAccountLimiter(database.db)];
    expect(await limiters[0]?.take(account, 'events', 10, 11)).toMatchObject({ isGiven: false, left: 10 });
    expect(await limiters[1]?.take(account, 'events', 10, 10)).toMatchObject({ isGiven: true, left: 0 });
  });

  test('give all of what is asked for, or nothing', async () => {
    const account = newId('acct');
    const limiter = createAccountLimiter(database.db);
    expect(await limiter.take(account, 'events', 10, 11)).toMatchObject({ isGiven: false, left: 10 });
    expect(await limiter.take(account, 'events', 10, 8)).toMatchObject({ isGiven: true, left: 2 });
    expect(await limiter.take(account, 'events', 10, 3)).toMatchObject({ isGiven: false, left: 2 });
    expect(await limiter.take(account, 'events', 10, 2)).toMatchObject({ isGiven: true, left: 0 });
    // Another limit is another window in hand, of the same usage.
    expect(await limiter.take(account, 'events', 12, 2)).toMatchObject({ isGiven: true, left: 0 });
    // Another account, and another kind, are not touched.
    expect(await limiter.take(newId('acct'), 'events', 10, 10)).toMatchObject({ isGiven: true });
    expect(await limiter.take(account, 'requests', 10, 1)).toMatchObject({ isGiven: true });
  });
});

test('nothing is counted while the database is away', async () => {
  const limiter = createAccountLimiter(database.db);
  await database.close();
  expect(await limiter.take(newId('acct'), 'requests', 1, 1)).toBeUndefined();
  database = await openTestDatabase();
});
