import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const register = (body: object) =>
  api.request('POST', '/v1/webhooks', { body: { url: 'https://receiver.test/', events: ['*'], ...body } });
const tryOut = (body: object, options: { key?: string } = {}) =>
  api.request('POST', '/v1/webhooks/try-expressions', { body, ...options });

describe('the expressions of a webhook', () => {
  it('are taken, shown and taken away, and the audit log says which was changed', async () => {
    const expressions = { filter: 'data.amount > 1', transformation: '$body' };
    const { status, json } = await register(expressions);
    expect(status).toBe(201);
    expect(json).toMatchObject(expressions);
    const path = `/v1/webhooks/${json.id}`;
    const changed = await api.request('PATCH', path, { body: { filter: null } });
    expect(changed.json).toMatchObject({ filter: null, transformation: '$body' });
    const { json: log } = await api.request('GET', `/v1/audit-log?subject_id=${json.id}`);
    expect(log.data[0].details).toEqual({ changed: ['filter'] });
    const body = { url: 'https://receiver.test/', events: ['*'] };
    expect((await api.request('PUT', path, { body })).json.transformation).toBeNull();
  });

  it.each([
    ['filter', 'data.amount >', /^does not compile at character 13: /],
    ['transformation', '{"a": ', /^does not compile/],
    ['filter', '$eval("1")', /\$eval is not available/],
    ['filter', '', /must be an expression/],
    ['transformation', 'x'.repeat(8_193), /8192/],
    ['filter', 5, /./],
  ])(
    'that are none are refused with the field, and nothing is stored: %s %j',
    async (field, text, detail) => {
      const before = (await api.request('GET', '/v1/webhooks?limit=250')).json.data.length;
      const refused = await register({ [field]: text });
      expect(refused.status).toBe(422);
      expect(refused.json.errors).toEqual([{ pointer: `/${field}`, detail: expect.stringMatching(detail) }]);
      expect((await api.request('GET', '/v1/webhooks?limit=250')).json.data).toHaveLength(before);

      const { json: webhook } = await register({ filter: 'true' });
      const path = `/v1/webhooks/${webhook.id}`;
      const whole = { url: 'https://elsewhere.test/', events: ['*'], [field]: text };
      for (const [method, body] of [
        ['PATCH', { url: whole.url, [field]: text }],
        ['PUT', whole],
      ] as const) {
        const { status, json } = await api.request(method, path, { body });
        expect([status, json.errors[0].pointer]).toEqual([422, `/${field}`]);
      }
      expect((await api.request('GET', path)).json).toMatchObject({
        url: 'https://receiver.test/',
        filter: 'true',
      });
    },
  );
});

describe('trying expressions out', () => {
  const event = { type: 'order.paid', channel: 'shop', data: { amount: 120 } };

  it('tells what they make of an event that was posted, whatever its profile makes of it', async () => {
    const { json: posted } = await api.request('POST', '/v1/events', { body: { ...event, id: 'order-1' } });
    const { status, json } = await tryOut({
      ...{ event_id: posted.id, profile: 'standard', filter: 'data.amount > 100' },
      transformation: '$merge([$body, {"own": id}])',
    });
    expect(status).toBe(200);
    expect(json.event).toEqual({ ...event, id: 'order-1', created_at: posted.created_at });
    expect(json.filter).toEqual({ passes: true, failure: null });
    const plain = { type: event.type, timestamp: posted.created_at, data: event.data };
    expect(JSON.parse(json.body)).toEqual(plain);
    expect(json.transformation.failure).toBeNull();
    expect(JSON.parse(json.transformation.body)).toEqual({ ...plain, own: 'order-1' });
  });

  it('tells where one fails, also where it does not compile', async () => {
    const { json } = await tryOut({ event, filter: 'data.amount > "x"', transformation: '{' });
    expect(json.filter).toEqual({
      passes: null,
      failure: { code: 'T2009', position: 13, message: expect.stringContaining('same data type') },
    });
    expect(json.transformation.failure).toMatchObject({ code: 'S0203' });
  });

  it('takes what is not given from the webhook', async () => {
    const { json: webhook } = await register({ filter: 'data.amount < 100', transformation: '"own"' });
    const own = (await tryOut({ webhook_id: webhook.id, event })).json;
    expect(own).toMatchObject({ filter: { passes: false }, transformation: { body: '"own"' } });
    const other = (await tryOut({ webhook_id: webhook.id, event, filter: null, transformation: '1' })).json;
    expect(other).toMatchObject({ filter: null, transformation: { body: '1' } });
    expect((await tryOut({ webhook_id: webhook.id, event }, { key: api.otherKey })).status).toBe(404);
  });

  it('says so when the profile cannot send the event', async () => {
    const { json } = await tryOut({ event, profile: 'app-inbox', transformation: '1' });
    expect(json).toMatchObject({ body: null, transformation: null });
  });

  it('wants one event, and one that is there', async () => {
    const { json: posted } = await api.request('POST', '/v1/events', { body: event });
    for (const body of [{}, { event, event_id: posted.id }]) {
      const { status, json } = await tryOut({ filter: 'true', ...body });
      expect([status, json.errors[0].pointer]).toEqual([422, '/event_id']);
    }
    expect((await tryOut({ event_id: 'nothing', filter: 'true' })).status).toBe(404);
    expect((await tryOut({ event_id: posted.id }, { key: api.otherKey })).status).toBe(404);
  });
});

it('what is pulled is filtered and transformed as well, and one that fails waits for its next attempt', async () => {
  const settings = { url: null, events: ['shaped.pulled'], filter: 'data.n != 2' };
  const { json: webhook } = await register({ ...settings, transformation: '{"n": 10 * data.n}' });
  for (const n of [1, 2, 'three', 4]) {
    await api.request('POST', '/v1/events', { body: { type: 'shaped.pulled', data: { n } } });
  }
  const { json } = await api.request('GET', `/v1/webhooks/${webhook.id}/poll`);
  expect(json.data.map(({ body }: { body: string }) => body)).toEqual(['{"n":10}', '{"n":40}']);
  await api.request('POST', `/v1/webhooks/${webhook.id}/poll/ack`, { body: { cursor: json.cursor } });
  const { json: page } = await api.request('GET', `/v1/deliveries?webhook_id=${webhook.id}`);
  expect(page.data.map(({ status }: { status: string }) => status)).toEqual([
    'succeeded',
    'queued',
    'succeeded',
  ]);
  expect(page.data[1].reason).toContain("the webhook's transformation failed at character 10: ");
});
