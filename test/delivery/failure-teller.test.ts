import { eq } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { DatabaseUnavailable } from '../../db/errors.ts';
import { type DeliveryId, newId, type WebhookId } from '../../db/ids.ts';
import { type AttemptRecord, recordAttempts } from '../../db/record-attempts.ts';
import { deliveries, events, untoldFailures, webhooks } from '../../db/schema.ts';
import { createFailureTeller } from '../../delivery/failure-teller.ts';
import type { Intake } from '../../delivery/intake.ts';
import { tellOperationalEvent } from '../../delivery/operational-events.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());
afterEach(async () => {
  await api.db.delete(untoldFailures);
  for (const { id } of (await api.request('GET', '/v1/webhooks?limit=250')).json.data) {
    await api.request('DELETE', `/v1/webhooks/${id}`);
  }
});

const log = pino({ level: 'silent' });
const teller = (intake: Pick<Intake, 'accept'> = api.intake) =>
  createFailureTeller({ db: api.db, intake, log });

async function register(events: string[], key = api.key): Promise<WebhookId> {
  const body = { url: 'https://receiver.test/', events };
  return (await api.request('POST', '/v1/webhooks', { body, key })).json.id;
}

/** A delivery to the webhook, of an event of a type that it alone gets. */
async function newDelivery(
  webhook: WebhookId,
  event: object = {},
): Promise<{ id: DeliveryId; event: string }> {
  const posted = await api.request('POST', '/v1/events', {
    body: { type: 'order.paid', data: {}, ...event },
  });
  const query = `event_id=${posted.json.id}&webhook_id=${webhook}`;
  const [{ id }] = (await api.request('GET', `/v1/deliveries?${query}`)).json.data;
  return { id, event: posted.json.id };
}

function failure(delivery_id: DeliveryId, webhook_id: WebhookId, changes: object = {}): AttemptRecord {
  return {
    ...{ id: newId('att'), delivery_id, webhook_id, account_id: api.accountId, trigger: 'schedule' },
    ...{ started_at: new Date('2025-01-15T10:25:03.000Z'), duration_ms: 412, url: 'https://receiver.test/' },
    ...{ request_headers: {}, succeeded: false, reason: 'http_status', detail: 'answered 500' },
    ...{ response_status: 500, response_headers: null, response_body: null, response_truncated: false },
    next_attempt_at: null,
    ...changes,
  };
}

async function fail(delivery: DeliveryId, webhook: WebhookId, changes: object = {}) {
  const [recorded] = await recordAttempts(api.db, [failure(delivery, webhook, changes)]);
  return recorded;
}

const notes = () => api.db.select().from(untoldFailures);
const toldOf = async (delivery: DeliveryId) => {
  const rows = await api.db
    .select()
    .from(events)
    .where(eq(events.type, 'delivery.failed'))
    .orderBy(events.id);
  const told = rows.map(({ id, type, data }) => ({ id, type, data: JSON.parse(data) }));
  return told.filter(({ data }) => data.delivery_id === delivery);
};
const receiversOf = async (event: string) =>
  (await api.request('GET', `/v1/deliveries?event_id=${event}`)).json.data.map(
    (one: { webhook_id: string }) => one.webhook_id,
  );
/** As old as the sweep wants them. */
const age = () => api.db.update(untoldFailures).set({ created_at: new Date(Date.now() - 3_500) });

