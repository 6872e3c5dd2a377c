import { eq, inArray } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptEvents, type NewEvent } from '../../db/accept-events.ts';
import type { OpenDatabase } from '../../db/database.ts';
import type { VerdictOn } from '../../db/event-filters.ts';
import { type AccountId, newId, type WebhookId } from '../../db/ids.ts';
import { accounts, deliveries, events, idempotencyKeys, webhooks } from '../../db/schema.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

async function newAccount(webhookCount = 0) {
  const id = newId('acct');
  await database.db.insert(accounts).values({ id, name: 'test' });
  const webhookIds: WebhookId[] = [];
  for (let n = 0; n < webhookCount; n++) {
    const webhook = {
      id: newId('wh'),
      account_id: id,
      url: 'https://receiver.test/',
      events: ['*'],
      profile: 'inbox',
    };
    await database.db.insert(webhooks).values(webhook);
    webhookIds.push(webhook.id);
  }
  return { id, webhookIds };
}

function newEvent(account: AccountId, changes: Partial<NewEvent> = {}): NewEvent {
  return {
    id: newId('evt'),
    account_id: account,
    client_id: null,
    type: 'message.read',
    channel: null,
    data: '{"b":1,"a":2}',
    is_test: false,
    created_at: new Date(),
    only_webhook: null,
    about_webhook: null,
    idempotency_keys: [],
    request_hash: 'one',
    ...changes,
  };
}

const accept = (...newEvents: NewEvent[]) =>
  acceptEvents(
    database.db,
    newEvents,
    () => true,
    (event) => `deliver/${event.id}`,
  );

const storedEvents = (account: AccountId) =>
  database.db.select().from(events).where(eq(events.account_id, account)).orderBy(events.id);

it('stores nothing while it is not known what filters say, and what these keep back is noted', async () => {
  const { id, webhookIds } = await newAccount(2);
  await database.db.update(webhooks).set({ filter: 'first' }).where(eq(webhooks.id, webhookIds[0]!));
  const event = newEvent(id);
  const acceptBy = (verdictOn: VerdictOn) =>
    acceptEvents(
      database.db,
      [event],
      () => true,
      () => `deliver/${event.id}`,
      { verdictOn },
    );
  const unasked = await acceptBy(() => undefined).catch((error: unknown) => error);
  expect(unasked).toMatchObject({ questions: [{ event, webhook: { id: webhookIds[0], filter: 'first' } }] });
  expect(await storedEvents(id)).toEqual([]);
  expect(await acceptBy(() => 'filtered')).toMatchObject([{ deliveries: [{ webhook_id: webhookIds[1] }] }]);
  expect((await storedEvents(id))[0]?.filtered_out).toEqual([webhookIds[0]]);
});

describe('storing events', () => {
  it('writes each event as it came, with a pending delivery for each webhook under its workflow', async () => {
    const { id, webhookIds } = await newAccount(2);
    const event = newEvent(id, { channel: 'whatsapp-1', client_id: 'evt_1234567890' });
    const [acceptance] = await accept(event);

    expect(acceptance).toMatchObject({ outcome: 'accepted', event_id: event.id });
    expect(await storedEvents(id)).toEqual([
      expect.objectContaining({
        id: event.id,
        client_id: 'evt_1234567890',
        channel: 'whatsapp-1',
        data: '{"b":1,"a":2}',
        created_at: event.created_at,
      }),
    ]);
    const owed = await database.db.select().from(deliveries).where(eq(deliveries.event_id, event.id));
    expect(owed.map((delivery) => delivery.webhook_id).sort()).toEqual(webhookIds.sort());
    for (const delivery of owed) {
      expect(delivery).toMatchObject({
        status: 'pending',
        workflow_id: `deliver/${event.id}`,
        attempt_count: 0,
        next_attempt_at: event.created_at,
      });
    }
  });

  it('gives a test event to its one webhook only', async () => {
    const { id, webhookIds } = await newAccount(3);
    const [acceptance] = await accept(newEvent(id, { is_test: true, only_webhook: webhookIds[1]! }));
    expect(acceptance).toMatchObject({ deliveries: [{ webhook_id: webhookIds[1] }] });
  });

  it('owes nothing to a deleted webhook or to another account', async () => {
    const { id, webhookIds } = await newAccount(1);
    await newAccount(1);
    await database.db
      .update(webhooks)
      .set({ deleted_at: new Date() })
      .where(inArray(webhooks.id, webhookIds));
    expect(await accept(newEvent(id))).toMatchObject([{ outcome: 'accepted', deliveries: [] }]);
  });

  it('answers a group in its order, over several accounts', async () => {
    const [a, b] = [await newAccount(1), await newAccount(0)];
    const group = [newEvent(b.id), newEvent(a.id), newEvent(b.id)];
    const acceptances = await accept(...group);
    expect(acceptances.map((one) => one.outcome === 'accepted' && one.event_id)).toEqual(
      group.map(({ id }) => id),
    );
    expect(acceptances.map((one) => one.outcome === 'accepted' && one.deliveries.length)).toEqual([0, 1, 0]);
  });
});

