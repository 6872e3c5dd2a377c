import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { newId, type WebhookId } from '../../db/ids.ts';
import { attempts, deliveries, events, webhookSecrets, webhooks } from '../../db/schema.ts';
import { eventCatalogue } from '../../webhook/profiles.ts';
import { parseSecret } from '../../webhook/secrets.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const url = 'https://yourapp.com/webhooks/inbox';
const secretHeaders = { 'X-Api-Token': 'header-value-secret' };
const basic = { type: 'basic', username: 'user', password: 'password-secret' };

async function register(fields: Record<string, unknown> = {}) {
  const answer = await api.request('POST', '/v1/webhooks', { body: { url, events: ['*'], ...fields } });
  expect(answer.status, answer.text).toBe(201);
  return answer.json;
}

describe('POST /v1/webhooks', () => {
  test('takes the request of the Inbox documentation and shows the secret', async () => {
    const answer = await api.request('POST', '/v1/webhooks', {
      body: {
        url,
        events: ['message.delivered', 'message.read', 'message.failed'],
        description: 'Production webhook endpoint',
      },
    });
    expect(answer.status).toBe(201);
    const { id, secret, created_at } = answer.json;
    expect(id).toMatch(/^wh_[0-9a-z]{26}$/);
    expect(parseSecret(secret).kind).toBe('hmac');
    expect(answer.headers.get('location')).toBe(`/v1/webhooks/${id}`);
    const shown = {
      id,
      url,
      description: 'Production webhook endpoint',
      events: ['message.delivered', 'message.read', 'message.failed'],
      channels: null,
      profile: 'inbox',
      filter: null,
      transformation: null,
      retry_schedule: null,
      timeout_ms: null,
      headers: {},
      auth: { type: 'none' },
      client_certificate: null,
      client_certificate_details: null,
      server_ca: null,
      health: null,
      recovery_rate: 20,
      rate_limit: null,
      max_in_flight: null,
      lapses_after_s: null,
      pulled_at: null,
      ordering: null,
      on_failure: 'skip',
      endpoint_state: 'healthy',
      state_since: created_at,
      state_reason: null,
      consecutive_failures: 0,
      created_at,
      updated_at: created_at,
    };
    expect(answer.json).toEqual({ ...shown, secret });
    expect((await api.request('GET', `/v1/webhooks/${id}`)).json).toEqual(shown);
    expect((await api.request('GET', `/v1/webhooks/${id}/secret`)).json).toEqual({ secret });
  });

  test('keeps every setting, and folds what is named twice', async () => {
    const settings = {
      description: 'd',
      channels: ['c1', 'c2', 'c1'],
      profile: 'standard',
      retry_schedule: { initial_ms: 1000, factor: 2.5, max_ms: 60_000, attempts: 4 },
      timeout_ms: 5000,
    };
    const webhook = await register({ ...settings, events: ['message.*', 'message.read', 'message.*'] });
    expect(webhook).toMatchObject({
      ...settings,
      channels: ['c1', 'c2'],
      events: ['message.*', 'message.read'],
      retry_schedule: { ...settings.retry_schedule, jitter: 0 },
    });
    const list = await register({ retry_schedule: { delays_ms: [0, 500], jitter: 0.5 } });
    expect(list.retry_schedule).toEqual({ delays_ms: [0, 500], jitter: 0.5 });
    const [row] = await api.db.select().from(webhooks).where(eq(webhooks.id, list.id));
    expect(row?.retry_schedule).toEqual({ delaysMs: [0, 500], jitter: 0.5 });
  });

  test('takes a given secret', async () => {
    const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
    expect((await register({ secret })).secret).toBe(secret);
  });

  test('shows no header value, password or token, and stores none as it is', async () => {
    const webhook = await register({ headers: secretHeaders, auth: basic });
    const bearer = await register({ auth: { type: 'bearer', token: 'token-secret' } });
    expect(webhook).toMatchObject({
      headers: { 'X-Api-Token': '•••' },
      auth: { type: 'basic', username: 'user', password: '•••' },
    });
    expect(bearer.auth).toEqual({ type: 'bearer', token: '•••' });
    const read = [
      await api.request('GET', `/v1/webhooks/${webhook.id}`),
      await api.request('GET', '/v1/webhooks'),
      await api.request('PATCH', `/v1/webhooks/${webhook.id}`, { body: { description: 'x' } }),
    ];
    const stored = JSON.stringify([
      await api.db.select().from(webhooks),
      await api.db.select().from(webhookSecrets),
    ]);
    for (const text of [...read.map((answer) => answer.text), stored]) {
      expect(text).not.toMatch(/header-value-secret|password-secret|token-secret/);
      expect(text).not.toContain(webhook.secret);
    }
  });

  test.each([
    ['no URL', { url: undefined }, '/url'],
    ['a URL that is none', { url: 'receiver' }, '/url'],
    ['a URL that is not http(s)', { url: 'ftp://receiver.test/' }, '/url'],
    ['a URL with credentials', { url: 'https://user:hunter2@receiver.test/' }, '/url'],
    ['a URL of 2,049 characters', { url: `https://receiver.test/${'a'.repeat(2049 - 22)}` }, '/url'],
    ['a loopback URL', { url: 'http://127.0.0.1:3000/' }, '/url'],
    ['localhost', { url: 'http://localhost/' }, '/url'],
    ['a private address', { url: 'https://192.168.1.1/' }, '/url'],
    [
      'plain http where the profile forbids it',
      { url: 'http://receiver.test/', profile: 'inbox-components' },
      '/url',
    ],
    ['no events', { events: undefined, description: 'd' }, '/events'],
    ['empty events', { events: [] }, '/events'],
    ['an event type with a blank', { events: ['message.read', 'a b'] }, '/events/1'],
    ['a star in the middle', { events: ['message.*.x'] }, '/events/0'],
    ['an event type that is no text', { events: [1] }, '/events/0'],
    [
      'a type that the profile does not carry',
      { profile: 'app-inbox', events: ['message.read'] },
      '/events/0',
    ],
    ['empty channels', { channels: [] }, '/channels'],
    ['an unknown profile', { profile: 'nope' }, '/profile'],
    ['an unknown field', { event_types: ['*'] }, '/event_types'],
    ['a time limit below a second', { timeout_ms: 999 }, '/timeout_ms'],
    ['a time limit over 30 s', { timeout_ms: 30_001 }, '/timeout_ms'],
    ['a time limit that is no whole number', { timeout_ms: 1000.5 }, '/timeout_ms'],
    ['a schedule without delays', { retry_schedule: { delays_ms: [] } }, '/retry_schedule/delays_ms'],
    ['a negative delay', { retry_schedule: { delays_ms: [-1] } }, '/retry_schedule/delays_ms/0'],
    ['31 attempts', { retry_schedule: { delays_ms: Array(31).fill(0) } }, '/retry_schedule/delays_ms'],
    ['an unknown auth type', { auth: { type: 'digest' } }, '/auth/type'],
    ['basic auth without a password', { auth: { type: 'basic', username: 'u' } }, '/auth/password'],
    [
      'an auth type that the profile does not know',
      { profile: 'app-inbox', auth: { type: 'bearer', token: 't' } },
      '/auth/type',
    ],
    ['a header of our own', { headers: { 'webhook-id': 'x' } }, '/headers/webhook-id'],
    ['a header value with a line break', { headers: { 'X-A': 'a\r\nB: c' } }, '/headers/X-A'],
    ['a header value that would keep one that is not there', { headers: { 'X-A': '•••' } }, '/headers/X-A'],
    [
      'a password that would keep one that is not there',
      { auth: { ...basic, password: '•••' } },
      '/auth/password',
    ],
    ['a secret without its prefix', { secret: 'hunter2' }, '/secret'],
    ['a secret of 8 bytes', { secret: `whsec_${Buffer.alloc(8).toString('base64')}` }, '/secret'],
    [
      'an ed25519 key for a profile that signs with HMAC',
      { secret: `whsk_${Buffer.alloc(32, 1).toString('base64')}` },
      '/secret',
    ],
    ['a NUL in the description', { description: 'a\u0000b' }, '/description'],
  ])('refuses %s, names the field and stores nothing', async (_name, fields, pointer) => {
    const before = await api.db.$count(webhooks);
    const answer = await api.request('POST', '/v1/webhooks', { body: { url, events: ['*'], ...fields } });
    expect(answer.status).toBe(422);
    expect(answer.json.code).toBe('invalid_body');
    expect(answer.json.errors).toEqual([{ pointer, detail: expect.any(String) }]);
    expect(answer.text).not.toContain('hunter2');
    expect(await api.db.$count(webhooks)).toBe(before);
  });

  test('names every wrong field at once', async () => {
    const answer = await api.request('POST', '/v1/webhooks', {
      body: {
        url: 'http://localhost/',
        events: ['*'],
        headers: { Host: 'x' },
        auth: { ...basic, username: 'a:b' },
      },
    });
    expect(answer.json.errors.map((error: { pointer: string }) => error.pointer).sort()).toEqual([
      '/auth/username',
      '/headers/Host',
      '/url',
    ]);
  });

  test('takes a private address that the operator lists, plain http included', async () => {
    await register({ url: 'http://10.1.2.3/hook', profile: 'inbox-components' });
  });
});

