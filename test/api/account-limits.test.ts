import { sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { selectRows } from '../../db/database.ts';
import { type Answer, startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
/** Another process on the same database. */
let other: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  other = await startTestApi({ db: api.db, intake: api.intake });
});
afterAll(async () => {
  await other.close();
  await api.close();
});

const change = (id: string, limits: object, key = api.key) =>
  api.request('PATCH', `/v1/accounts/${id}`, { body: { limits }, key });

/** A new account with those limits, and what asks in its name: one process after the other. */
async function accountWith(limits: object) {
  const { id, api_key: key } = (await api.request('POST', '/v1/accounts', { body: { name: 'Limited' } }))
    .json;
  expect((await change(id, limits)).status).toBe(200);
  let asked = 0;
  const ask = (method: string, path: string, body?: unknown): Promise<Answer> =>
    (asked++ % 2 === 0 ? api : other).request(method, path, {
      key,
      ...(body === undefined ? {} : { body }),
    });
  return { id, key, ask };
}

const event = { type: 'a', data: { text: 'x' } };
const rateLimit = ({ headers }: Answer) => [headers.get('ratelimit-policy'), headers.get('ratelimit')];
const statuses = (answers: Answer[]) => answers.map(({ status }) => status);

describe('an account’s limits', () => {
  test('are set by the first account, one by one, and shown with those that are everyone’s', async () => {
    const { id, ask } = await accountWith({});
    const shown = async () => (await ask('GET', `/v1/accounts/${id}`)).json.limits;
    const none = { requests_per_second: null, events_per_day: null, webhooks: null, event_bytes: 262_144 };
    expect(await shown()).toMatchObject({ ...none, batch_events: 1_000 });
    const limits = { requests_per_second: 1_000, events_per_day: 5, webhooks: 6, event_bytes: 7 };
    expect((await change(id, limits)).json.limits).toMatchObject(limits);
    expect((await change(id, { webhooks: null, events_per_day: 9 })).json.limits).toMatchObject({
      ...{ ...limits, webhooks: null, events_per_day: 9 },
    });
    expect(await shown()).toMatchObject({ ...limits, webhooks: null, events_per_day: 9 });
    await change(id, { requests_per_second: null, events_per_day: null, event_bytes: null });
    expect(await shown()).toMatchObject(none);
    const { json } = await api.request('GET', `/v1/audit-log?subject_id=${id}&action=account.changed`);
    expect(json.data).toHaveLength(3);
    expect(json.data[0].details).toEqual({ changed: ['limits'] });
  });

  test('are not set by the account itself', async () => {
    const { id, key, ask } = await accountWith({ webhooks: 1 });
    expect((await change(id, { webhooks: 2 }, key)).json).toMatchObject({ status: 403, code: 'forbidden' });
    expect((await ask('GET', `/v1/accounts/${id}`)).json.limits.webhooks).toBe(1);
  });

  test.each([
    ['requests_per_second', [0, -1, 0.5, '5', 100_001]],
    ['events_per_day', [0, 1_000_000_001]],
    ['webhooks', [0, 1_000_001]],
    ['event_bytes', [0, 262_145]],
    ['unheard_of', [1]],
  ])('are refused where %s makes no sense', async (name, values) => {
    for (const value of values) {
      const answer = await change(api.otherAccountId, { [name]: value });
      expect(answer.json, JSON.stringify(value)).toMatchObject({
        ...{ status: 422, errors: [{ pointer: `/limits/${name}` }] },
      });
    }
  });

  test('cost an account without them nothing: no header, nothing counted', async () => {
    const { ask } = await accountWith({});
    const counted = () => selectRows(api.db, sql`select * from account_usage order by account_id, kind`);
    const before = await counted();
    const answer = await ask('POST', '/v1/events', event);
    expect([answer.status, ...rateLimit(answer)]).toEqual([202, null, null]);
    expect(await counted()).toEqual(before);
  });
});

describe('requests a second', () => {
  test('are counted over all processes and routes, and more are answered 429 until the second ends', async () => {
    const { ask } = await accountWith({ requests_per_second: 5 });
    const startedAt = Date.now();
    const paths = ['/v1/webhooks', '/v1/events', '/v1/session', '/v1/deliveries/dlv_wrong'];
    const answers = await Promise.all(
      Array.from({ length: 40 }, (_, n) => ask('GET', paths[n % paths.length] ?? '')),
    );
    const seconds = Math.floor(Date.now() / 1_000) - Math.floor(startedAt / 1_000) + 1;
    const refused = answers.filter(({ status }) => status === 429);
    expect(40 - refused.length).toBeGreaterThanOrEqual(5);
    expect(40 - refused.length).toBeLessThanOrEqual(5 * seconds);
    for (const answer of refused) {
      expect(answer.json).toMatchObject({ status: 429, code: 'too_many_requests' });
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(answer.headers.get('retry-after')).toBe('1');
      expect(rateLimit(answer)).toEqual(['"requests";q=5;w=1', '"requests";r=0;t=1']);
    }
    const given = answers.filter(({ status }) => status === 200);
    for (const answer of given) {
      expect(rateLimit(answer)[1]).toMatch(/^"requests";r=[0-4];t=1$/);
      expect(answer.headers.get('retry-after')).toBeNull();
    }
    await expect.poll(async () => (await ask('GET', '/v1/webhooks')).status).toBe(200);
  });

  test('of nobody, or of a key that is not known, are nobody’s', async () => {
    const { key } = await accountWith({ requests_per_second: 1 });
    const answers = await Promise.all(
      Array.from({ length: 5 }, () => api.request('GET', '/v1/webhooks', { key: `${key}x` })),
    );
    expect(statuses(answers)).toEqual([401, 401, 401, 401, 401]);
  });
});

