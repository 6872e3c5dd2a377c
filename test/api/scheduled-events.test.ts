import { eq } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { timeErrors } from '../../api/event-times.ts';
import { newId, timeOf } from '../../db/ids.ts';
import { takeUpDueEvents } from '../../db/scheduled-events.ts';
import { changes, deliveries, events, scheduledEvents, webhooks } from '../../db/schema.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
/** How far the API's clock is ahead of the database's, in ms. */
let aheadMs = 0;
beforeAll(async () => {
  api = await startTestApi({ now: () => new Date(Date.now() + aheadMs) });
  const webhook = { id: newId('wh'), account_id: api.accountId, url: 'https://receiver.test/' };
  await api.db.insert(webhooks).values({ ...webhook, profile: 'inbox', events: ['*'] });
});
afterAll(() => api.close());

const hourMs = 3_600_000;
const dayMs = 24 * hourMs;
const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const event = { type: 'message.read', data: { n: 1 } };
const post = (body: object, headers: Record<string, string> = {}) =>
  api.request('POST', '/v1/events', { body: { ...event, ...body }, headers });
const get = async (id: string) => (await api.request('GET', `/v1/events/${id}`)).json;
const storedEvents = () => api.db.$count(events);
const audited = async (id: string) =>
  (await api.request('GET', `/v1/audit-log?subject_id=${id}`)).json.data.map(
    ({ action }: { action: string }) => action,
  );

describe('the times of an event', () => {
  const now = new Date('2026-11-21T12:00:00Z');
  const year = new Date('2027-11-21T12:00:00Z');
  const times = fc.option(
    fc.date({ min: new Date('2026-01-01'), max: new Date('2029-12-31'), noInvalidDate: true }),
    { nil: undefined },
  );

  test('are taken exactly when both lie ahead in order, and no further than a year', () => {
    fc.assert(
      fc.property(times, times, (deliver_at, expires_at) => {
        const latest = deliver_at === undefined ? year : new Date(deliver_at);
        if (deliver_at !== undefined) latest.setUTCFullYear(latest.getUTCFullYear() + 1);
        const isTaken =
          (deliver_at === undefined || (deliver_at > now && deliver_at <= year)) &&
          (expires_at === undefined ||
            (expires_at > now && expires_at > (deliver_at ?? now) && expires_at <= latest));
        expect(timeErrors({ deliver_at, expires_at }, now).length === 0).toBe(isTaken);
      }),
    );
  });

  test.each([
    [{ deliver_at: '2020-01-01T00:00:00Z' }, '/deliver_at', 'must be in the future'],
    [{ deliver_at: inMs(400 * dayMs) }, '/deliver_at', 'must be within a year'],
    [{ deliver_at: '2030-01-01T00:00:00' }, '/deliver_at', 'offset'],
    [{ deliver_at: '2030-02-30T00:00:00Z' }, '/deliver_at', 'RFC 3339'],
    [{ deliver_at: 'tomorrow' }, '/deliver_at', 'RFC 3339'],
    [{ deliver_at: 1_900_000_000 }, '/deliver_at', ''],
    [{ expires_at: '2020-01-01T00:00:00Z' }, '/expires_at', 'must be in the future'],
    [{ expires_at: inMs(400 * dayMs) }, '/expires_at', 'must be within a year'],
    [{ expires_at: inMs(hourMs).replace('Z', '') }, '/expires_at', 'offset'],
    [{ deliver_at: inMs(2 * hourMs), expires_at: inMs(hourMs) }, '/expires_at', 'must be after deliver_at'],
  ])('%o is refused at %s, and nothing is stored', async (body, pointer, detail) => {
    const before = await storedEvents();
    const { status, json } = await post(body);
    expect(status).toBe(422);
    expect(json.errors).toEqual([{ pointer, detail: expect.stringContaining(detail) }]);
    const batch = await api.request('POST', '/v1/events/batch', {
      body: { events: [{ ...event, ...body }] },
    });
    expect(batch.json.results).toMatchObject([
      { status: 'refused', problem: { status: 422, errors: [{ pointer: `/events/0${pointer}` }] } },
    ]);
    expect(await storedEvents()).toBe(before);
  });
});