describe('changing a webhook', () => {
  test('PUT replaces: what is absent falls to its default, and the secret stays', async () => {
    const webhook = await register({
      description: 'old',
      channels: ['c'],
      timeout_ms: 5000,
      headers: secretHeaders,
      auth: basic,
    });
    const answer = await api.request('PUT', `/v1/webhooks/${webhook.id}`, {
      body: { url: 'https://new.test/', events: ['a'] },
    });
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      id: webhook.id,
      url: 'https://new.test/',
      events: ['a'],
      description: '',
      channels: null,
      timeout_ms: null,
      headers: {},
      auth: { type: 'none' },
      created_at: webhook.created_at,
    });
    const read = await api.request('GET', `/v1/webhooks/${webhook.id}/secret`);
    expect(read.json.secret).toBe(webhook.secret);
  });

  test('PATCH changes what is given and keeps the rest, secret values included', async () => {
    const webhook = await register({
      description: 'old',
      channels: ['c'],
      retry_schedule: { delays_ms: [0, 1], jitter: 0 },
      headers: secretHeaders,
      auth: basic,
    });
    const before = await api.db.select().from(webhooks).where(eq(webhooks.id, webhook.id));
    const answer = await api.request('PATCH', `/v1/webhooks/${webhook.id}`, {
      body: { description: 'new', channels: null },
    });
    const { secret: _, updated_at, ...shown } = webhook;
    expect(answer.json).toEqual({
      ...shown,
      description: 'new',
      channels: null,
      updated_at: expect.any(String),
    });
    expect(answer.json.updated_at >= updated_at).toBe(true);
    expect(before).toHaveLength(1);
  });

  test('••• sent back keeps the stored value, of a header and of a password', async () => {
    const webhook = await register({ headers: secretHeaders, auth: basic });
    const change = {
      headers: { 'X-Api-Token': '•••', 'X-New': 'n' },
      auth: { ...basic, username: 'renamed', password: '•••' },
    };
    for (const [method, body] of [
      ['PATCH', change],
      ['PUT', { url, events: ['*'], ...change }],
    ] as const) {
      const answer = await api.request(method, `/v1/webhooks/${webhook.id}`, { body });
      expect(answer.status, answer.text).toBe(200);
      expect(answer.json.headers).toEqual({ 'X-Api-Token': '•••', 'X-New': '•••' });
    }
    const opened = await openStored(webhook.id);
    expect(opened).toEqual({
      headers: { 'X-Api-Token': 'header-value-secret', 'X-New': 'n' },
      auth: { ...basic, username: 'renamed' },
    });
  });

  test.each(['PUT', 'PATCH'])('%s refuses what POST refuses, and another profile', async (method) => {
    const webhook = await register();
    for (const [fields, pointer] of [
      [{ url: 'http://localhost/' }, '/url'],
      [{ events: [] }, '/events'],
      [{ secret: 'x' }, '/secret'],
      [{ id: 'wh_1' }, '/id'],
      [{ profile: 'standard' }, '/profile'],
    ] as const) {
      const answer = await api.request(method, `/v1/webhooks/${webhook.id}`, {
        body: { url, events: ['*'], ...fields },
      });
      expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer }] });
    }
    const same = await api.request(method, `/v1/webhooks/${webhook.id}`, {
      body: { url, events: ['*'], profile: 'inbox' },
    });
    expect(same.status).toBe(200);
  });

  test('two partial changes at once both hold', async () => {
    const webhook = await register();
    await Promise.all([
      api.request('PATCH', `/v1/webhooks/${webhook.id}`, { body: { description: 'one' } }),
      api.request('PATCH', `/v1/webhooks/${webhook.id}`, { body: { timeout_ms: 2000 } }),
    ]);
    const { json } = await api.request('GET', `/v1/webhooks/${webhook.id}`);
    expect(json).toMatchObject({ description: 'one', timeout_ms: 2000 });
  });
});

