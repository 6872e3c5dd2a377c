import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, type OpenDatabase, selectRows } from '../../db/database.ts';
import { takeHeadStarts } from '../../db/head-starts.ts';
import { holdDeliveries } from '../../db/held-deliveries.ts';
import { type DeliveryId, idOf, newId, uuidOf } from '../../db/ids.ts';
import { renewLeases } from '../../db/recoveries.ts';
import { accounts, webhooks } from '../../db/schema.ts';
import { putOffDeliveries } from '../../db/waiting-deliveries.ts';
import { openTestDatabase } from '../setup/database.ts';
import { seedDeliveries } from '../setup/seed-deliveries.ts';

const accountId = newId('acct');
const webhookId = newId('wh');
const backlog = 2_000;
const asked = 5;

let database: OpenDatabase;
let ids: DeliveryId[];

/** PostgreSQL’s statistics are of a time when hardly any were pending, as they are when a backlog has just come. */
beforeAll(async () => {
  database = await openTestDatabase();
  const { db } = database;
  await db.insert(accounts).values({ id: accountId, name: 'test' });
  const url = 'https://receiver.test/';
  await db.insert(webhooks).values({
    id: webhookId,
    account_id: accountId,
    url,
    events: ['*'],
    profile: 'inbox',
    endpoint_state: 'disabled',
  });
  await seedDeliveries(db, { accountId, webhookId, count: 5_000 });
  const rows = await selectRows<{ id: string }>(
    db,
    sql`update deliveries set status = 'pending', next_attempt_at = now()
        where id in (select id from deliveries where webhook_id = ${uuidOf(webhookId)} order by id limit ${backlog})
        returning id`,
  );
  ids = rows.slice(0, asked).map(({ id }) => idOf('dlv', id));
});
afterAll(() => database.close());

const statements: [what: string, run: (db: Database) => Promise<{ length: number } | { size: number }>][] = [
  ['have a head start', (db) => takeHeadStarts(db, ids)],
  [
    'wait for their endpoint',
    (db) =>
      putOffDeliveries(
        db,
        ids.map((id) => ({
          id,
          webhook_id: webhookId,
          every_ms: 250,
          reason: 'slow',
          has_head_start: false,
        })),
      ),
  ],
  ['are held', (db) => holdDeliveries(db, ids)],
  [
    'are owned for longer',
    (db) =>
      renewLeases(
        db,
        ids.map((id) => ({ id, scheduled_attempts: 0 })),
        new Date(Date.now() + 60_000),
      ),
  ],
];

test.each(statements)('deliveries that %s are found among a backlog without reading it', async (_, run) => {
  class Undone extends Error {}
  let found = 0;
  let fetched = 0;
  const undone = database.db.transaction(async (tx) => {
    const before = await countFetched(tx);
    const done = await run(tx);
    found = 'size' in done ? done.size : done.length;
    fetched = (await countFetched(tx)) - before;
    throw new Undone();
  });
  await expect(undone).rejects.toBeInstanceOf(Undone);
  expect(found).toBe(asked);
  // Once to lock it, and once to change it.
  expect(fetched).toBeGreaterThanOrEqual(asked);
  expect(fetched).toBeLessThanOrEqual(2 * asked);
});

/** Rows of deliveries that this connection has fetched by indexes since it last told the statistics. */
async function countFetched(tx: Database): Promise<number> {
  const [row] = await selectRows<{ rows: number }>(
    tx,
    sql`select idx_tup_fetch::int as rows from pg_stat_xact_user_tables where relname = 'deliveries'`,
  );
  return row?.rows ?? Number.NaN;
}