describe('an event with deliver_at', () => {
  test('is stored with its times and without deliveries, and listed as scheduled, single or of a batch', async () => {
    const times = { deliver_at: inMs(hourMs), expires_at: inMs(2 * hourMs) };
    const { status, json } = await post(times);
    expect(status).toBe(202);
    expect(json).toMatchObject(times);
    const [ofBatch, atOnce] = (
      await api.request('POST', '/v1/events/batch', { body: { events: [{ ...event, ...times }, event] } })
    ).json.results;
    expect(ofBatch).toMatchObject({ status: 'accepted', ...times });
    expect(await get(json.id)).toMatchObject({ ...event, ...times, status: 'scheduled', deliveries: [] });
    expect(await get(atOnce.id)).toMatchObject({ status: 'released', deliver_at: null, expires_at: null });

    const list = async (status: string) =>
      (await api.request('GET', `/v1/events?status=${status}&limit=250`)).json.data.map(
        ({ id }: { id: string }) => id,
      );
    expect(await list('scheduled')).toEqual([ofBatch.id, json.id]);
    expect(await list('released')).toEqual([atOnce.id]);
    expect(await list('cancelled')).toEqual([]);
    expect((await api.request('GET', '/v1/events?status=late')).json.errors).toMatchObject([
      { parameter: 'status' },
    ]);
  });

  test('is told by its id or key, its times being part of its content; also when its time has come since', async () => {
    const id = `own-${newId('evt').slice(4)}`;
    const times = { deliver_at: inMs(hourMs) };
    const first = await post({ id, ...times });
    expect((await post({ id, ...times })).json).toEqual(first.json);
    expect(await post({ id })).toMatchObject({ status: 409, json: { code: 'idempotency_conflict' } });
    expect(await post({ id, deliver_at: inMs(2 * hourMs) })).toMatchObject({ status: 409 });

    const soon = { deliver_at: inMs(300), expires_at: inMs(600) };
    const key = { 'idempotency-key': newId('evt') };
    const accepted = await post(soon, key);
    expect(accepted.status).toBe(202);
    while (Date.now() <= Date.parse(soon.expires_at)) await new Promise((resolve) => setTimeout(resolve, 50));
    expect(await post(soon, key)).toMatchObject({ status: 202, json: accepted.json });
    expect(await post(soon)).toMatchObject({ status: 422 });
  });
});

describe('PATCH /v1/events/{id}', () => {
  test('changes when it goes out, when it expires, and its data, and tells the timekeeper', async () => {
    const { id } = (await post({ deliver_at: inMs(hourMs) })).json;
    const change = { deliver_at: inMs(2 * hourMs), expires_at: inMs(3 * hourMs), data: { b: 1, a: 2 } };
    const { status, json } = await api.request('PATCH', `/v1/events/${id}`, { body: change });
    expect(status).toBe(200);
    expect(json).toMatchObject({ ...change, status: 'scheduled', deliveries: [] });
    const [row] = await api.db.select().from(events).where(eq(events.id, id));
    expect(row?.data).toBe('{"b":1,"a":2}');
    const [waiting] = await api.db.select().from(scheduledEvents).where(eq(scheduledEvents.event_id, id));
    expect(waiting?.due_at.toISOString()).toBe(change.deliver_at);
    expect(api.lookedAt.at(-1)?.toISOString()).toBe(change.deliver_at);
    expect(await audited(id)).toEqual(['event.changed']);

    const cleared = await api.request('PATCH', `/v1/events/${id}`, { body: { expires_at: null } });
    expect(cleared.json).toMatchObject({ ...change, expires_at: null });
    const now = await api.request('PATCH', `/v1/events/${id}`, { body: { deliver_at: null } });
    expect(Math.abs(Date.parse(now.json.deliver_at) - Date.now())).toBeLessThan(10_000);
  });

  test('to go out at once means by the database’s clock, whatever the API’s shows', async () => {
    const { id } = (await post({ deliver_at: inMs(5 * hourMs) })).json;
    aheadMs = hourMs;
    onTestFinished(() => {
      aheadMs = 0;
    });
    const { status } = await api.request('PATCH', `/v1/events/${id}`, { body: { deliver_at: null } });
    expect(status).toBe(200);
    const due = await takeUpDueEvents(api.db, { limit: 10, now: new Date() });
    expect(due.map((one) => one.id)).toContain(id);
  });

  test.each([
    [{ deliver_at: '2020-01-01T00:00:00Z' }, '/deliver_at'],
    [{ deliver_at: inMs(6 * hourMs) }, '/deliver_at'],
    [{ expires_at: inMs(hourMs / 2) }, '/expires_at'],
    [{ type: 'message.sent' }, '/type'],
    [{ data: [] }, '/data'],
  ])('refuses %o at %s, and changes nothing', async (body, pointer) => {
    const { id } = (await post({ deliver_at: inMs(hourMs), expires_at: inMs(5 * hourMs) })).json;
    const before = await get(id);
    const { status, json } = await api.request('PATCH', `/v1/events/${id}`, { body });
    expect(status).toBe(422);
    expect(json.errors).toMatchObject([{ pointer }]);
    expect(await get(id)).toEqual(before);
  });

  test.each([[inMs(hourMs)], [null]])(
    'to %o is refused a year before it expires, unless that changes as well',
    async (deliver_at) => {
      const times = { deliver_at: inMs(300 * dayMs), expires_at: inMs(600 * dayMs) };
      const { id } = (await post(times)).json;
      const { status, json } = await api.request('PATCH', `/v1/events/${id}`, { body: { deliver_at } });
      expect(status).toBe(422);
      expect(json.errors).toEqual([
        { pointer: '/deliver_at', detail: expect.stringContaining('within a year') },
      ]);
      expect(await get(id)).toMatchObject(times);
      const data = { n: 2 };
      expect((await api.request('PATCH', `/v1/events/${id}`, { body: { data } })).status).toBe(200);
      const both = { deliver_at, expires_at: inMs(300 * dayMs) };
      expect((await api.request('PATCH', `/v1/events/${id}`, { body: both })).status).toBe(200);
    },
  );

  test('answers 409 once it has gone out or is cancelled, and 404 for another account’s', async () => {
    const { id } = (await post({ deliver_at: inMs(hourMs) })).json;
    const change = { body: { deliver_at: inMs(2 * hourMs) } };
    expect(await api.request('PATCH', `/v1/events/${id}`, { ...change, key: api.otherKey })).toMatchObject({
      status: 404,
    });
    await api.request('POST', `/v1/events/${id}/cancel`);
    expect(await api.request('PATCH', `/v1/events/${id}`, change)).toMatchObject({
      status: 409,
      json: { code: 'event_cancelled' },
    });
    const gone = (await post({})).json;
    expect(await api.request('PATCH', `/v1/events/${gone.id}`, change)).toMatchObject({
      status: 409,
      json: { code: 'event_released' },
    });
  });
});