/** As delivery opens them. */
async function openStored(id: WebhookId) {
  const [row] = await api.db.select().from(webhooks).where(eq(webhooks.id, id));
  const open = (sealed: string | null | undefined) => JSON.parse(api.sealer.open(sealed ?? '', id));
  return { headers: open(row?.headers_sealed), auth: open(row?.auth_sealed) };
}

describe('DELETE /v1/webhooks/{id}', () => {
  test('cancels what waits, tells its workflow, and leaves nothing to be found', async () => {
    const webhook = await register({ events: ['doomed'] });
    const posted = await api.request('POST', '/v1/events', { body: { type: 'doomed', data: {} } });
    const answer = await api.request('DELETE', `/v1/webhooks/${webhook.id}`);
    expect([answer.status, answer.text]).toEqual([204, '']);

    const { json } = await api.request('GET', `/v1/events/${posted.json.id}`);
    const [delivery] = json.deliveries.filter((one: { webhook_id: string }) => one.webhook_id === webhook.id);
    expect(delivery).toMatchObject({
      status: 'cancelled',
      reason: 'the webhook was deleted',
      next_attempt_at: null,
      ended_at: expect.any(String),
    });
    await vi.waitFor(() =>
      expect(api.told).toContainEqual({ workflowId: delivery.workflow_id, deliveryId: delivery.id }),
    );
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['GET', '/secret'],
      ['GET', '/logs'],
    ] as const) {
      expect((await api.request(method, `/v1/webhooks/${webhook.id}${path}`)).status).toBe(404);
    }
    const listed = await api.request('GET', '/v1/webhooks?limit=250');
    expect(listed.json.data.map((one: { id: string }) => one.id)).not.toContain(webhook.id);
    const later = await api.request('POST', '/v1/events', { body: { type: 'doomed', data: {} } });
    const read = await api.request(
      'GET',
      `/v1/deliveries?event_id=${later.json.id}&webhook_id=${webhook.id}`,
    );
    expect(read.json.data).toEqual([]);
    const retried = await api.request('POST', `/v1/deliveries/${delivery.id}/retry`);
    expect(retried.json).toMatchObject({ status: 409, code: 'webhook_deleted' });
  });
});

