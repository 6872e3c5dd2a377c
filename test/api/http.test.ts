import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiRoutes } from '../../api/app.ts';
import { mostBodyBytes } from '../../api/request-body.ts';
import { DatabaseRejected, DatabaseUnavailable } from '../../db/errors.ts';
import { events } from '../../db/schema.ts';
import { textOfCursor } from '../../delivery/pull-cursor.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const event = { type: 'a', data: {} };

describe('bad input', () => {
  test('of any kind gets a problem document and stores nothing', async () => {
    const big = JSON.stringify({ type: 'a', data: { text: 'x'.repeat(mostBodyBytes) } });
    const cases: [status: number, code: string, options: Parameters<TestApi['request']>[2]][] = [
      [401, 'unauthorized', { body: event, key: null }],
      [401, 'unauthorized', { body: event, key: 'pk_wrong' }],
      [401, 'unauthorized', { body: event, key: null, headers: { authorization: 'Basic dTpw' } }],
      [401, 'unauthorized', { body: event, key: null, headers: { authorization: 'Bearer ' } }],
      [400, 'not_json', { raw: '{"type":' }],
      [400, 'not_json', { raw: 'hello' }],
      [400, 'not_json', { raw: new Uint8Array([0x7b, 0xff, 0x7d]) }],
      [400, 'body_missing', { headers: { 'content-type': 'application/json' } }],
      [400, 'body_missing', {}],
      [400, 'body_unreadable', { raw: 'no gzip', headers: { 'content-encoding': 'gzip' } }],
      [
        415,
        'unsupported_media_type',
        { raw: 'type=a', headers: { 'content-type': 'application/x-www-form-urlencoded' } },
      ],
      [415, 'unsupported_media_type', { body: event, headers: { 'content-type': 'text/plain' } }],
      [415, 'unsupported_media_type', { body: event, headers: { 'content-type': 'application/jsonp' } }],
      [
        415,
        'unsupported_media_type',
        { body: event, headers: { 'content-type': 'application/json; charset=utf-16' } },
      ],
      [415, 'unsupported_media_type', { body: event, headers: { 'content-encoding': 'compress' } }],
      [413, 'body_too_large', { raw: big }],
      [413, 'body_too_large', { raw: gzipSync(big), headers: { 'content-encoding': 'gzip' } }],
      [422, 'invalid_body', { body: { ...event, unknown: 1 } }],
    ];
    for (const [status, code, options] of cases) {
      const answer = await api.request('POST', '/v1/events', options);
      expect([answer.status, answer.json?.code], answer.text).toEqual([status, code]);
      expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
      expect(answer.json).toMatchObject({
        type: 'about:blank',
        title: expect.any(String),
        status,
        detail: expect.any(String),
      });
    }
    expect(await api.db.$count(events)).toBe(0);
  });

  test('says where a body stops being JSON, without repeating it', async () => {
    const answer = await api.request('POST', '/v1/events', { raw: '{"type":"hunter2",}' });
    expect(answer.json.detail).toBe('The body is not JSON, as is seen at position 18');
    const short = await api.request('POST', '/v1/events', { raw: 'hunter2' });
    expect(short.text).not.toContain('hunter2');
  });

  test('takes a body of exactly 256 KiB, and gzip', async () => {
    const frame = JSON.stringify({ type: 'a', data: { text: '' } });
    const raw = JSON.stringify({ type: 'a', data: { text: 'x'.repeat(mostBodyBytes - frame.length) } });
    expect(raw).toHaveLength(mostBodyBytes);
    expect((await api.request('POST', '/v1/events', { raw })).status).toBe(202);
    expect((await api.request('POST', '/v1/events', { raw: `${raw} ` })).status).toBe(413);
    const zipped = { raw: gzipSync(raw), headers: { 'content-encoding': 'gzip' } };
    expect((await api.request('POST', '/v1/events', zipped)).status).toBe(202);
  });

  test('401 says how to authenticate', async () => {
    const without = await api.request('GET', '/v1/events', { key: null });
    const wrong = await api.request('GET', '/v1/events', { key: 'pk_wrong' });
    expect(without.headers.get('www-authenticate')).toBe('Bearer');
    expect(wrong.headers.get('www-authenticate')).toBe('Bearer error="invalid_token"');
  });

  test.each([
    ['/v1/events?limit=0', 'limit'],
    ['/v1/events?limit=251', 'limit'],
    ['/v1/events?limit=1e2', 'limit'],
    ['/v1/events?limit=1&limit=2', 'limit'],
    ['/v1/events?cursor=', 'cursor'],
    ['/v1/events?cursor=nonsense', 'cursor'],
    ['/v1/events?cursor=evt_01k7q9w3v8e5xbm2rt4n6c0hzd', 'cursor'],
    [`/v1/events?cursor=${Buffer.from('wh_01k7q9w3v8e5xbm2rt4n6c0hzd').toString('base64url')}`, 'cursor'],
    [`/v1/events?cursor=${Buffer.from('evt_01k7q9w3v8e5xbm2rt4n6c0hzd').toString('base64url')}=`, 'cursor'],
    [`/v1/events?cursor=${Buffer.from('evt_00000000000000000000000001').toString('base64url')}`, 'cursor'],
    ['/v1/events?types=a', 'types'],
    ['/v1/events?type=a%20b', 'type'],
    ['/v1/events?channel=%00', 'channel'],
    ['/v1/deliveries?status=done', 'status'],
    ['/v1/deliveries?webhook_id=evt_123', 'webhook_id'],
    ['/v1/deliveries?event_id=dlv_123', 'event_id'],
    ['/v1/webhooks?x[y]=1', 'x[y]'],
    ['/v1/webhooks/wh_123?verbose=1', 'verbose'],
    ['/v1/webhooks/123', 'id'],
    ['/v1/webhooks/evt_123', 'id'],
    ['/v1/webhooks/wh_', 'id'],
    ['/v1/webhooks/wh_%00', 'id'],
    ['/v1/deliveries/wh_123', 'id'],
    ['/v1/events/wh_123', 'id'],
    ['/v1/events/a%0Ab', 'id'],
  ])('GET %s is 400 and names the parameter', async (path, parameter) => {
    const answer = await api.request('GET', path);
    expect(answer.json).toMatchObject({ status: 400, code: 'invalid_parameter', errors: [{ parameter }] });
  });

  test.each([
    '/v1/webhooks/wh_123',
    '/v1/webhooks/wh_1234567890/logs',
    '/v1/deliveries/dlv_123',
    // Of the form of an id, and no UUID.
    '/v1/deliveries/dlv_00000000000000000000000001',
    '/v1/events/evt_00000000000000000000000001',
    '/v1/events/evt_123',
  ])('GET %s is 404: the right prefix, and no such thing', async (path) => {
    expect((await api.request('GET', path)).json).toMatchObject({ status: 404, code: 'not_found' });
  });

  test('a path that is not percent-encoded UTF-8 is 400, an unknown one 404', async () => {
    expect((await api.request('GET', '/v1/events/%ff')).json).toMatchObject({
      status: 400,
      code: 'invalid_path',
    });
    for (const path of ['/v1/nope', '/V1/events', '/nope', '/docs/../nope', '/docs/package.json']) {
      expect((await api.request('GET', path)).json).toMatchObject({ status: 404, code: 'not_found' });
    }
  });
});

