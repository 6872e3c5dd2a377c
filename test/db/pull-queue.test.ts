import { setTimeout as delay } from 'node:timers/promises';
import { eq, sql } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptEvents } from '../../db/accept-events.ts';
import { type Database, type OpenDatabase, selectRows } from '../../db/database.ts';
import { type DeliveryId, newId, uuidOf, type WebhookId } from '../../db/ids.ts';
import { requeueDelivery, takeQueued } from '../../db/pull-queue.ts';
import type { AttemptRecord } from '../../db/record-attempts.ts';
import { accounts, deliveries, webhooks } from '../../db/schema.ts';
import { type Settleable, settleQueued } from '../../db/settle-queued.ts';
import { cursorIn, textOfCursor } from '../../delivery/pull-cursor.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
const account_id = newId('acct');
beforeAll(async () => {
  database = await openTestDatabase();
  await database.db.insert(accounts).values({ id: account_id, name: 'test' });
});
afterAll(() => database.close());

async function newWebhook(): Promise<WebhookId> {
  const id = newId('wh');
  await database.db.insert(webhooks).values({ id, account_id, url: null, events: ['*'], profile: 'inbox' });
  return id;
}

/** Stores an event for the webhook; answers its delivery. */
async function accept(db: Database, webhook: WebhookId): Promise<DeliveryId> {
  const id = newId('evt');
  const [accepted] = await acceptEvents(
    db,
    [
      {
        ...{
          id,
          account_id,
          client_id: null,
          type: 'message.read',
          channel: null,
          data: '{}',
          is_test: false,
        },
        ...{ created_at: new Date(), only_webhook: webhook, about_webhook: null },
        ...{ idempotency_keys: [], request_hash: '' },
      },
    ],
    () => false,
    () => 'none',
  );
  if (accepted?.outcome !== 'accepted') throw new Error('it was not accepted');
  expect(accepted.deliveries.map(({ status }) => status)).toEqual(['queued']);
  return (accepted.deliveries[0] as { id: DeliveryId }).id;
}

function recordOf(webhook_id: WebhookId, isDone: boolean) {
  return ({ id }: Settleable): AttemptRecord => ({
    ...{ id: newId('att'), delivery_id: id, webhook_id, account_id, trigger: 'pull', started_at: new Date() },
    ...{ duration_ms: 1, url: null, request_headers: {}, succeeded: isDone, detail: null },
    ...{ response_status: null, response_headers: null, response_body: null, response_truncated: false },
    reason: isDone ? null : 'http_status',
    next_attempt_at: isDone ? null : new Date(Date.now() - 1),
  });
}

const take = (webhook: WebhookId, after: number, limit = 250) =>
  takeQueued(database.db, webhook, { after, limit, mostBytes: 1e6 });