describe('POST /v1/webhooks/test', () => {
  test('sends the catalogue’s example to that webhook alone, subscribed or not', async () => {
    const webhook = await register({ events: ['something.else'] });
    await register({ events: ['message.delivered'] });
    const answer = await api.request('POST', '/v1/webhooks/test', {
      body: { webhook_id: webhook.id, event_type: 'message.delivered' },
    });
    expect(answer.status).toBe(202);
    const { event_id, delivery_id } = answer.json;
    expect(answer.json).toEqual({
      event_id,
      delivery_id,
      webhook_id: webhook.id,
      event_type: 'message.delivered',
    });
    const [stored] = await api.db.select().from(events).where(eq(events.id, event_id));
    const example = eventCatalogue.find((entry) => entry.type === 'message.delivered')?.example;
    expect(stored).toMatchObject({ is_test: true, data: JSON.stringify(example) });
    const owed = await api.db.select().from(deliveries).where(eq(deliveries.event_id, event_id));
    expect(owed).toMatchObject([{ id: delivery_id, webhook_id: webhook.id }]);
  });

  test('takes a type that no document names, but not one that the profile cannot carry', async () => {
    const standard = await register({ profile: 'standard' });
    const free = { webhook_id: standard.id, event_type: 'my.own' };
    expect((await api.request('POST', '/v1/webhooks/test', { body: free })).status).toBe(202);
    const appInbox = await register({ profile: 'app-inbox' });
    const refused = await api.request('POST', '/v1/webhooks/test', {
      body: { webhook_id: appInbox.id, event_type: 'my.own' },
    });
    expect(refused.json).toMatchObject({ status: 422, errors: [{ pointer: '/event_type' }] });
  });

  test('is 404 for an unknown webhook, 422 for an id of another kind', async () => {
    const of = async (webhook_id: string) =>
      (
        await api.request('POST', '/v1/webhooks/test', {
          body: { webhook_id, event_type: 'message.delivered' },
        })
      ).json;
    expect(await of('wh_1234567890')).toMatchObject({ status: 404, code: 'not_found' });
    expect(await of('evt_1234567890')).toMatchObject({ status: 422, errors: [{ pointer: '/webhook_id' }] });
  });
});

