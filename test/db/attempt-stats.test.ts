import { sql } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAccount } from '../../db/accounts.ts';
import { foldAttempts, pruneStats, readStats, statsSpans } from '../../db/attempt-stats.ts';
import { type OpenDatabase, selectRows } from '../../db/database.ts';
import { type AccountId, newId, type WebhookId } from '../../db/ids.ts';
import { recordAttempts } from '../../db/record-attempts.ts';
import { attemptStats, attempts, changes, webhooks } from '../../db/schema.ts';
import { recordSome } from '../setup/attempts.ts';
import { openTestDatabase } from '../setup/database.ts';
import { readBy } from '../setup/plan.ts';

let database: OpenDatabase;
let one: { account_id: AccountId; webhook_id: WebhookId };
beforeEach(async () => {
  database = await openTestDatabase();
  one = await newOwner();
});
afterEach(() => database.close());

async function newOwner() {
  const { id: account_id } = await createAccount(database.db, 'x');
  const webhook_id = newId('wh');
  const rest = { url: 'https://receiver.test/', events: ['*'], profile: 'inbox' };
  await database.db.insert(webhooks).values({ id: webhook_id, account_id, ...rest });
  return { account_id, webhook_id };
}

const since = new Date(Date.now() - 7 * 86_400_000);
const spans = statsSpans.map(({ seconds }) => seconds);
/** What is counted of a webhook, or of its account, in all; the same in every span. */
async function totals(of = one, webhook_id: WebhookId | null = of.webhook_id) {
  const sums = await Promise.all(
    spans.map(async (seconds) => {
      const rows = await readStats(database.db, of.account_id, webhook_id, { seconds, from: since });
      const sum = { succeeded: 0, failed: 0, latency: 0, reasons: {} as Record<string, number> };
      for (const row of rows) {
        sum.succeeded += row.succeeded;
        sum.failed += row.failed;
        sum.latency += row.latency.reduce((a, b) => a + b, 0);
        for (const [reason, count] of Object.entries(row.reasons)) {
          sum.reasons[reason] = (sum.reasons[reason] ?? 0) + count;
        }
      }
      return sum;
    }),
  );
  expect(sums[1]).toEqual(sums[0]);
  expect(sums[2]).toEqual(sums[0]);
  return sums[0];
}

const some = [
  {},
  { duration_ms: 30_000, reason: 'timeout' },
  { reason: 'http_status' },
  { reason: 'unsendable' },
  { started_at: new Date(Date.now() - 3_600_000) },
];
const ofSome = {
  succeeded: 2,
  failed: 3,
  latency: 4,
  reasons: { timeout: 1, http_status: 1, unsendable: 1 },
};