describe('methods', () => {
  test.each([
    ['DELETE', '/v1/events', 'POST, GET, HEAD, OPTIONS'],
    ['GET', '/v1/webhooks/test', 'POST, OPTIONS'],
    ['PUT', '/v1/webhooks/test', 'POST, OPTIONS'],
    ['POST', '/v1/webhooks/wh_1', 'GET, PUT, PATCH, DELETE, HEAD, OPTIONS'],
    ['POST', '/healthz', 'GET, HEAD, OPTIONS'],
    ['POST', '/', 'GET, HEAD, OPTIONS'],
  ])('%s %s is 405 with Allow', async (method, path, allow) => {
    const answer = await api.request(method, path);
    expect(answer.json).toMatchObject({ status: 405, code: 'method_not_allowed' });
    expect(answer.headers.get('allow')).toBe(allow);
  });

  test('OPTIONS says what a path takes', async () => {
    const answer = await api.request('OPTIONS', '/v1/events', { key: null });
    expect([answer.status, answer.text, answer.headers.get('allow')]).toEqual([
      204,
      '',
      'POST, GET, HEAD, OPTIONS',
    ]);
  });

  test('HEAD is GET without the body', async () => {
    const get = await api.request('GET', '/v1/webhooks');
    const head = await api.request('HEAD', '/v1/webhooks');
    expect([head.status, head.text]).toEqual([200, '']);
    expect(head.headers.get('content-length')).toBe(get.headers.get('content-length'));
    expect((await api.request('HEAD', '/v1/webhooks', { key: null })).status).toBe(401);
  });
});

