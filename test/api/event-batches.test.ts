import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  await api.request('POST', '/v1/webhooks', { body: { url: 'https://receiver.test/', events: ['*'] } });
});
afterAll(() => api.close());

const post = (events: unknown, key = api.key) =>
  api.request('POST', '/v1/events/batch', { body: { events }, key });
const event = (changes: object = {}) => ({ type: 'message.read', data: { message_id: 'msg_1' }, ...changes });
const statusesOf = (results: { status: string }[]) => results.map(({ status }) => status);

describe('a batch', () => {
  test('has a result for each event, in their order, and each is stored with its deliveries', async () => {
    const events = [event({ id: 'mine-1' }), event({ type: 'message.sent', channel: 'c' }), event()];
    const { status, json } = await post(events);
    expect(status).toBe(200);
    expect(json.results).toMatchObject([
      { status: 'accepted', id: 'mine-1', type: 'message.read', channel: null },
      { status: 'accepted', type: 'message.sent', channel: 'c' },
      { status: 'accepted', type: 'message.read' },
    ]);
    for (const { id } of json.results) {
      const stored = await api.request('GET', `/v1/events/${id}`);
      expect(stored.json).toMatchObject({
        data: { message_id: 'msg_1' },
        deliveries: [{ status: 'pending' }],
      });
    }
  });

  test('takes a thousand events', async () => {
    const { status, json } = await post(Array.from({ length: 1_000 }, (_, n) => event({ data: { n } })));
    expect(status).toBe(200);
    expect(new Set(json.results.map(({ id }: { id: string }) => id)).size).toBe(1_000);
    expect(new Set(statusesOf(json.results))).toEqual(new Set(['accepted']));
  });

  test('refuses an event with its reason and where it stands, and takes the others', async () => {
    const { status, json } = await post([
      event({ id: 'good-1' }),
      event({ data: 'text' }),
      event({ surprise: 1 }),
      event({ data: { deep: ['\u0000'] } }),
      'not an object',
      event({ idempotency_key: 'é' }),
      event({ data: { big: 'x'.repeat(300_000) } }),
      event({ id: 'good-2' }),
    ]);
    expect(status).toBe(200);
    const [good, data, surprise, nul, text, key, big, last] = json.results;
    expect([good, last]).toMatchObject([
      { status: 'accepted', id: 'good-1' },
      { status: 'accepted', id: 'good-2' },
    ]);
    const pointersOf = (result: { problem: { errors: { pointer: string }[] } }) =>
      result.problem.errors.map(({ pointer }) => pointer);
    expect(data.problem).toMatchObject({ status: 422, code: 'invalid_body' });
    expect(pointersOf(data)).toEqual(['/events/1/data']);
    expect(pointersOf(surprise)).toEqual(['/events/2/surprise']);
    expect(pointersOf(nul)).toEqual(['/events/3/data/deep/0']);
    expect(pointersOf(text)).toEqual(['/events/4']);
    expect(pointersOf(key)).toEqual(['/events/5/idempotency_key']);
    expect(big.problem).toMatchObject({ status: 413, errors: [{ pointer: '/events/6/data' }] });
  });

  test('that is posted again is repeated, event by event', async () => {
    const events = [
      event({ id: 'again-1', idempotency_key: 'again-k' }),
      event({ idempotency_key: 'again-2' }),
    ];
    const first = await post(events);
    const second = await post([...events, event({ id: 'again-3' })]);
    expect(statusesOf(second.json.results)).toEqual(['repeated', 'repeated', 'accepted']);
    expect(second.json.results.slice(0, 2)).toEqual(
      first.json.results.map((result: object) => ({ ...result, status: 'repeated' })),
    );
    const alone = await api.request('POST', '/v1/events', {
      body: event({ id: 'again-1' }),
      headers: { 'Idempotency-Key': 'again-k' },
    });
    expect(alone.json.id).toBe('again-1');
    const other = event({ id: 'again-1', data: { other: true } });
    expect((await post([other])).json.results[0].problem).toMatchObject({
      code: 'idempotency_conflict',
      errors: [{ pointer: '/events/0/id' }],
    });
  });

  test('recognises repeats among its own events', async () => {
    const { json } = await post([
      event({ idempotency_key: 'within' }),
      event({ idempotency_key: 'within' }),
      event({ idempotency_key: 'within', data: { other: true } }),
      event({ id: 'within', idempotency_key: 'within-2' }),
      event({ id: 'within' }),
    ]);
    expect(statusesOf(json.results)).toEqual(['accepted', 'repeated', 'refused', 'accepted', 'repeated']);
    expect(json.results[1].id).toBe(json.results[0].id);
    expect(json.results[2].problem.errors[0].pointer).toBe('/events/2/idempotency_key');
  });

  test('holds each event to the account’s catalogue', async () => {
    await api.request('PUT', '/v1/event-types/order.paid', {
      body: { description: '', schema: { required: ['amount'], properties: { amount: { type: 'number' } } } },
    });
    const { json } = await post([
      event({ type: 'order.paid', data: { amount: 1 } }),
      event({ type: 'order.paid', data: { amount: '1' } }),
      event({ type: 'order.paid' }),
    ]);
    expect(statusesOf(json.results)).toEqual(['accepted', 'refused', 'refused']);
    expect(json.results[1].problem.errors[0].pointer).toBe('/events/1/data/amount');

    await api.request('PATCH', `/v1/accounts/${api.accountId}`, { body: { strict_event_types: true } });
    const strict = await post([event(), event({ type: 'nobody.knows' })]);
    await api.request('PATCH', `/v1/accounts/${api.accountId}`, { body: { strict_event_types: false } });
    expect(statusesOf(strict.json.results)).toEqual(['accepted', 'refused']);
    expect(strict.json.results[1].problem.code).toBe('unknown_event_type');
  });
});