describe('a failed delivery', () => {
  test('is told with what is known of it, to the webhooks that name it and not to its own', async () => {
    const failing = await register(['order.paid', 'delivery.failed']);
    const ops = [await register(['delivery.failed']), await register(['delivery.*'])];
    await register(['*']);
    const { id } = await newDelivery(failing, { id: 'order-7-paid' });
    await fail(id, failing, { next_attempt_at: new Date() });
    expect(await fail(id, failing, { detail: 'answered 503' })).toMatchObject({
      status: 'failed',
      is_untold: true,
    });
    const one = teller();
    one.tell(id);
    await one.close();
    const [event, ...others] = await toldOf(id);
    expect(others).toEqual([]);
    expect(event).toMatchObject({
      type: 'delivery.failed',
      data: {
        delivery_id: id,
        event_id: 'order-7-paid',
        event_type: 'order.paid',
        webhook_id: failing,
        attempts: 2,
        reason: 'answered 503',
        failed_at: '2025-01-15T10:25:03.412Z',
      },
    });
    expect((await receiversOf(event?.id ?? '')).sort()).toEqual([...ops].sort());
    expect(await notes()).toEqual([]);
  });

  test('is one event, however often it is told and whatever ends in between', async () => {
    const failing = await register(['order.paid']);
    await register(['delivery.failed']);
    const { id } = await newDelivery(failing);
    await fail(id, failing);
    const [note] = await notes();
    // Killed after the event was stored, before the note was deleted.
    const dying = teller({
      accept: async (event) => {
        await api.intake.accept(event);
        throw new Error('killed');
      },
    });
    dying.tell(id);
    await dying.close();
    expect(await notes()).toHaveLength(1);
    expect(await toldOf(id)).toHaveLength(1);

    await age();
    await Promise.all([teller().tellOverdue(), teller().tellOverdue()]);
    expect(await notes()).toEqual([]);
    await api.db.insert(untoldFailures).values(note as typeof untoldFailures.$inferInsert);
    const again = teller();
    again.tell(id);
    again.tell(id);
    await again.close();
    expect(await toldOf(id)).toHaveLength(1);
    expect(await notes()).toEqual([]);
  });

  test('is told by the sweep when its teller never came to it, and not before', async () => {
    const failing = await register(['order.paid']);
    await register(['delivery.failed']);
    const { id } = await newDelivery(failing);
    await fail(id, failing);
    await teller().tellOverdue();
    expect(await toldOf(id)).toEqual([]);
    await age();
    await teller().tellOverdue();
    expect(await toldOf(id)).toHaveLength(1);
    expect(await notes()).toEqual([]);
  });

  test('stays noted while the database takes no events, and others are told meanwhile', async () => {
    const failing = await register(['order.paid']);
    await register(['delivery.failed']);
    const { id } = await newDelivery(failing);
    await fail(id, failing);
    const away = { accept: () => Promise.reject(new DatabaseUnavailable('away')) };
    const one = teller(away);
    one.tell(id);
    await one.close();
    await age();
    await expect(teller(away).tellOverdue()).rejects.toThrow(DatabaseUnavailable);
    expect(await notes()).toHaveLength(1);
    const next = await newDelivery(failing);
    await fail(next.id, failing);
    const well = teller();
    well.tell(next.id);
    await well.close();
    expect(await toldOf(next.id)).toHaveLength(1);
    expect(await notes()).toMatchObject([{ delivery_id: id }]);
  });

  test('that is sent again and fails again is another event, told with its own attempt', async () => {
    const failing = await register(['order.paid']);
    await register(['delivery.failed']);
    const { id } = await newDelivery(failing);
    await fail(id, failing);
    const sentAgain = { status: 'pending' as const, ended_at: null, next_attempt_at: new Date() };
    await api.db.update(deliveries).set(sentAgain).where(eq(deliveries.id, id));
    // An attempt by hand in between takes a number.
    await fail(id, failing, { trigger: 'manual' });
    await fail(id, failing, { detail: 'timed out' });
    expect(await notes()).toHaveLength(2);
    const one = teller();
    one.tell(id);
    await one.close();
    const told = (await toldOf(id)).map(({ data }) => data);
    expect(told).toMatchObject([
      { attempts: 1, reason: 'answered 500' },
      { attempts: 3, reason: 'timed out' },
    ]);
  });

  test('is told in one go with hundreds of others', async () => {
    const failing = await register(['order.paid']);
    const ops = await register(['delivery.failed']);
    const body = { type: 'order.paid', data: {} };
    await Promise.all(Array.from({ length: 210 }, () => api.request('POST', '/v1/events', { body })));
    const waiting = await api.db.select().from(deliveries).where(eq(deliveries.webhook_id, failing));
    const ids = waiting.map(({ id }) => id);
    await recordAttempts(
      api.db,
      ids.map((id) => failure(id, failing)),
    );
    const one = teller();
    for (const id of ids) one.tell(id);
    await one.close();
    expect(await notes()).toEqual([]);
    const told = await api.db.$count(deliveries, eq(deliveries.webhook_id, ops));
    expect(told).toBe(210);
  });
});

