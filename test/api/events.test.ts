import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { timeOf } from '../../db/ids.ts';
import { deliveries, events } from '../../db/schema.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const data = { message_id: 'msg_1', to: '+15551234567' };

describe('POST /v1/events', () => {
  test('answers 202 with the event’s id, type, channel and the moment in its id', async () => {
    const posted = await api.request('POST', '/v1/events', {
      body: { type: 'message.read', data, channel: 'c1' },
    });
    expect(posted.status).toBe(202);
    const { id } = posted.json;
    expect(id).toMatch(/^evt_[0-9a-z]{26}$/);
    expect(posted.json).toEqual({
      id,
      type: 'message.read',
      channel: 'c1',
      ...{ deliver_at: null, expires_at: null },
      created_at: timeOf(id).toISOString(),
    });
    expect(posted.json.created_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect(await api.db.select().from(events).where(eq(events.id, id))).toMatchObject([
      { type: 'message.read', channel: 'c1', data: JSON.stringify(data), is_test: false, client_id: null },
    ]);
  });

  test('keeps the data’s fields in the order in which they came, whatever their names', async () => {
    const raw = '{"type":"a","data":{"z":1,"__proto__":{"x":[null]},"a":"é€😀"}}';
    const posted = await api.request('POST', '/v1/events', { raw });
    expect(posted.status).toBe(202);
    const [row] = await api.db.select().from(events).where(eq(events.id, posted.json.id));
    expect(row?.data).toBe('{"z":1,"__proto__":{"x":[null]},"a":"é€😀"}');
  });

  test('answers a repeat under the same Idempotency-Key with the same bytes and stores nothing more', async () => {
    const request = { body: { type: 'message.read', data }, headers: { 'Idempotency-Key': 'k 1' } };
    const first = await api.request('POST', '/v1/events', request);
    const repeat = await api.request('POST', '/v1/events', request);
    expect([first.status, repeat.status]).toEqual([202, 202]);
    expect(repeat.text).toBe(first.text);
  });

  test('takes the same fields in another order for a repeat', async () => {
    const headers = { 'Idempotency-Key': 'order' };
    const first = await api.request('POST', '/v1/events', {
      raw: '{"type":"a","data":{"x":1,"y":[{"a":1,"b":2}]}}',
      headers,
    });
    const repeat = await api.request('POST', '/v1/events', {
      raw: ' {"data":{"y":[{"b":2,"a":1}],"x":1}, "type":"a"}',
      headers,
    });
    expect(repeat.text).toBe(first.text);
  });

  test('refuses the same Idempotency-Key with another body with 409', async () => {
    const headers = { 'Idempotency-Key': 'k2' };
    await api.request('POST', '/v1/events', { body: { type: 'a', data: { n: 1 } }, headers });
    for (const body of [
      { type: 'a', data: { n: 2 } },
      { type: 'b', data: { n: 1 } },
      { type: 'a', data: { n: 1 }, channel: 'c' },
    ]) {
      const again = await api.request('POST', '/v1/events', { body, headers });
      expect(again.status).toBe(409);
      expect(again.json).toMatchObject({
        code: 'idempotency_conflict',
        errors: [{ header: 'Idempotency-Key' }],
      });
    }
  });

  test('knows an event by the producer’s own id, in answers and in paths', async () => {
    const body = { type: 'a', data, id: 'order-17_x' };
    const first = await api.request('POST', '/v1/events', { body });
    const repeat = await api.request('POST', '/v1/events', { body });
    expect(first.json.id).toBe('order-17_x');
    expect(repeat.text).toBe(first.text);
    const conflict = await api.request('POST', '/v1/events', { body: { ...body, type: 'b' } });
    expect(conflict.json).toMatchObject({
      status: 409,
      code: 'idempotency_conflict',
      errors: [{ pointer: '/id' }],
    });
    const [row] = await api.db.select().from(events).where(eq(events.client_id, 'order-17_x'));
    for (const id of ['order-17_x', row?.id]) {
      const found = await api.request('GET', `/v1/events/${id}`);
      expect(found.json).toMatchObject({ id: 'order-17_x', data, deliveries: [] });
    }
  });

  test('gives one answer to many posts of the same event at once', async () => {
    const body = { type: 'a', data, id: 'at-once' };
    const headers = { 'Idempotency-Key': 'at-once' };
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => api.request('POST', '/v1/events', { body, headers })),
    );
    expect(new Set(answers.map((answer) => answer.text)).size).toBe(1);
    expect(answers.every((answer) => answer.status === 202)).toBe(true);
    expect(await api.db.select().from(events).where(eq(events.client_id, 'at-once'))).toHaveLength(1);
  });

  test('lets two accounts use the same id and key for different events', async () => {
    const headers = { 'Idempotency-Key': 'shared' };
    const mine = await api.request('POST', '/v1/events', {
      body: { type: 'a', data, id: 'shared' },
      headers,
    });
    const theirs = await api.request('POST', '/v1/events', {
      body: { type: 'b', data: {}, id: 'shared' },
      headers,
      key: api.otherKey,
    });
    expect([mine.status, theirs.status]).toEqual([202, 202]);
    const read = await api.request('GET', '/v1/events/shared', { key: api.otherKey });
    expect(read.json.type).toBe('b');
  });

  test('refuses an id that Postrider gave to another event', async () => {
    const { json } = await api.request('POST', '/v1/events', { body: { type: 'a', data } });
    const answer = await api.request('POST', '/v1/events', { body: { type: 'a', data, id: json.id } });
    expect(answer.json).toMatchObject({ status: 409, code: 'event_id_taken' });
  });

  test.each([
    ['no type', { data: {} }, '/type'],
    ['no data', { type: 'a' }, '/data'],
    ['data that is a list', { type: 'a', data: [] }, '/data'],
    ['data that is null', { type: 'a', data: null }, '/data'],
    ['a type with a blank', { type: 'a b', data: {} }, '/type'],
    ['a type that ends with a full stop', { type: 'a.', data: {} }, '/type'],
    ['a pattern for a type', { type: 'message.*', data: {} }, '/type'],
    ['a type of 129 characters', { type: 'a'.repeat(129), data: {} }, '/type'],
    ['an empty channel', { type: 'a', data: {}, channel: '' }, '/channel'],
    ['a channel of 256 characters', { type: 'a', data: {}, channel: 'c'.repeat(256) }, '/channel'],
    ['a channel with a line break', { type: 'a', data: {}, channel: 'a\nb' }, '/channel'],
    ['an id with a blank', { type: 'a', data: {}, id: 'a b' }, '/id'],
    ['an id with a full stop', { type: 'a', data: {}, id: 'a.b' }, '/id'],
    ['an empty id', { type: 'a', data: {}, id: '' }, '/id'],
    ['an id like a webhook’s', { type: 'a', data: {}, id: 'wh_1' }, '/id'],
    ['an unknown field', { type: 'a', data: {}, deliver_at: '2030-01-01T00:00:00Z' }, '/deliver_at'],
    ['an unknown field with a name to escape', { type: 'a', data: {}, 'x/y~z': 1 }, '/x~1y~0z'],
    ['a NUL in the data', { type: 'a', data: { list: ['\u0000'] } }, '/data/list/0'],
    ['half a surrogate pair in the data', { type: 'a', data: { text: '\ud83d' } }, '/data/text'],
    ['a NUL in a field’s name', { type: 'a', data: { 'a\u0000': 1 } }, '/data'],
    ['a body that is a list', [], ''],
    ['a body that is null', null, ''],
  ])('refuses %s with a pointer to it', async (_name, body, pointer) => {
    const answer = await api.request('POST', '/v1/events', { body, key: api.otherKey });
    expect(answer.status).toBe(422);
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    expect(answer.json).toMatchObject({ code: 'invalid_body', status: 422 });
    expect(answer.json.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
  });

  test('refuses nesting without end, and numbers that are none', async () => {
    const deep = `{"type":"a","data":{"d":${'['.repeat(50_000)}${']'.repeat(50_000)}}}`;
    for (const raw of [deep, '{"type":"a","data":{"n":1e400}}']) {
      expect((await api.request('POST', '/v1/events', { raw })).status).toBe(422);
    }
  });

  test.each(['', 'é', 'x'.repeat(256)])('refuses the Idempotency-Key %j', async (value) => {
    const answer = await api.request('POST', '/v1/events', {
      body: { type: 'a', data },
      headers: { 'Idempotency-Key': value },
    });
    expect(answer.json).toMatchObject({ status: 400, errors: [{ header: 'Idempotency-Key' }] });
  });
});