describe('every answer', () => {
  test('carries security headers and the request’s id, and does not tell what serves it', async () => {
    for (const path of ['/v1/events', '/nope', '/', '/healthz']) {
      const { headers } = await api.request('GET', path, { headers: { 'X-Request-Id': 'my-id.1' } });
      expect(headers.get('x-request-id')).toBe('my-id.1');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
      expect(headers.get('content-security-policy')).toContain("default-src 'none'");
      expect(headers.get('x-powered-by')).toBeNull();
      expect(headers.get('etag')).toBeNull();
    }
  });

  test('makes an id where the request brings none, or one that would not fit a log', async () => {
    const none = await api.request('GET', '/healthz');
    const strange = await api.request('GET', '/healthz', { headers: { 'X-Request-Id': '{"a":1}' } });
    expect(none.headers.get('x-request-id')).toMatch(/^req_/);
    expect(strange.headers.get('x-request-id')).toMatch(/^req_/);
  });
});

describe('the log', () => {
  test('has one line a request, with the route’s pattern and nothing that may be secret', async () => {
    api.logLines.length = 0;
    const channel = 'hunter2-channel';
    await api.request('POST', '/v1/events?x=hunter2-query', { body: { ...event, channel } });
    await api.request('POST', '/v1/events', { body: { ...event, data: { password: 'hunter2-data' } } });
    await api.request('GET', `/v1/events?channel=${channel}`);
    await api.request('GET', '/v1/webhooks/wh_hunter2', { headers: { 'X-Request-Id': 'r4' } });
    await api.request('GET', '/hunter2-path');
    await expect.poll(() => api.logLines.length).toBe(5);
    const text = api.logLines.join('');
    expect(text).not.toContain('hunter2');
    expect(text).not.toContain(api.key);
    expect(api.logLines.map((line) => JSON.parse(line))[3]).toMatchObject({
      method: 'GET',
      route: '/v1/webhooks/{id}',
      status: 404,
      duration_ms: expect.any(Number),
      request_id: 'r4',
      account_id: api.accountId,
      msg: 'request',
    });
  });

  test('names the event and the webhook that a request is about, and no id of the producer’s own', async () => {
    api.logLines.length = 0;
    const body = { ...event, id: 'hunter2-own-id' };
    const webhook = await api.request('POST', '/v1/webhooks', {
      body: { url: 'https://receiver.test/', events: ['logged'] },
    });
    await api.request('POST', '/v1/events', { body });
    await api.request('GET', '/v1/events/hunter2-own-id');
    await api.request('GET', `/v1/webhooks/${webhook.json.id}/logs`);
    await api.request('DELETE', `/v1/webhooks/${webhook.json.id}`);
    await expect.poll(() => api.logLines.length).toBe(5);
    expect(api.logLines.join('')).not.toContain('hunter2');
    const webhook_id = webhook.json.id;
    const event_id = expect.stringMatching(/^evt_/);
    const lines = api.logLines.map((line) => JSON.parse(line));
    expect(lines[0]).toMatchObject({ webhook_id });
    expect(lines[1]).toMatchObject({ event_id, status: 202 });
    expect(lines[2]).not.toHaveProperty('event_id');
    for (const line of lines.slice(3)) expect(line).toMatchObject({ webhook_id });
  });
});

