import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deliveries, events, eventTypes } from '../../db/schema.ts';
import { eventCatalogue } from '../../webhook/profiles.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const put = (name: string, body: object) => api.request('PUT', `/v1/event-types/${name}`, { body });
const get = (name: string) => api.request('GET', `/v1/event-types/${name}`);
const post = (type: string, data: unknown, key?: string) =>
  api.request('POST', '/v1/events', { body: { type, data }, ...(key === undefined ? {} : { key }) });
const patch = (body: object, id: string = api.accountId, key = api.key) =>
  api.request('PATCH', `/v1/accounts/${id}`, { body, key });

const order = {
  type: 'object',
  required: ['id', 'lines'],
  properties: {
    id: { type: 'string', pattern: '^ord_' },
    at: { type: 'string', format: 'date-time' },
    lines: { type: 'array', items: { $ref: '#/$defs/line' } },
  },
  unevaluatedProperties: false,
  $defs: { line: { type: 'object', properties: { count: { type: 'integer', minimum: 1 } } } },
};

describe('the catalogue', () => {
  test('lists built-in types, the account’s own and those only seen, by name, page by page', async () => {
    await put('list.own', { description: 'Mine' });
    await put('message.read', { description: 'Mine in place of the built-in one' });
    await post('list.seen', {});
    const all: { name: string; source: string }[] = [];
    let cursor = '';
    do {
      const { json } = await api.request('GET', `/v1/event-types?limit=3${cursor}`);
      all.push(...json.data);
      cursor = json.next_cursor === null ? '' : `&cursor=${json.next_cursor}`;
    } while (cursor !== '');
    const names = all.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)].sort());
    const sourceOf = (name: string) => all.find((one) => one.name === name)?.source;
    for (const { type } of eventCatalogue)
      expect(sourceOf(type)).toBe(type === 'message.read' ? 'own' : 'built_in');
    expect([sourceOf('list.own'), sourceOf('list.seen')]).toEqual(['own', 'seen']);
    expect((await api.request('GET', '/v1/event-types?limit=250')).json.data).toEqual(all);
    await api.request('DELETE', '/v1/event-types/message.read');
    expect((await get('message.read')).json.source).toBe('built_in');
  });

  test('has every built-in type with its description and example', async () => {
    for (const { type, description, example, schema = null } of eventCatalogue) {
      expect((await get(type)).json).toEqual({
        ...{ name: type, description, example, schema, source: 'built_in' },
        ...{ created_at: null, updated_at: null },
      });
    }
  });

  test('takes an own type, replaces it whole, and deletes it', async () => {
    const described = { description: 'An order', example: { id: 'ord_1', lines: [] }, schema: order };
    const made = await put('order.paid', described);
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({ name: 'order.paid', ...described, source: 'own' });
    expect((await get('order.paid')).json).toEqual(made.json);
    const replaced = await put('order.paid', { description: 'Plain' });
    expect(replaced.status).toBe(200);
    expect(replaced.json).toMatchObject({ description: 'Plain', example: null, schema: null });
    expect((await api.request('DELETE', '/v1/event-types/order.paid')).status).toBe(204);
    expect((await get('order.paid')).status).toBe(404);
    expect((await api.request('DELETE', '/v1/event-types/order.paid')).status).toBe(404);
    expect((await api.request('DELETE', '/v1/event-types/message.sent')).status).toBe(404);
  });

  test('keeps an example’s fields in their order', async () => {
    await put('ordered.example', { description: '', example: { zz: 1, a: { y: 1, b: 2 } } });
    expect(JSON.stringify((await get('ordered.example')).json.example)).toBe('{"zz":1,"a":{"y":1,"b":2}}');
  });

  test.each<[string, object, string]>([
    ['no description', {}, '/description'],
    ['an example that is no object', { description: '', example: [1] }, '/example'],
    ['a schema that is no object', { description: '', schema: true }, '/schema'],
    [
      'an unknown type in a schema',
      { description: '', schema: { properties: { a: { type: 'text' } } } },
      '/schema/properties/a/type',
    ],
    [
      'a keyword with a wrong value',
      { description: '', schema: { items: { minLength: -1 } } },
      '/schema/items/minLength',
    ],
    [
      'an expression that is none',
      { description: '', schema: { properties: { a: { pattern: '(' } } } },
      '/schema/properties/a/pattern',
    ],
    [
      'another draft',
      { description: '', schema: { $schema: 'http://json-schema.org/draft-07/schema#' } },
      '/schema/$schema',
    ],
    [
      'a remote reference',
      { description: '', schema: { properties: { a: { $ref: 'https://example.com/a.json' } } } },
      '/schema/properties/a/$ref',
    ],
    ['a reference to nothing', { description: '', schema: { $ref: '#/$defs/none' } }, '/schema/$ref'],
    [
      'an example that does not fit',
      { description: '', schema: order, example: { id: 'x', lines: [] } },
      '/example/id',
    ],
    ['a schema of 40,000 characters', { description: '', schema: { title: 'x'.repeat(40_000) } }, '/schema'],
  ])('refuses %s and names the place', async (_what, body, pointer) => {
    const answer = await put('refused.type', body);
    expect(answer.status, answer.text).toBe(422);
    expect(answer.json.errors.map((error: { pointer: string }) => error.pointer)).toContain(pointer);
    expect((await get('refused.type')).status).toBe(404);
  });

  test('is each account’s own', async () => {
    await put('mine.alone', { description: 'Mine', schema: { required: ['a'] } });
    const { json } = await api.request('GET', '/v1/event-types?limit=250', { key: api.otherKey });
    expect(json.data.map(({ name }: { name: string }) => name)).not.toContain('mine.alone');
    expect((await post('mine.alone', {}, api.otherKey)).status).toBe(202);
    expect((await post('mine.alone', {})).status).toBe(422);
  });

  test('gives schemas with the same $id to two accounts', async () => {
    const schema = (name: string) => ({ $id: 'https://example.com/same', required: [name] });
    await put('same.id', { description: '', schema: schema('a') });
    const path = '/v1/event-types/same.id';
    await api.request('PUT', path, { body: { description: '', schema: schema('b') }, key: api.otherKey });
    expect((await post('same.id', { a: 1 })).status).toBe(202);
    expect((await post('same.id', { a: 1 }, api.otherKey)).status).toBe(422);
  });
});