describe('events a day', () => {
  test('are counted over all processes, singly and in batches, and what does not fit is refused whole', async () => {
    const { ask } = await accountWith({ events_per_day: 6 });
    const batch = (size: number) => ask('POST', '/v1/events/batch', { events: Array(size).fill(event) });
    const first = await ask('POST', '/v1/events', event);
    expect(first.status).toBe(202);
    expect(first.headers.get('ratelimit-policy')).toBe('"events";q=6;w=86400');
    expect(first.headers.get('ratelimit')).toMatch(/^"events";r=5;t=\d+$/);
    expect(statuses([await batch(2), await ask('POST', '/v1/events', event)])).toEqual([200, 202]);

    const tooMany = await batch(3);
    expect(tooMany.json).toMatchObject({ status: 429, code: 'too_many_events' });
    const retryAfter = Number(tooMany.headers.get('retry-after'));
    expect(retryAfter).toBeGreaterThan(0);
    expect(retryAfter).toBeLessThanOrEqual(86_400);
    expect(tooMany.headers.get('ratelimit')).toBe(`"events";r=2;t=${retryAfter}`);
    expect((await ask('GET', '/v1/events')).json.data).toHaveLength(4);

    // What is refused for what it is does not count.
    expect((await ask('POST', '/v1/events', { type: '' })).status).toBe(422);
    const mixed = await ask('POST', '/v1/events/batch', { events: [event, { type: '' }, { wrong: 1 }] });
    expect(mixed.status, mixed.text).toBe(200);
    expect(mixed.json.results.map((one: { status: string }) => one.status)).toEqual([
      ...['accepted', 'refused', 'refused'],
    ]);
    expect((await ask('POST', '/v1/inbox/messages', { title: 'counts as well' })).status).toBe(202);
    const last = [
      await ask('POST', '/v1/inbox/messages', [{ title: 'one too many' }]),
      await ask('POST', '/v1/events', event),
      await ask('POST', '/v1/events', event),
      await batch(1),
    ];
    expect(statuses(last)).toEqual([429, 429, 429, 429]);
    expect((await ask('GET', '/v1/events')).status).toBe(200);
  });

  test('stand beside requests a second in the same headers', async () => {
    const { ask } = await accountWith({ events_per_day: 100, requests_per_second: 1_000 });
    const answer = await ask('POST', '/v1/events', event);
    expect(answer.headers.get('ratelimit-policy')).toBe('"requests";q=1000;w=1, "events";q=100;w=86400');
    expect(answer.headers.get('ratelimit')).toMatch(/^"requests";r=\d+;t=1, "events";r=99;t=\d+$/);
  });
});

describe('bytes of an event', () => {
  test('are refused beyond the account’s own limit, wherever events are posted', async () => {
    const { ask } = await accountWith({ event_bytes: 40 });
    const large = { type: 'a', data: { text: 'é'.repeat(20) } };
    const fits = { type: 'a', data: { text: 'é'.repeat(14) } };
    expect((await ask('POST', '/v1/events', fits)).status).toBe(202);
    expect((await ask('POST', '/v1/events', large)).json).toMatchObject({
      ...{ status: 413, code: 'body_too_large', errors: [{ pointer: '/data' }] },
    });
    const { json } = await ask('POST', '/v1/events/batch', { events: [fits, large] });
    expect(json.results).toMatchObject([
      { status: 'accepted' },
      { status: 'refused', problem: { status: 413, errors: [{ pointer: '/events/1/data' }] } },
    ]);
    const message = { title: 'x'.repeat(60) };
    expect((await ask('POST', '/v1/inbox/messages', [message])).json).toMatchObject({
      ...{ status: 413, errors: [{ pointer: '/0' }] },
    });
  });
});

describe('webhooks', () => {
  test('are no more than the account may have, however many are registered at the same time', async () => {
    const { ask } = await accountWith({ webhooks: 2 });
    const register = () => ask('POST', '/v1/webhooks', { url: 'https://receiver.test/', events: ['*'] });
    const answers = await Promise.all(Array.from({ length: 6 }, register));
    expect(statuses(answers).sort()).toEqual([201, 201, 409, 409, 409, 409]);
    const refused = answers.find(({ status }) => status === 409);
    expect(refused?.json).toMatchObject({ code: 'too_many_webhooks' });
    const settings = { url: 'https://receiver.test/' };
    expect((await ask('PUT', '/v1/account/webhook', settings)).status).toBe(409);
    const [webhook] = (await ask('GET', '/v1/webhooks')).json.data;
    const changed = await ask('PATCH', `/v1/webhooks/${webhook.id}`, { description: 'x' });
    expect(changed.status).toBe(200);
    await ask('DELETE', `/v1/webhooks/${webhook.id}`);
    expect((await ask('PUT', '/v1/account/webhook', settings)).status).toBe(201);
    expect((await ask('PUT', '/v1/account/webhook', settings)).status).toBe(200);
    expect((await register()).status).toBe(409);
  });
});