describe('attempts are counted', () => {
  test('at once, and the same when they have been added to the statistics, each once however often it is asked', async () => {
    await recordSome(database.db, one, some);
    const other = await newOwner();
    await recordSome(database.db, other, [{}]);
    expect(await totals()).toEqual(ofSome);
    expect(await totals(one, null)).toEqual(ofSome);
    expect(await foldAttempts(database.db)).toBe(2);
    expect(await totals()).toEqual(ofSome);
    expect(await foldAttempts(database.db)).toBe(0);
    await recordSome(database.db, one, some);
    const twice = {
      succeeded: 4,
      failed: 6,
      latency: 8,
      reasons: { timeout: 2, http_status: 2, unsendable: 2 },
    };
    expect(await totals()).toEqual(twice);
    await foldAttempts(database.db);
    expect(await totals()).toEqual(twice);
    expect(await totals(one, null)).toEqual(twice);
    expect(await totals(other, null)).toMatchObject({ succeeded: 1, failed: 0 });
    // Nobody reads another's webhook.
    expect(await totals({ ...one, account_id: other.account_id })).toMatchObject({ succeeded: 0, failed: 0 });
  });

  test('once, however many add them at the same time', async () => {
    for (let n = 0; n < 30; n++) await recordSome(database.db, one, [{}, { reason: 'timeout' }]);
    await Promise.all(Array.from({ length: 8 }, () => foldAttempts(database.db)));
    while ((await foldAttempts(database.db)) > 0);
    expect(await totals()).toMatchObject({ succeeded: 30, failed: 30 });
  });

  test('not twice when adding them fails half-way: then all of it is undone', async () => {
    await recordSome(database.db, one, some);
    await database.db.execute(sql`alter table changes add constraint refused check (is_unfolded) not valid`);
    await expect(foldAttempts(database.db)).rejects.toThrow();
    expect(await database.db.$count(attemptStats)).toBe(0);
    await database.db.execute(sql`alter table changes drop constraint refused`);
    await foldAttempts(database.db);
    expect(await totals()).toEqual(ofSome);
  });

  test('once, though recording is repeated', async () => {
    const records = await recordSome(database.db, one, some);
    await recordAttempts(database.db, records);
    await foldAttempts(database.db);
    await recordAttempts(database.db, records);
    expect(await totals()).toEqual(ofSome);
    expect(await database.db.$count(attempts)).toBe(some.length);
  });

  test('in classes as they are said to be', async () => {
    await recordSome(
      database.db,
      one,
      [0, 1, 2, 8, 9, 1_024, 99_999_999].map((duration_ms) => ({ duration_ms })),
    );
    const rows = await readStats(database.db, one.account_id, null, { seconds: 7_200, from: since });
    const counted = rows.flatMap(({ latency }) =>
      latency.flatMap((count, index) => Array(count).fill(index)),
    );
    expect(counted).toEqual([0, 0, 3, 9, 10, 30, 60]);
  });
});

describe('what is old', () => {
  test('goes, but changes whose attempts are not counted yet stay', async () => {
    await recordSome(database.db, one, [{ started_at: new Date(Date.now() - 4 * 3_600_000) }]);
    await foldAttempts(database.db);
    await database.db.update(changes).set({ created_at: new Date(Date.now() - 660_000) });
    await recordSome(database.db, one, [{}]);
    const [young] = await selectRows<{ count: number }>(
      database.db,
      sql`select count(*)::int as count from changes where created_at > now() - interval '5 minutes'`,
    );
    await recordSome(database.db, one, [{}]);
    await database.db.execute(
      sql`update changes set created_at = now() - interval '1 day' where is_unfolded`,
    );
    await pruneStats(database.db);
    expect(await database.db.$count(changes)).toBeGreaterThanOrEqual(young?.count ?? 0);
    expect(await database.db.$count(changes, sql`is_unfolded`)).toBe(2);
    expect(await database.db.$count(changes, sql`kind = 'attempts' and not is_unfolded`)).toBe(0);
    const minutes = await readStats(database.db, one.account_id, null, { seconds: 60, from: since });
    expect(minutes.reduce((sum, { succeeded }) => sum + succeeded, 0)).toBe(2);
    const hours = await readStats(database.db, one.account_id, null, { seconds: 7_200, from: since });
    expect(hours.reduce((sum, { succeeded }) => sum + succeeded, 0)).toBe(3);
  });
});

test('statistics are read from their index: as many rows as the chart has buckets, of however many', async () => {
  await database.db.execute(sql`insert into attempt_stats
    select ${sql`gen_random_uuid()`}, gen_random_uuid(), 900, now() - (n % 96) * interval '15 minutes', 1, 0, '{1}', '{}'
    from generate_series(1, 20000) n`);
  await database.db.execute(sql`analyze attempt_stats`);
  await recordSome(database.db, one, [{}]);
  await foldAttempts(database.db);
  const read = await readBy(
    database.db,
    sql`select * from attempt_stats where account_id = (select id from accounts where name = 'x')
      and webhook_id = '00000000-0000-0000-0000-000000000000' and seconds = 900 and start >= now() - interval '1 day'`,
    /^attempt_stats/,
  );
  expect(read).toEqual({ rows: 1, wholeTables: [] });
});