describe('data that does not fit', () => {
  test('is refused with a pointer to each bad place, and nothing is stored', async () => {
    await put('order.made', { description: 'An order', schema: order });
    await api.request('POST', '/v1/webhooks', {
      body: { url: 'https://receiver.test/', events: ['order.made'] },
    });
    const stored = [await api.db.$count(events), await api.db.$count(deliveries)];
    const data = { id: 'secret-value', at: 'noon', lines: [{ count: 1 }, { count: 0 }], 'a/b': 1 };
    const answer = await post('order.made', data);
    expect(answer.json).toMatchObject({ status: 422, code: 'invalid_body' });
    expect(answer.json.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '/data/at',
      '/data/a~1b',
      '/data/id',
      '/data/lines/1/count',
    ]);
    expect(answer.text).not.toContain('secret-value');
    const missing = await post('order.made', {});
    expect(missing.json.errors).toEqual([
      { pointer: '/data/id', detail: 'is required' },
      { pointer: '/data/lines', detail: 'is required' },
    ]);
    expect([await api.db.$count(events), await api.db.$count(deliveries)]).toEqual(stored);
    expect((await post('order.made', { id: 'ord_1', at: '2025-01-15T10:25:03Z', lines: [] })).status).toBe(
      202,
    );
  });

  test('has at most 20 of its bad places named', async () => {
    await put('many.faults', { description: '', schema: { additionalProperties: { type: 'string' } } });
    const data = Object.fromEntries(Array.from({ length: 100 }, (_, index) => [`f${index}`, index]));
    expect((await post('many.faults', data)).json.errors).toHaveLength(20);
  });

  test('is held to the built-in schema where the account has none of its own', async () => {
    const data = { externalCustomerId: 'c', messages: [{ id: 1 }] };
    const answer = await post('inbox.messages', data);
    const pointers = answer.json.errors.map(({ pointer }: { pointer: string }) => pointer);
    expect(pointers).toEqual(expect.arrayContaining(['/data/messages/0/id', '/data/messages/0/createdDate']));
    await put('inbox.messages', { description: 'Anything', schema: {} });
    expect((await post('inbox.messages', data)).status).toBe(202);
    await api.request('DELETE', '/v1/event-types/inbox.messages');
  });
});

describe('a hostile schema', () => {
  test.each<[string, object, object]>([
    [
      'an expression that backtracks without end',
      { properties: { a: { pattern: '^(a+)+$' } } },
      { a: `${'a'.repeat(60)}b` },
    ],
    ['one that recurses without end', { allOf: [{ $ref: '#' }] }, { a: 1 }],
    [
      'one that compares everything with everything',
      { properties: { a: { uniqueItems: true } } },
      { a: Array.from({ length: 30_000 }, (_, index) => [index]) },
    ],
  ])('does not hold up events for long: %s', async (_what, schema, data) => {
    const name = 'hostile.type';
    let clock = new Date();
    const hostile = await startTestApi({ now: () => clock });
    const request = (type: string, body: unknown, key = hostile.key) =>
      hostile.request('POST', '/v1/events', { body: { type, data: body }, key });
    const made = await hostile.request('PUT', `/v1/event-types/${name}`, {
      body: { description: '', schema },
    });
    expect(made.status, made.text).toBe(201);
    const startedAt = performance.now();
    const answer = await request(name, data);
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer: '/data' }] });
    // Whoever has just taken so long waits; others do not, nor types without a schema.
    expect((await request(name, data)).json).toMatchObject({ status: 503, code: 'schema_paused' });
    expect((await request(name, data, hostile.otherKey)).status).toBe(202);
    expect((await request('message.read', {})).status).toBe(202);
    clock = new Date(clock.getTime() + 10_001);
    expect((await request(name, data)).status).toBe(422);
    await hostile.close();
  });
});