describe('nothing is noted', () => {
  async function expectNoNote(record: () => Promise<unknown>) {
    await record();
    expect(await notes()).toEqual([]);
  }

  test('where nobody names it: by the star, by the endpoint itself, by a deleted or another account’s webhook', async () => {
    const failing = await register(['order.paid', 'delivery.failed']);
    await register(['*']);
    await register(['delivery.failed'], api.otherKey);
    const deleted = await register(['delivery.failed']);
    await api.request('DELETE', `/v1/webhooks/${deleted}`);
    const { id } = await newDelivery(failing);
    await expectNoNote(async () => {
      expect(await fail(id, failing)).toMatchObject({ status: 'failed', is_untold: false });
    });
  });

  test('of an attempt that is followed by another, or was made by hand, to test or to probe', async () => {
    const failing = await register(['order.paid']);
    await register(['delivery.failed']);
    const { id } = await newDelivery(failing);
    await expectNoNote(() => fail(id, failing, { next_attempt_at: new Date() }));
    await expectNoNote(() => fail(id, failing, { trigger: 'manual' }));
    await api.db.update(deliveries).set({ status: 'held' }).where(eq(deliveries.id, id));
    await expectNoNote(() => fail(id, failing, { trigger: 'probe' }));
    const tested = await api.request('POST', '/v1/webhooks/test', {
      body: { webhook_id: failing, event_type: 'order.paid' },
    });
    await expectNoNote(async () => {
      const recorded = await fail(tested.json.delivery_id, failing, { trigger: 'test' });
      expect(recorded).toMatchObject({ status: 'failed', is_untold: false });
    });
  });

  test('of the delivery of an operational event: a failure is never told of its own failure', async () => {
    const failing = await register(['order.paid']);
    const ops = await register(['delivery.failed', 'webhook.*']);
    await register(['delivery.failed']);
    await tellOperationalEvent(api.intake, {
      ...{ account_id: api.accountId, type: 'webhook.disabled', about_webhook: failing },
      ...{ data: {}, key: newId('evt') },
    });
    const [{ id }] = (await api.request('GET', `/v1/deliveries?webhook_id=${ops}`)).json.data;
    await expectNoNote(async () => {
      expect(await fail(id, ops)).toMatchObject({ status: 'failed', is_untold: false });
    });
  });

  test('a second time, of an attempt that was under way when the delivery had failed or was recorded before', async () => {
    const failing = await register(['order.paid']);
    await register(['delivery.failed']);
    const { id } = await newDelivery(failing);
    const attempt = failure(id, failing);
    await recordAttempts(api.db, [attempt]);
    expect(await recordAttempts(api.db, [attempt])).toMatchObject([{ number: 1, is_untold: false }]);
    expect(await fail(id, failing)).toMatchObject({ number: 2, status: 'failed', is_untold: false });
    expect(await notes()).toMatchObject([{ delivery_id: id, attempt_number: 1 }]);
  });
});

test('an endpoint that was disabled meanwhile is told all the same: its operational events are held', async () => {
  const failing = await register(['order.paid']);
  const ops = await register(['delivery.failed']);
  await api.db.update(webhooks).set({ endpoint_state: 'disabled' }).where(eq(webhooks.id, ops));
  const { id } = await newDelivery(failing);
  await fail(id, failing);
  const one = teller();
  one.tell(id);
  await one.close();
  const [delivery] = (await api.request('GET', `/v1/deliveries?webhook_id=${ops}`)).json.data;
  expect(delivery).toMatchObject({ status: 'held', event_type: 'delivery.failed' });
});
