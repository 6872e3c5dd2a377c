import { sql } from 'drizzle-orm';
import { afterEach, describe, expect, it } from 'vitest';
import { insertEndpoints, type MadeEvent, storeGroup } from '../../bench/limit/store-group.ts';
import { eventData } from '../../bench/payload.ts';
import { storeEvents } from '../../bench/system/stored-events.ts';
import { ensureFirstAccount } from '../../db/accounts.ts';
import { type OpenDatabase, selectRows } from '../../db/database.ts';
import { loadDelivery } from '../../db/due-deliveries.ts';
import { newId } from '../../db/ids.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
afterEach(() => database.close());

/** With an account and endpoints at these URLs. */
async function open(...urls: string[]) {
  database = await openTestDatabase();
  const { account_id: accountId } = await ensureFirstAccount(database.db, {});
  return { db: database.db, accountId, endpoints: await insertEndpoints(database.db, accountId, urls) };
}

const one = async (query: ReturnType<typeof sql>) => (await selectRows<object>(database.db, query))[0];

describe('events that are stored before a scenario', () => {
  it('were delivered in the last six hours, each with a delivery and an attempt of its own', async () => {
    const { db } = await open('http://127.0.0.1:9/e/0');
    await storeEvents(database, 3_000);
    expect(
      await one(sql`select count(distinct e.id)::int as events, count(distinct d.id)::int as deliveries,
          count(distinct a.id)::int as attempts, bool_and(d.status = 'succeeded' and a.succeeded) as are_delivered,
          bool_and(d.created_at = e.created_at and a.started_at = e.created_at) as are_of_one_moment,
          bool_and(length(e.data) = 500) as are_whole,
          bool_and(e.created_at between now() - interval '6 hours 1 minute' and now()) as are_recent
        from events e join deliveries d on d.event_id = e.id join attempts a on a.delivery_id = d.id`),
    ).toEqual({
      events: 3_000,
      deliveries: 3_000,
      attempts: 3_000,
      are_delivered: true,
      are_of_one_moment: true,
      are_whole: true,
      are_recent: true,
    });
    for (const table of ['events', 'attempts']) {
      const [{ count } = { count: -1 }] = await selectRows<{ count: number }>(
        db,
        sql`select count(*)::int as count from ${sql.identifier(`${table}_default`)}`,
      );
      expect(count, `${table} outside the partition of their day`).toBe(0);
    }
  });
});

describe('what the limit stores', () => {
  it('is what an attempt finds: each event with a pending delivery to every endpoint', async () => {
    const { db, accountId, endpoints } = await open('http://127.0.0.1:9/e/0', 'http://127.0.0.1:9/e/1');
    const events = [0, 1, 2].map(
      (seq): MadeEvent => ({
        id: newId('evt'),
        accountId,
        type: 'bench.t0',
        data: eventData(seq),
        createdAt: new Date(),
      }),
    );
    const stored = await storeGroup(db, events, endpoints);
    expect(stored).toHaveLength(6);
    for (const { event, endpoint, deliveryId } of stored) {
      expect(await loadDelivery(db, deliveryId)).toMatchObject({
        status: 'pending',
        account_id: accountId,
        event: { id: event.id, data: event.data },
        webhook: { id: endpoint.id, url: endpoint.url },
      });
    }
  });
});
