import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createAccount } from '../../db/accounts.ts';
import type { Change } from '../../db/changes.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { cancelDelivery } from '../../db/deliveries.ts';
import { type AccountId, newId, uuidOf, type WebhookId } from '../../db/ids.ts';
import { changes, webhooks } from '../../db/schema.ts';
import { type ChangesFeed, createChangesFeed } from '../../delivery/changes-feed.ts';
import { recordSome, storeDelivery } from '../setup/attempts.ts';
import { openTestDatabase } from '../setup/database.ts';
import { waitFor } from '../setup/wait-for.ts';

let database: OpenDatabase;
let one: { account_id: AccountId; webhook_id: WebhookId };
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

let feeds: ChangesFeed[] = [];
beforeEach(async () => {
  const { id: account_id } = await createAccount(database.db, 'x');
  const webhook_id = newId('wh');
  const rest = { url: 'https://receiver.test/', events: ['*'], profile: 'inbox' };
  await database.db.insert(webhooks).values({ id: webhook_id, account_id, ...rest });
  one = { account_id, webhook_id };
});
afterEach(() => {
  for (const feed of feeds) feed.close();
  feeds = [];
  vi.useRealTimers();
});

/** As of a process of its own: feeds know of each other only what is in the database. */
function newFeed(db = database.db): ChangesFeed {
  const feed = createChangesFeed({ db, log: pino({ level: 'silent' }) });
  feeds.push(feed);
  return feed;
}

function listenTo(feed: ChangesFeed, accountId: AccountId, after?: number) {
  const told: Change[] = [];
  const heard: string[] = [];
  let cursor = -1;
  const leave = feed.listen(accountId, after, {
    ready: (at) => {
      heard.push('ready');
      cursor = at;
    },
    tell: (changes, at) => {
      told.push(...changes);
      cursor = at;
    },
    reset: (at) => {
      heard.push('reset');
      cursor = at;
    },
    end: () => heard.push('end'),
  });
  return {
    told,
    heard,
    leave,
    cursor: () => cursor,
    hears: (what: string) => waitFor(async () => heard.includes(what) || undefined, `to hear ${what}`),
    isTold: (what: string, is: (change: Change) => boolean) =>
      waitFor(async () => told.find(is), `to be told: ${what}`),
  };
}