describe('a body that is no batch', () => {
  test.each([
    [{}, '/events'],
    [{ events: [] }, '/events'],
    [{ events: {} }, '/events'],
    [{ events: [event()], more: 1 }, '/more'],
    [{ events: Array.from({ length: 1_001 }, () => event()) }, '/events'],
    [[event()], ''],
  ])('is refused as a whole: %#', async (body, pointer) => {
    const answer = await api.request('POST', '/v1/events/batch', { body });
    expect(answer.status).toBe(422);
    expect(answer.json.errors[0].pointer).toBe(pointer);
  });

  test('is refused with 413 beyond 8 MiB, and with 401 without a key', async () => {
    const events = Array.from({ length: 50 }, () => event({ data: { big: 'x'.repeat(200_000) } }));
    expect((await post(events)).status).toBe(413);
    expect((await post([event()], '')).status).toBe(401);
  });
});

test('random events in a batch are each accepted or refused, never more or fewer, never a 5xx', async () => {
  const json = fc.jsonValue({ maxDepth: 4 });
  const nearly = fc
    .tuple(
      fc.dictionary(
        fc.constantFrom('type', 'data', 'channel', 'id', 'idempotency_key', '__proto__'),
        fc.oneof(json, fc.string({ unit: 'binary', maxLength: 10 }), fc.constantFrom('a', 'b', 'c')),
        { maxKeys: 2 },
      ),
    )
    .map(([changes]) => ({ ...event(), ...changes }));
  await fc.assert(
    fc.asyncProperty(fc.array(fc.oneof(json, nearly), { minLength: 1, maxLength: 20 }), async (events) => {
      const answer = await post(events);
      expect(answer.status, answer.text).toBe(200);
      expect(answer.json.results).toHaveLength(events.length);
      for (const result of answer.json.results) {
        if (result.status === 'refused') expect(result.problem.code).toEqual(expect.any(String));
        else expect(result.id).toEqual(expect.any(String));
      }
    }),
    { numRuns: 100 },
  );
});