describe('POST /v1/events/{id}/cancel', () => {
  test('calls it off for good; twice is once, and what has gone out is refused', async () => {
    const { id } = (await post({ deliver_at: inMs(hourMs) })).json;
    const other = await api.request('POST', `/v1/events/${id}/cancel`, { key: api.otherKey });
    expect(other.status).toBe(404);
    for (let times = 0; times < 2; times += 1) {
      const { status, json } = await api.request('POST', `/v1/events/${id}/cancel`);
      expect(status).toBe(200);
      expect(json).toMatchObject({ id, status: 'cancelled', deliveries: [] });
    }
    expect(await audited(id)).toEqual(['event.cancelled']);
    expect(await api.db.$count(scheduledEvents, eq(scheduledEvents.event_id, id))).toBe(0);
    const told = await api.db.select().from(changes).where(eq(changes.kind, 'events'));
    expect(told.length).toBeGreaterThan(1);
    const list = await api.request('GET', '/v1/events?status=cancelled');
    expect(list.json.data[0]).toMatchObject({ id, status: 'cancelled' });

    const gone = (await post({})).json;
    expect(await api.request('POST', `/v1/events/${gone.id}/cancel`)).toMatchObject({
      status: 409,
      json: { code: 'event_released' },
    });
  });
});

test('an event is not sent again before its time, nor when it was cancelled or has expired, nor its deliveries attempted by hand', async () => {
  const resend = (id: string) => api.request('POST', `/v1/events/${id}/resend`);
  const { id } = (await post({ deliver_at: inMs(hourMs) })).json;
  expect(await resend(id)).toMatchObject({ status: 409, json: { code: 'event_scheduled' } });
  await api.request('POST', `/v1/events/${id}/cancel`);
  expect(await resend(id)).toMatchObject({ status: 409, json: { code: 'event_cancelled' } });

  const expiring = (await post({ expires_at: inMs(hourMs) })).json;
  const [delivery] = (await get(expiring.id)).deliveries;
  expect(delivery.expires_at).toBe(expiring.expires_at);
  const past = new Date(timeOf(expiring.id).getTime() - 1_000);
  await api.db.update(events).set({ expires_at: past }).where(eq(events.id, expiring.id));
  await api.db.update(deliveries).set({ expires_at: past }).where(eq(deliveries.event_id, expiring.id));
  expect(await resend(expiring.id)).toMatchObject({ status: 409, json: { code: 'event_expired' } });
  const retried = await api.request('POST', `/v1/deliveries/${delivery.id}/retry`);
  expect(retried).toMatchObject({ status: 409, json: { code: 'event_expired' } });
  expect(api.manualAttempts).toEqual([]);
});