describe('a queue', () => {
  it('skips nobody whose transaction was committed late, for whoever goes on by numbers alone', async () => {
    const webhook = await newWebhook();
    const accepted: DeliveryId[] = [];
    let isOver = false;
    const write = async (holdMs: number) => {
      for (let n = 0; n < 12; n++) {
        await database.db.transaction(async (tx) => {
          accepted.push(await accept(tx, webhook));
          // Where there is one connection alone nobody else could do anything meanwhile.
          if (database.kind === 'server') await delay(holdMs);
        });
      }
    };
    const seen: { id: DeliveryId; number: number }[] = [];
    const read = async () => {
      for (let after = 0, isLast = false; ; ) {
        const taken = await take(webhook, after, 3);
        for (const { number, delivery } of taken) seen.push({ id: delivery.id, number });
        after = taken.at(-1)?.number ?? after;
        if (taken.length > 0) continue;
        if (isLast) return;
        isLast = isOver;
        await delay(2);
      }
    };
    const reading = Promise.all([read(), read()]);
    await Promise.all([write(0), write(3), write(11)]);
    isOver = true;
    await reading;
    // Each of the two has seen all, in one order.
    expect(new Set(seen.map(({ id }) => id))).toEqual(new Set(accepted));
    expect(seen).toHaveLength(2 * accepted.length);
    expect(new Set(seen.map(({ number }) => number)).size).toBe(accepted.length);
  });

  it('settles each place once, though two say what became of it', async () => {
    const webhook = await newWebhook();
    for (let n = 0; n < 20; n++) await accept(database.db, webhook);
    const taken = await take(webhook, 0);
    const upTo = taken.at(14)?.number ?? 0;
    const settled = await Promise.all(
      [true, false, true].map((isDone) =>
        settleQueued(
          database.db,
          webhook,
          { up_to: { number: upTo, at: new Date() } },
          recordOf(webhook, isDone),
        ),
      ),
    );
    expect(settled.flat()).toHaveLength(15);
    const [row] = await selectRows<{ count: number }>(
      database.db,
      sql`select sum(attempt_count)::int as count from deliveries where webhook_id = ${uuidOf(webhook)}`,
    );
    expect(row?.count).toBe(15);
  });

  it('takes what expired before it was handed out for no delivery that is done', async () => {
    const webhook = await newWebhook();
    const [first, expired, last] = [
      await accept(database.db, webhook),
      await accept(database.db, webhook),
      await accept(database.db, webhook),
    ];
    // It gets its number, and is over before anybody asks.
    await take(webhook, 0);
    await database.db.execute(
      sql`update deliveries set expires_at = now() - interval '1 second' where id = ${uuidOf(expired)}`,
    );
    const taken = await take(webhook, 0);
    expect(taken.map(({ delivery }) => delivery.id)).toEqual([first, last]);
    const places = { up_to: { number: taken.at(-1)?.number ?? 0, at: new Date() } };
    const settled = await settleQueued(database.db, webhook, places, recordOf(webhook, true));
    expect(settled.map(({ record }) => record.delivery_id)).toEqual([first, last]);
  });

  it('looks at nothing that had ended long before it was handed out', async () => {
    const webhook = await newWebhook();
    await accept(database.db, webhook);
    const number = (await take(webhook, 0))[0]?.number ?? 0;
    const place = { number, at: new Date() };
    const endBefore = (minutes: number) =>
      database.db.execute(
        sql`update deliveries set status = 'expired', expires_at = now() + interval '1 minute',
            ended_at = now() - ${minutes}::int * interval '1 minute' where webhook_id = ${uuidOf(webhook)}`,
      );
    const settle = (places: Parameters<typeof settleQueued>[2]) =>
      settleQueued(database.db, webhook, places, recordOf(webhook, true));
    await endBefore(3);
    expect(await settle({ up_to: place })).toEqual([]);
    expect(await settle({ these: [place] })).toEqual([]);
    await endBefore(0);
    expect(await settle({ these: [place] })).toHaveLength(1);
  });

  it('is not kept from others by a process that hangs', async () => {
    const webhook = await newWebhook();
    const idleAfter = (act: (tx: Database) => Promise<unknown>) =>
      database.db.transaction(async (tx) => {
        await act(tx);
        const setting = sql`select current_setting('idle_in_transaction_session_timeout') as idle`;
        return (await selectRows<{ idle: string }>(tx, setting))[0]?.idle;
      });
    // The embedded database is in the process that would hang.
    const idle = database.kind === 'server' ? '5s' : '0';
    await accept(database.db, webhook);
    let number = 0;
    const after = await idleAfter(async (tx) => {
      const taken = await takeQueued(tx, webhook, { after: 0, limit: 1, mostBytes: 1e6 });
      number = taken[0]?.number ?? 0;
    });
    expect(after).toBe(idle);
    for (const places of [
      { these: [{ number, at: new Date() }] },
      { up_to: { number: number + 1, at: new Date() } },
    ]) {
      expect(await idleAfter((tx) => settleQueued(tx, webhook, places, recordOf(webhook, false)))).toBe(idle);
      await take(webhook, 0);
    }
  });

  it('has what its filter had kept back once more when that is asked for, without asking the filter', async () => {
    const webhook = await newWebhook();
    const id = await accept(database.db, webhook);
    const open = { status: 'cancelled', is_filter_open: true } as const;
    await database.db.update(deliveries).set(open).where(eq(deliveries.id, id));
    expect(await take(webhook, 0)).toEqual([]);
    await requeueDelivery(database.db, account_id, id);
    expect(await take(webhook, 0)).toMatchObject([{ delivery: { id, is_filter_open: false } }]);
  });

  it('loses nothing, and hands out nothing that has ended, whatever is taken, done, failed or forgotten in between', async () => {
    type Step = { do: 'accept' | 'forget' | 'done' | 'fail'; at: number };
    const step = fc.oneof(
      fc.constant<Step>({ do: 'accept', at: 0 }),
      fc.constant<Step>({ do: 'forget', at: 0 }),
      fc.record<Step>({ do: fc.constantFrom('done', 'fail'), at: fc.nat(5) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 25 }), async (steps) => {
        const webhook = await newWebhook();
        /** What is owed. */
        let owed: DeliveryId[] = [];
        let held: { number: number; delivery: { id: DeliveryId } }[] = [];
        for (const one of steps) {
          if (one.do === 'accept') owed.push(await accept(database.db, webhook));
          if (one.do === 'forget') held = [];
          if (one.do === 'done' || one.do === 'fail') {
            if (held.length === 0) held = await take(webhook, 0, 4);
            const chosen = held[one.at % Math.max(1, held.length)];
            if (chosen === undefined) continue;
            const places =
              one.do === 'done'
                ? { up_to: { number: chosen.number, at: new Date() } }
                : { these: [{ number: chosen.number, at: new Date() }] };
            const settled = await settleQueued(
              database.db,
              webhook,
              places,
              recordOf(webhook, one.do === 'done'),
            );
            const ids = new Set(settled.map(({ record }) => record.delivery_id));
            owed = owed.filter((id) => !ids.has(id));
            // It is due again at once, behind all that have a place.
            if (one.do === 'fail') owed.push(...ids);
            held = held.filter(({ delivery }) => !ids.has(delivery.id));
          }
        }
        const left = (await take(webhook, 0)).map(({ delivery }) => delivery.id);
        expect(new Set(left)).toEqual(new Set(owed));
        expect(left).toHaveLength(owed.length);
      }),
      { numRuns: 25 },
    );
  });
});

it('a cursor is read back as it was made, and nothing else is one', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 2 ** 40 }), fc.nat(2 ** 41), (number, at_ms) => {
      const cursor = { webhook_id: newId('wh'), number, at_ms };
      const text = textOfCursor(cursor);
      expect(cursorIn(text)).toEqual(cursor);
      expect(cursorIn(`${text}A`)).toBeUndefined();
      expect(cursorIn(text.slice(1))).toBeUndefined();
    }),
  );
  fc.assert(fc.property(fc.string(), (text) => cursorIn(text) === undefined));
});