describe('a listener', () => {
  test('is told what changed, by ids and states, whichever process changed it; others are not', async () => {
    const { id: other } = await createAccount(database.db, 'other');
    const listeners = [listenTo(newFeed(), one.account_id), listenTo(newFeed(), one.account_id)];
    const stranger = listenTo(newFeed(), other);
    for (const listener of [...listeners, stranger]) await listener.hears('ready');
    const [attempt] = await recordSome(database.db, one, [
      { reason: 'timeout', next_attempt_at: new Date() },
    ]);
    const cancelled = await storeDelivery(database.db, one.account_id);
    const change = { actor: { kind: 'postrider' } as const, now: new Date() };
    await cancelDelivery(database.db, one.account_id, cancelled, change);
    for (const { isTold, told } of listeners) {
      await isTold('the cancelled delivery', ({ data }) => data.id === cancelled);
      expect(told.filter(({ event }) => event !== 'event')).toEqual([
        {
          account_id: one.account_id,
          event: 'attempt',
          data: {
            id: attempt?.id,
            delivery_id: attempt?.delivery_id,
            webhook_id: one.webhook_id,
            status: 'pending',
          },
        },
        {
          account_id: one.account_id,
          event: 'webhook',
          data: { id: one.webhook_id, endpoint_state: 'failing' },
        },
        {
          account_id: one.account_id,
          event: 'delivery',
          data: { id: cancelled, webhook_id: one.webhook_id, status: 'cancelled' },
        },
      ]);
      expect(told.filter(({ event }) => event === 'event')).toHaveLength(2);
    }
    expect(stranger.told).toEqual([]);
  });

  test('is told of each change of a webhook, but not of each failure that is counted', async () => {
    const listener = listenTo(newFeed(), one.account_id);
    await listener.hears('ready');
    await recordSome(database.db, one, [{ reason: 'timeout' }]);
    for (let n = 0; n < 3; n++) await recordSome(database.db, one, [{ reason: 'timeout' }]);
    await database.db.update(webhooks).set({ endpoint_state: 'disabled' });
    await database.db.update(webhooks).set({ updated_at: new Date(Date.now() + 1) });
    await database.db.update(webhooks).set({ deleted_at: new Date() });
    await waitFor(async () => {
      const states = listener.told.filter(({ event }) => event === 'webhook');
      return states.length >= 4 || undefined;
    }, 'four changes of the webhook');
    expect(
      listener.told.filter(({ event }) => event === 'webhook').map(({ data }) => data.endpoint_state),
    ).toEqual(['failing', 'disabled', 'disabled', 'disabled']);
  });

  test('who comes back to another process is told what was missed', async () => {
    const first = listenTo(newFeed(), one.account_id);
    await first.hears('ready');
    await recordSome(database.db, one, [{}]);
    await first.isTold('the attempt', ({ event }) => event === 'attempt');
    first.leave?.();
    const [missed] = await recordSome(database.db, one, [{}]);
    const second = listenTo(newFeed(), one.account_id, first.cursor());
    await second.hears('ready');
    expect(second.told.map(({ data }) => data.id)).toContain(missed?.id);
    expect(second.heard).toEqual(['ready']);
  });

  test('is told what was numbered before but committed after, and its cursor waits for that', async () => {
    const listener = listenTo(newFeed(), one.account_id);
    await listener.hears('ready');
    const before = listener.cursor();
    // As two transactions would leave them, the later one first.
    const insert = (id: number, delivery: string) =>
      database.db.execute(sql`insert into changes (id, kind, account_ids, webhook_ids, delivery_ids, statuses)
        overriding system value values (${id}, 'delivery', array[${uuidOf(one.account_id)}::uuid],
        array[${uuidOf(one.webhook_id)}::uuid], array[${delivery}::uuid], '{failed}')`);
    const [late, early] = [newId('dlv'), newId('dlv')];
    await insert(before + 2, uuidOf(early));
    await listener.isTold('the one that is there', ({ data }) => data.id === early);
    expect(listener.cursor()).toBe(before);
    await insert(before + 1, uuidOf(late));
    await listener.isTold('the other one', ({ data }) => data.id === late);
    expect(listener.cursor()).toBe(before + 2);
    await database.db.execute(sql`select setval('changes_id_seq', ${before + 2}::int)`);
  });

  test.each([
    ['is not known any more', async () => 0],
    ['never was', async (last: number) => last + 1_000_000],
  ])('whose cursor %s is told to read anew', async (_, cursorOf) => {
    await recordSome(database.db, one, [{}]);
    await database.db.execute(sql`delete from changes where id < (select max(id) from changes)`);
    const listener = listenTo(newFeed(), one.account_id, await cursorOf(1_000));
    await listener.hears('ready');
    expect(listener.heard).toEqual(['reset', 'ready']);
  });

  test('who comes back need not read anew because what was told before is no longer kept', async () => {
    await recordSome(database.db, one, [{}]);
    await database.db.delete(changes);
    const first = listenTo(newFeed(), one.account_id);
    await first.hears('ready');
    first.leave?.();
    const [missed] = await recordSome(database.db, one, [{}]);
    const second = listenTo(newFeed(), one.account_id, first.cursor());
    await second.hears('ready');
    expect(second.heard).toEqual(['ready']);
    expect(second.told.map(({ data }) => data.id)).toContain(missed?.id);
  });

  test('is told to read anew when there is too much to tell', async () => {
    const listener = listenTo(newFeed(), one.account_id);
    await listener.hears('ready');
    const id = sql`${uuidOf(one.account_id)}::uuid`;
    await database.db.execute(sql`insert into changes (kind, account_ids, event_ids, client_ids)
      select 'events', array_agg(${id}), array_agg(${id}), array_agg(null::text) from generate_series(1, 201)`);
    await listener.hears('reset');
    expect(listener.told).toEqual([]);
  });

  test('costs nothing once it has left', async () => {
    let asked = 0;
    const counted = new Proxy(database.db, {
      get(target, name, receiver) {
        asked += 1;
        return Reflect.get(target, name, receiver);
      },
    });
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const feed = newFeed(counted);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(0);
    const listener = listenTo(feed, one.account_id);
    await listener.hears('ready');
    expect(asked).toBeGreaterThan(0);
    listener.leave?.();
    asked = 0;
    await vi.advanceTimersByTimeAsync(60_000);
    expect(asked).toBe(0);
  });

  test('is one of at most fifty of its account', async () => {
    const feed = newFeed();
    const listeners = Array.from({ length: 50 }, () => listenTo(feed, one.account_id));
    expect(listenTo(feed, one.account_id).leave).toBeUndefined();
    expect(listenTo(feed, newId('acct')).leave).toBeDefined();
    listeners[0]?.leave?.();
    expect(listenTo(feed, one.account_id).leave).toBeDefined();
  });

  test('hears when it ends', async () => {
    const feed = newFeed();
    const listener = listenTo(feed, one.account_id);
    feed.close();
    expect(listener.heard).toContain('end');
    expect(listenTo(feed, one.account_id).leave).toBeUndefined();
  });
});

test('a change that is not made is not told', async () => {
  const before = await database.db.$count(changes);
  await expect(
    database.db.transaction(async (tx) => {
      await storeDelivery(tx, one.account_id);
      throw new Error('no');
    }),
  ).rejects.toThrow('no');
  expect(await database.db.$count(changes)).toBe(before);
});
