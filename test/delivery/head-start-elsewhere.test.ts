import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptEvents } from '../../db/accept-events.ts';
import { createAccount } from '../../db/accounts.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { type LoadedDelivery, loadDelivery } from '../../db/due-deliveries.ts';
import { leaveHeadStarts, renewHeadStarts } from '../../db/head-starts.ts';
import { type AccountId, type DeliveryId, newId, timeOf } from '../../db/ids.ts';
import { deliveries, webhooks } from '../../db/schema.ts';
import { awaitElsewhere } from '../../delivery/head-start-elsewhere.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
let account_id: AccountId;
beforeAll(async () => {
  database = await openTestDatabase();
  account_id = (await createAccount(database.db, 'Mine')).id;
  const webhook = { id: newId('wh'), account_id, url: 'https://receiver.test/', profile: 'inbox' };
  await database.db.insert(webhooks).values({ ...webhook, events: ['*'] });
});
afterAll(() => database.close());

/** A delivery whose first attempt another process makes. */
async function headStarted(): Promise<LoadedDelivery> {
  const id = newId('evt');
  const event = {
    ...{ id, account_id, client_id: null, type: 'message.read', channel: null, data: '{}', is_test: false },
    ...{
      created_at: timeOf(id),
      only_webhook: null,
      about_webhook: null,
      idempotency_keys: [],
      request_hash: '',
    },
  };
  const workflowIdOf = () => `deliver/${id}`;
  const [acceptance] = await acceptEvents(database.db, [event], () => true, workflowIdOf, {
    hasHeadStart: () => true,
  });
  if (acceptance?.outcome !== 'accepted') throw new Error('not accepted');
  return (await loadDelivery(database.db, acceptance.deliveries[0]!.id)) as LoadedDelivery;
}

const renew = (id: DeliveryId) => renewHeadStarts(database.db, [id], 5_000);
const set = (id: DeliveryId, changes: object) =>
  database.db.update(deliveries).set(changes).where(eq(deliveries.id, id));

describe('a first attempt that another process makes', () => {
  it('that ends within a moment leaves nothing to do', async () => {
    const [ended, cancelled] = [await headStarted(), await headStarted()];
    const result = awaitElsewhere(database.db, [ended, cancelled]);
    await set(ended.id, { status: 'succeeded', head_start_at: null });
    await set(cancelled.id, { status: 'cancelled' });
    const { ended: statuses, ...others } = await result;
    expect([...statuses].sort()).toEqual(['cancelled', 'succeeded']);
    expect(others).toEqual({ free: [], underWay: [] });
  });

  it('that failed or was left is free for whoever asked', async () => {
    const [failed, left] = [await headStarted(), await headStarted()];
    const result = awaitElsewhere(database.db, [failed, left]);
    await set(failed.id, { scheduled_attempts: 1, head_start_at: null });
    await leaveHeadStarts(database.db, [left.id], 5_000);
    const { free } = await result;
    expect(free.map(({ id }) => id).sort()).toEqual([failed.id, left.id].sort());
    expect(free.find(({ id }) => id === failed.id)).toMatchObject({ scheduled_attempts: 1 });
  });

  it('that takes its time is under way after a second', async () => {
    const delivery = await headStarted();
    await renew(delivery.id);
    const startedAt = performance.now();
    const { underWay } = await awaitElsewhere(database.db, [delivery]);
    expect(underWay).toMatchObject([{ id: delivery.id }]);
    expect(performance.now() - startedAt).toBeLessThan(10_000);
  });

  it.each(['-10 s', '-2 hours', '2 hours'])(
    'whose process has been silent, by a clock that is %s apart, is free once it was silent while watched',
    async (apart) => {
      const delivery = await headStarted();
      await set(delivery.id, { head_start_at: sql`now() + ${apart}::interval` });
      const startedAt = performance.now();
      const { free } = await awaitElsewhere(database.db, [delivery]);
      expect(free).toMatchObject([{ id: delivery.id }]);
      expect(performance.now() - startedAt).toBeGreaterThan(1_900);
    },
  );

  it('that seemed dead, since the database was away, and is heard of again, is not taken over', async () => {
    const delivery = await headStarted();
    await set(delivery.id, { head_start_at: sql`now() - interval '20 s'` });
    const result = awaitElsewhere(database.db, [
      (await loadDelivery(database.db, delivery.id)) as LoadedDelivery,
    ]);
    const timer = setTimeout(() => void renew(delivery.id), 700);
    const { free, underWay } = await result;
    clearTimeout(timer);
    expect(free).toEqual([]);
    expect(underWay).toMatchObject([{ id: delivery.id }]);
  });

  it('of a delivery that is no longer there is nobody’s', async () => {
    const delivery = await headStarted();
    await database.db.delete(deliveries).where(eq(deliveries.id, delivery.id));
    expect(await awaitElsewhere(database.db, [delivery])).toEqual({
      free: [],
      ended: ['gone'],
      underWay: [],
    });
  });
});