describe('reading events', () => {
  test('shows an event with its deliveries, and a delivery with the event', async () => {
    const webhook = await api.request('POST', '/v1/webhooks', {
      body: { url: 'https://receiver.test/', events: ['seen.*'] },
    });
    const posted = await api.request('POST', '/v1/events', {
      body: { type: 'seen.it', data, id: 'with-delivery' },
    });
    const event = await api.request('GET', `/v1/events/${posted.json.id}`);
    expect(event.json).toMatchObject({
      ...posted.json,
      data,
      is_test: false,
      deliveries: [
        { webhook_id: webhook.json.id, event_id: 'with-delivery', event_type: 'seen.it', status: 'pending' },
      ],
    });
    expect(await api.db.select().from(deliveries)).toHaveLength(1);
  });

  test('lists newest first and filters by type and channel', async () => {
    const key = api.otherKey;
    for (const [type, channel] of [
      ['l.one', 'x'],
      ['l.two', 'x'],
      ['l.one', 'y'],
    ]) {
      await api.request('POST', '/v1/events', { body: { type, channel, data: {} }, key });
    }
    const of = async (query: string) =>
      (await api.request('GET', `/v1/events?${query}`, { key })).json.data.map(
        (event: { type: string; channel: string }) => `${event.type} ${event.channel}`,
      );
    expect(await of('limit=3')).toEqual(['l.one y', 'l.two x', 'l.one x']);
    expect(await of('type=l.one')).toEqual(['l.one y', 'l.one x']);
    expect(await of('channel=x')).toEqual(['l.two x', 'l.one x']);
    expect(await of('channel=x&type=l.one')).toEqual(['l.one x']);
  });

  test('does not show another account’s event', async () => {
    const { json } = await api.request('POST', '/v1/events', { body: { type: 'a', data, id: 'mine-only' } });
    for (const id of [json.id, 'mine-only', 'evt_1234567890', 'unheard-of']) {
      const answer = await api.request('GET', `/v1/events/${id}`, { key: api.otherKey });
      expect([answer.status, answer.json.code]).toEqual([404, 'not_found']);
    }
  });
});