describe('when something is wrong on our side', () => {
  const failing: { error: unknown } = { error: undefined };
  let broken: TestApi;
  beforeAll(async () => {
    broken = await startTestApi({
      intake: {
        accept: async () => {
          throw failing.error;
        },
        acceptAll: async () => {
          throw failing.error;
        },
        close: async () => {},
      },
      isReady: async () => ({
        ready: false,
        checks: { database: { ok: true }, temporal: { ok: false, detail: 'cannot be reached' } },
      }),
    });
  });
  afterAll(() => broken.close());

  test('an unforeseen error is a bare 500 with the request’s id, under which the log has it', async () => {
    failing.error = new Error('unforeseen');
    const answer = await broken.request('POST', '/v1/events', { body: event });
    expect(answer.status).toBe(500);
    const id = answer.headers.get('x-request-id');
    expect(answer.json).toEqual({
      type: 'about:blank',
      title: 'Internal Server Error',
      status: 500,
      detail: expect.any(String),
      code: 'internal',
      request_id: id,
    });
    const line = broken.logLines.find((one) => one.includes('unforeseen'));
    expect(JSON.parse(line ?? '{}')).toMatchObject({ request_id: id, err: { stack: expect.any(String) } });
  });

  test('what the database refuses is a 500 without its SQL', async () => {
    failing.error = new DatabaseRejected('The database refused a query (SQLSTATE 42P01)', '42P01');
    const answer = await broken.request('POST', '/v1/events', { body: event });
    expect(answer.status).toBe(500);
    expect(answer.text).not.toMatch(/SQL|42P01|stack/);
  });

  test('a database that is away is a 503 with Retry-After', async () => {
    failing.error = new DatabaseUnavailable('away');
    const answer = await broken.request('POST', '/v1/events', { body: event });
    expect(answer.json).toMatchObject({ status: 503, code: 'database_unavailable' });
    expect(answer.headers.get('retry-after')).toBe('2');
  });

  test('a database that does not answer is a 503 within 3 s', async () => {
    const hanging = await startTestApi();
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    // The embedded database has one connection, a server's pool of the tests five.
    const holders = Array.from({ length: 5 }, () => hanging.db.transaction(() => held));
    const startedAt = performance.now();
    const answer = await hanging.request('GET', '/v1/events');
    expect(answer.json).toMatchObject({ status: 503, code: 'database_unavailable' });
    expect(performance.now() - startedAt).toBeLessThan(3_000);
    release();
    await Promise.all(holders);
    await hanging.close();
  });

  test('/readyz names what is missing, while /healthz is well', async () => {
    const ready = await broken.request('GET', '/readyz', { key: null });
    expect(ready.json).toMatchObject({
      status: 503,
      code: 'not_ready',
      checks: { temporal: { ok: false, detail: 'cannot be reached' } },
    });
    expect((await broken.request('GET', '/healthz', { key: null })).json).toEqual({ status: 'ok' });
    const well = await api.request('GET', '/readyz', { key: null });
    expect([well.status, well.json]).toEqual([200, { ready: true, checks: { database: { ok: true } } }]);
  });
});

test('a client that goes away in the middle of its body does no harm', async () => {
  api.logLines.length = 0;
  const socket = connect(Number(new URL(api.origin).port), '127.0.0.1');
  socket.write(
    `POST /v1/events HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${api.key}\r\n` +
      'Content-Type: application/json\r\nContent-Length: 100\r\n\r\n{"type"',
    () => socket.destroy(),
  );
  await expect.poll(() => api.logLines.length).toBe(1);
  expect(JSON.parse(api.logLines[0] ?? '{}').msg).toBe('request');
  expect((await api.request('GET', '/v1/events')).status).toBe(200);
});