describe('idempotency keys', () => {
  it('answer a repeat with the first event and store nothing more', async () => {
    const { id } = await newAccount(1);
    const first = newEvent(id, { idempotency_keys: ['key:k'] });
    await accept(first);
    expect(await accept(newEvent(id, { idempotency_keys: ['key:k'] }))).toEqual([
      { outcome: 'repeated', event_id: first.id },
    ]);
    expect(await storedEvents(id)).toHaveLength(1);
  });

  it('refuse another request under the same key', async () => {
    const { id } = await newAccount();
    await accept(newEvent(id, { idempotency_keys: ['key:k'] }));
    expect(await accept(newEvent(id, { idempotency_keys: ['key:k'], request_hash: 'two' }))).toEqual([
      { outcome: 'conflict', key: 'key:k' },
    ]);
    expect(await storedEvents(id)).toHaveLength(1);
  });

  it('are an account’s own', async () => {
    const [a, b] = [await newAccount(), await newAccount()];
    await accept(newEvent(a.id, { idempotency_keys: ['key:k'] }));
    expect(await accept(newEvent(b.id, { idempotency_keys: ['key:k'], request_hash: 'two' }))).toMatchObject([
      { outcome: 'accepted' },
    ]);
  });

  it('hold within one group: the first is accepted, its repeats are repeats', async () => {
    const { id } = await newAccount(1);
    const group = [1, 2, 3].map(() => newEvent(id, { idempotency_keys: ['key:k'] }));
    const acceptances = await accept(...group);
    expect(acceptances.map((one) => one.outcome).sort()).toEqual(['accepted', 'repeated', 'repeated']);
    expect(await storedEvents(id)).toHaveLength(1);
  });

  it('hold between transactions that run at the same time', async () => {
    const { id } = await newAccount(1);
    const acceptances = await Promise.all(
      Array.from({ length: 8 }, () => accept(newEvent(id, { idempotency_keys: ['key:k'] }))),
    );
    expect(acceptances.flat().filter((one) => one.outcome === 'accepted')).toHaveLength(1);
    expect(await storedEvents(id)).toHaveLength(1);
  });

  it('leave no claim behind when an event with two keys is refused for one of them', async () => {
    const { id } = await newAccount();
    await accept(newEvent(id, { idempotency_keys: ['key:taken'] }));
    await accept(newEvent(id, { idempotency_keys: ['key:taken', 'id:free'], request_hash: 'two' }));
    expect(
      await accept(newEvent(id, { idempotency_keys: ['id:free'], request_hash: 'three' })),
    ).toMatchObject([{ outcome: 'accepted' }]);
  });

  it('both lead to the first event when a repeat brings a second key', async () => {
    const { id } = await newAccount();
    const first = newEvent(id, { idempotency_keys: ['key:old'] });
    await accept(first);
    await accept(newEvent(id, { idempotency_keys: ['key:old', 'id:new'] }));
    const keys = await database.db.select().from(idempotencyKeys).where(eq(idempotencyKeys.account_id, id));
    expect(keys.map(({ key, event_id }) => [key, event_id]).sort()).toEqual([
      ['id:new', first.id],
      ['key:old', first.id],
    ]);
  });

  it('are judged in a group as if its events had come one after the other', async () => {
    const key = fc.constantFrom('key:a', 'key:b', 'id:a', 'id:b', 'id:c');
    const request = fc.record({
      keys: fc.uniqueArray(key, { maxLength: 3 }),
      hash: fc.constantFrom('one', 'two'),
    });
    const groups = fc.array(fc.array(request, { minLength: 1, maxLength: 6 }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(groups, async (requests) => {
        const { id } = await newAccount();
        const holders = new Map<string, { event: string; hash: string }>();
        const expected: unknown[] = [];
        const answers: unknown[] = [];
        const accepted: string[] = [];
        for (const group of requests) {
          const newEvents = group.map(({ keys, hash }) =>
            newEvent(id, { idempotency_keys: keys, request_hash: hash }),
          );
          for (const { id: event, idempotency_keys: keys, request_hash: hash } of newEvents) {
            const taken = keys.flatMap((one) => holders.get(one) ?? []);
            if (taken.some((holder) => holder.hash !== hash)) expected.push('conflict');
            else {
              expected.push(taken[0]?.event ?? event);
              if (taken.length === 0) accepted.push(event);
              for (const one of keys) {
                if (!holders.has(one)) holders.set(one, { event: taken[0]?.event ?? event, hash });
              }
            }
          }
          for (const answer of await accept(...newEvents)) {
            answers.push(answer.outcome === 'conflict' ? 'conflict' : answer.event_id);
          }
        }
        expect(answers).toEqual(expected);
        expect((await storedEvents(id)).map((event) => event.id).sort()).toEqual(accepted.sort());
        const stored = await database.db
          .select()
          .from(idempotencyKeys)
          .where(eq(idempotencyKeys.account_id, id));
        expect(
          new Map(stored.map((row) => [row.key, { event: row.event_id, hash: row.request_hash }])),
        ).toEqual(holders);
      }),
      { numRuns: 60 },
    );
  });
});