describe('a type in no catalogue', () => {
  test('is accepted and listed as seen, stored once however often it comes', async () => {
    const answers = await Promise.all(Array.from({ length: 10 }, () => post('seen.often', {})));
    expect(answers.every(({ status }) => status === 202)).toBe(true);
    const { json } = await get('seen.often');
    expect(json).toMatchObject({ description: '', example: null, schema: null, source: 'seen' });
    expect(await api.db.$count(eventTypes, eq(eventTypes.name, 'seen.often'))).toBe(1);
  });

  test('is not listed for a built-in type, nor for a test event', async () => {
    await post('message.failed', {});
    const webhook = await api.request('POST', '/v1/webhooks', {
      body: { url: 'https://receiver.test/', events: ['*'] },
    });
    await api.request('POST', '/v1/webhooks/test', {
      body: { webhook_id: webhook.json.id, event_type: 'only.tested' },
    });
    expect(await api.db.$count(eventTypes, eq(eventTypes.name, 'message.failed'))).toBe(0);
    expect((await get('only.tested')).status).toBe(404);
  });

  test('becomes an own type when it is described', async () => {
    await post('seen.then.own', {});
    expect((await put('seen.then.own', { description: 'Mine' })).status).toBe(201);
    expect((await get('seen.then.own')).json).toMatchObject({ description: 'Mine', source: 'own' });
  });

  test('is refused by a strict account, at once and until it is no longer strict', async () => {
    await post('seen.before.strict', {});
    const strict = await patch({ strict_event_types: true });
    expect(strict.status).toBe(200);
    expect(strict.json).toMatchObject({ id: api.accountId, strict_event_types: true });
    for (const type of ['never.seen', 'seen.before.strict']) {
      expect((await post(type, {})).json).toMatchObject({
        ...{ status: 422, code: 'unknown_event_type', errors: [{ pointer: '/type' }] },
      });
    }
    expect((await get('never.seen')).status).toBe(404);
    await put('known.now', { description: 'Mine' });
    expect((await post('known.now', {})).status).toBe(202);
    expect((await post('message.read', {})).status).toBe(202);
    expect((await post('never.seen', {}, api.otherKey)).status).toBe(202);
    await patch({ strict_event_types: false });
    expect((await post('never.seen', {})).status).toBe(202);
  });

  test('only the first account decides for how many days an account is kept', async () => {
    const { otherAccountId, otherKey, accountId } = api;
    expect((await patch({ retention_days: 90 }, otherAccountId, otherKey)).status).toBe(403);
    expect((await patch({ retention_days: 90 }, otherAccountId)).json.retention_days).toBe(90);
    expect((await patch({ retention_days: 7 }, accountId)).json.retention_days).toBe(7);
    for (const retention_days of [0, 3_651, 1.5, '7'])
      expect((await patch({ retention_days })).status).toBe(422);
    for (const id of [accountId, otherAccountId])
      expect((await patch({ retention_days: null }, id)).json.retention_days).toBeNull();
  });

  test('only an account itself and the first account decide how strict it is', async () => {
    const { otherAccountId, otherKey, accountId } = api;
    expect((await patch({ strict_event_types: true }, accountId, otherKey)).status).toBe(404);
    expect((await patch({ strict_event_types: true }, otherAccountId, otherKey)).status).toBe(200);
    expect((await patch({ strict_event_types: false }, otherAccountId)).json.strict_event_types).toBe(false);
    expect((await patch({ strict_event_types: 'yes' })).status).toBe(422);
    expect((await patch({}, 'acct_1')).status).toBe(404);
  });
});

test('POST /v1/webhooks/test sends the account’s own example where there is one', async () => {
  const webhook = await api.request('POST', '/v1/webhooks', {
    body: { url: 'https://receiver.test/', events: ['*'] },
  });
  await put('message.delivered', { description: 'Mine', example: { z: 'my own', a: 1 } });
  const answer = await api.request('POST', '/v1/webhooks/test', {
    body: { webhook_id: webhook.json.id, event_type: 'message.delivered' },
  });
  const [stored] = await api.db.select().from(events).where(eq(events.id, answer.json.event_id));
  expect(stored?.data).toBe('{"z":"my own","a":1}');
});