describe('another account', () => {
  test('finds nothing of mine under any route, and no key finds nothing at all', async () => {
    const webhook = await api.request('POST', '/v1/webhooks', {
      body: { url: 'https://receiver.test/', events: ['*'] },
    });
    const posted = await api.request('POST', '/v1/events', { body: event });
    const listed = await api.request('GET', `/v1/deliveries?event_id=${posted.json.id}`);
    const myKey = await api.request('POST', '/v1/api-keys', { body: { name: 'mine' } });
    const message = await api.request('POST', '/v1/inbox/messages', { body: { title: 'mine' } });
    const link = await api.request('POST', '/v1/portal-links', { body: { expires_in: 60 } });
    const ids: Record<string, string> = {
      '/v1/portal-links/{id}': link.json.id,
      '/v1/events/{id}': posted.json.id,
      '/v1/webhooks/{id}': webhook.json.id,
      '/v1/deliveries/{id}': listed.json.data[0].id,
      '/v1/api-keys/{id}': myKey.json.id,
      '/v1/accounts/{id}': api.accountId,
      '/v1/event-types/{name}': 'mine.alone',
      '/v1/channels/{id}': 'my-channel',
      '/v1/inbox/messages/{id}': message.json.id,
      '/v1/inbox/contacts/{externalCustomerId}': 'my-customer',
    };
    await api.request('PUT', '/v1/event-types/mine.alone', { body: { description: 'mine' } });
    await api.request('PUT', '/v1/channels/my-channel/webhook', { body: { url: 'https://receiver.test/' } });
    // Names that each account gives for itself: there it would make, or see, one of its own.
    const makesItsOwn = ['describeEventType', 'putChannelWebhook', 'listInboxMessages'];
    const bodies: Record<string, unknown> = {
      replaceWebhook: { url: 'https://other.test/', events: ['*'] },
      changeWebhook: { description: 'theirs' },
      recoverWebhook: { since: '2025-01-15T10:25:03Z' },
      acknowledgeDeliveries: {
        cursor: textOfCursor({ webhook_id: webhook.json.id, number: 7, at_ms: 1737123456789 }),
      },
      changeEvent: { deliver_at: null },
      setInboxMessageStatus: { status: 'read' },
      testWebhook: { webhook_id: webhook.json.id, event_type: 'message.read' },
    };
    let tried = 0;
    for (const route of apiRoutes) {
      const prefix = Object.keys(ids).find((one) => route.path.startsWith(one)) ?? '';
      const path = route.path.replace(prefix, prefix.replace(/\{\w+\}/, ids[prefix] ?? ''));
      expect(path).not.toContain('{');
      const body = bodies[route.name] ?? (route.body === undefined ? undefined : {});
      const options = body === undefined ? {} : { body };
      if (route.access === 'public') continue;
      const nobody = await api.request(route.method.toUpperCase(), path, { ...options, key: null });
      expect(nobody.status, route.name).toBe(401);
      if (route.params === undefined && route.name !== 'testWebhook') continue;
      if (makesItsOwn.includes(route.name)) continue;
      const theirs = await api.request(route.method.toUpperCase(), path, { ...options, key: api.otherKey });
      expect([theirs.status, theirs.json.code], route.name).toEqual([404, 'not_found']);
      tried++;
    }
    expect(tried).toBe(35);
    for (const path of [
      '/v1/events',
      '/v1/webhooks',
      '/v1/deliveries',
      `/v1/audit-log?subject_id=${webhook.json.id}`,
    ]) {
      expect((await api.request('GET', path, { key: api.otherKey })).json.data).toEqual([]);
    }
    const filtered = `/v1/deliveries?webhook_id=${webhook.json.id}&event_id=${posted.json.id}`;
    expect((await api.request('GET', filtered, { key: api.otherKey })).json.data).toEqual([]);
    expect((await api.request('GET', `/v1/webhooks/${webhook.json.id}`)).json.description).toBe('');
  });
});
