import { sql } from 'drizzle-orm';
import { expect, onTestFinished, test } from 'vitest';
import { createAccount } from '../../db/accounts.ts';
import { selectRows } from '../../db/database.ts';
import { newId } from '../../db/ids.ts';
import { events, scheduledEvents, webhooks } from '../../db/schema.ts';
import { findStanding, standingStatement } from '../../db/standing.ts';
import { openTestDatabase } from '../setup/database.ts';
import { readBy } from '../setup/plan.ts';
import { seedDeliveries } from '../setup/seed-deliveries.ts';

test('counts what is due and held, tells how late the latest is, and reads of 5,000 deliveries no others', async () => {
  const { db, close } = await openTestDatabase();
  onTestFinished(close);
  expect(await findStanding(db, 5_000)).toEqual({
    ...{ lag_ms: 0, due: 0, held: 0, queued: 0, scheduled: 0, behind: 0, blocked: 0, release_lag_ms: 0 },
    ...{ certificates_ended: 0, certificate_ends_ms: null },
    endpoints: { healthy: 0, failing: 0, disabled: 0, probing: 0 },
  });

  const accountId = (await createAccount(db, 'x')).id;
  await seedDeliveries(db, { accountId, webhookId: newId('wh'), count: 5_000 });
  // Of five thousand: two overdue, one for later, three held.
  await db.execute(sql`with chosen as (select id, row_number() over (order by id) as n from deliveries)
    update deliveries d set status = case when n <= 3 then 'pending' else 'held' end,
      next_attempt_at = case when n <= 2 then now() - n * interval '1 minute' when n = 3 then now() + interval '1 hour' end
    from chosen c where c.id = d.id and n <= 6`);
  const { lag_ms, ...counts } = await findStanding(db, 5_000);
  expect(counts).toMatchObject({ due: 2, held: 3, behind: 0, blocked: 0 });
  expect(lag_ms).toBeGreaterThanOrEqual(120_000);
  expect(lag_ms).toBeLessThan(180_000);

  const read = await readBy(db, standingStatement(), /^deliveries/);
  expect(read.wholeTables).toEqual([]);
  expect(read.rows).toBeLessThan(50);

  // Of 2,000 in lanes no row is read: an index has all that is asked.
  await db.execute(sql`update deliveries d set lane = 'a', status = case when n <= 3 then 'held' else 'pending' end,
      lane_state = case when n <= 3 then 'blocked' else 'behind' end, next_attempt_at = null
    from (select id, row_number() over (order by id desc) as n from deliveries) c where c.id = d.id and n <= 2000`);
  await db.execute(sql`vacuum analyze deliveries`);
  expect(await findStanding(db, 5_000)).toMatchObject({ behind: 1_997, blocked: 3 });
  const plan = await selectRows(db, sql`explain (analyze) ${standingStatement()}`);
  expect(JSON.stringify(plan).match(/Index Only Scan using deliveries_out_of_turn/g)).toHaveLength(2);
});

test('tells how late scheduled events are, also one that a process has taken up, and which certificates end', async () => {
  const { db, close } = await openTestDatabase();
  onTestFinished(close);
  const account_id = (await createAccount(db, 'x')).id;
  const scheduled = async (minutesAgo: number, dueInSeconds: number) => {
    const event_id = newId('evt');
    const deliver_at = new Date(Date.now() - minutesAgo * 60_000);
    await db.insert(events).values({
      ...{ id: event_id, account_id, type: 'a', data: '{}', created_at: new Date(), deliver_at },
    });
    const due_at = new Date(Date.now() + dueInSeconds * 1_000);
    await db.insert(scheduledEvents).values({ event_id, account_id, due_at });
  };
  await scheduled(-60, 3_600);
  expect(await findStanding(db, 5_000)).toMatchObject({ scheduled: 1, release_lag_ms: 0 });
  await scheduled(1, -60);
  await scheduled(3, 5);
  const { release_lag_ms } = await findStanding(db, 5_000);
  expect(release_lag_ms).toBeGreaterThanOrEqual(180_000);
  expect(release_lag_ms).toBeLessThan(240_000);

  const webhookUntil = async (days: number, deleted_at: Date | null = null) => {
    const webhook = { id: newId('wh'), account_id, url: 'https://receiver.test/', events: ['*'] };
    const certificate_ends_at = new Date(Date.now() + days * 86_400_000);
    await db.insert(webhooks).values({ ...webhook, profile: 'inbox', certificate_ends_at, deleted_at });
  };
  for (const days of [-400, -1, 9, 90]) await webhookUntil(days);
  for (const days of [-3, 1]) await webhookUntil(days, new Date());
  const { certificates_ended, certificate_ends_ms } = await findStanding(db, 5_000);
  expect(certificates_ended).toBe(2);
  expect(Math.ceil((certificate_ends_ms ?? 0) / 86_400_000)).toBe(9);
});