describe('GET /v1/webhooks/{id}/logs', () => {
  test('lists the webhook’s attempts newest first, long answers cut', async () => {
    const webhook = await register({ events: ['logged'] });
    const posted = await api.request('POST', '/v1/events', { body: { type: 'logged', data: {} } });
    const delivery = (await api.request('GET', `/v1/deliveries?webhook_id=${webhook.id}`)).json.data[0];
    const attempt = {
      account_id: api.accountId,
      webhook_id: webhook.id,
      delivery_id: delivery.id,
      trigger: 'schedule' as const,
      started_at: new Date('2025-01-15T10:25:03.004Z'),
      duration_ms: 12,
      url,
      request_headers: { 'webhook-id': posted.json.id },
      response_headers: { 'content-type': 'text/plain' },
    };
    const failed = { ...attempt, id: newId('att'), number: 1, succeeded: false };
    const succeeded = { ...attempt, id: newId('att'), number: 2, succeeded: true };
    await api.db.insert(attempts).values([
      {
        ...failed,
        reason: 'http_status',
        detail: 'answered 500',
        response_status: 500,
        response_body: '€'.repeat(3000),
      },
      { ...succeeded, response_status: 200, response_body: 'ok' },
    ]);
    const logs = await api.request('GET', `/v1/webhooks/${webhook.id}/logs`);
    expect(logs.status).toBe(200);
    expect(logs.json.next_cursor).toBeNull();
    const { account_id: _, ...shown } = {
      ...succeeded,
      started_at: '2025-01-15T10:25:03.004Z',
      reason: null,
      detail: null,
      response_status: 200,
      response_body: 'ok',
      response_truncated: false,
      event_id: posted.json.id,
      event_type: 'logged',
    };
    expect(logs.json.data[0]).toEqual(shown);
    expect(logs.json.data[1]).toMatchObject({
      id: failed.id,
      number: 1,
      reason: 'http_status',
      response_body: '€'.repeat(2048),
      response_truncated: true,
    });
    const whole = await api.request('GET', `/v1/deliveries/${delivery.id}`);
    expect(whole.json.attempts.map((one: { number: number }) => one.number)).toEqual([1, 2]);
    expect(whole.json.attempts[0]).toMatchObject({
      response_body: '€'.repeat(3000),
      response_truncated: false,
    });
    const second = await api.request('GET', `/v1/webhooks/${webhook.id}/logs?limit=1`);
    const third = await api.request(
      'GET',
      `/v1/webhooks/${webhook.id}/logs?limit=1&cursor=${second.json.next_cursor}`,
    );
    expect(third.json.data).toMatchObject([{ number: 1 }]);
  });
});
