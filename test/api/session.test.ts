import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiRoutes } from '../../api/app.ts';
import { apiKeys, portalLinks, sessions } from '../../db/schema.ts';
import { startTestApi, type TestApi, testApiSettings } from '../setup/api.ts';
import { cookieOf, fromDashboard, openPortal, signIn, tokenIn } from '../setup/browser.ts';

const hour = 3_600_000;

let api: TestApi;
let now = new Date();
beforeAll(async () => {
  api = await startTestApi({
    now: () => now,
    settings: { ...testApiSettings, temporalUiUrl: 'http://temporal.test' },
  });
});
afterAll(() => api.close());

const newKey = async () =>
  (await api.request('POST', '/v1/api-keys', { body: { name: 'Browser', scopes: ['admin'] } })).json as {
    id: string;
    key: string;
  };
const statusOf = async (cookie: string) =>
  (await api.request('GET', '/v1/session', { key: null, headers: { cookie } })).status;

describe('a session', () => {
  test('opens with an API key, is told who it is, and stands in for the key', async () => {
    const answer = await api.request('POST', '/v1/session', { body: { api_key: api.key }, key: null });
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual({
      account: { id: api.accountId, name: 'First account' },
      via: 'api_key',
      read_only: false,
      is_admin: true,
      scopes: ['events:write', 'webhooks:read', 'webhooks:write', 'admin'],
      expires_at: new Date(now.getTime() + 24 * hour).toISOString(),
      temporal_ui_url: 'http://temporal.test',
      temporal_namespace: 'default',
      version: '1.2.3',
      postrider_url: 'http://postrider.test',
    });
    const cookie = cookieOf(answer);
    const read = await api.request('GET', '/v1/session', { key: null, headers: { cookie } });
    expect([read.status, read.json]).toEqual([200, answer.json]);
    expect(read.headers.get('set-cookie')).toBeNull();
  });

  test('has a cookie that scripts cannot read and other sites cannot send, and its token is stored as a hash', async () => {
    const answer = await api.request('POST', '/v1/session', { body: { api_key: api.key }, key: null });
    expect(answer.headers.get('set-cookie')).toMatch(
      /^postrider_session=session_[\w-]{43}; Expires=[^;]+ GMT; Path=\/; HttpOnly; SameSite=Strict$/,
    );
    const token = cookieOf(answer).split('=')[1] ?? '';
    expect(JSON.stringify(await api.db.select().from(sessions))).not.toContain(token);
    expect(api.logLines.join('')).not.toContain(token);
  });

  test('has a cookie for https alone where people come by https', async () => {
    const https = await startTestApi({
      settings: { ...testApiSettings, publicUrl: 'https://postrider.test' },
    });
    const answer = await https.request('POST', '/v1/session', { body: { api_key: https.key }, key: null });
    expect(answer.headers.get('set-cookie')).toMatch(/; Secure$/);
    await https.close();
  });

  test('is not the one that a browser brought along when it signed in: that one ends', async () => {
    const first = await signIn(api, { api_key: api.key });
    const second = await first.ask('POST', '/v1/session', { body: { api_key: api.otherKey } });
    expect(second.json.account.id).toBe(api.otherAccountId);
    expect(cookieOf(second)).not.toBe(first.cookie);
    expect(await statusOf(first.cookie)).toBe(401);
    const made = 'postrider_session=session_aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa';
    const third = await api.request('POST', '/v1/session', {
      body: { api_key: api.key },
      key: null,
      headers: { cookie: made },
    });
    expect(cookieOf(third)).not.toBe(made);
    expect(await statusOf(made)).toBe(401);
  });

  test('ends when it is signed out, and the browser is told to forget it', async () => {
    const { ask, cookie } = await signIn(api, { api_key: api.key });
    const answer = await ask('DELETE', '/v1/session');
    expect(answer.status).toBe(204);
    expect(answer.headers.get('set-cookie')).toMatch(/^postrider_session=; Max-Age=0;/);
    expect(await statusOf(cookie)).toBe(401);
  });

  test('ends after 24 hours', async () => {
    const { cookie } = await signIn(api, { api_key: api.key });
    now = new Date(now.getTime() + 24 * hour - 1);
    expect(await statusOf(cookie)).toBe(200);
    now = new Date(now.getTime() + 1);
    expect(await statusOf(cookie)).toBe(401);
  });

  test('ends with the key that opened it: at once, or within 5 s where that was done by hand in the database', async () => {
    const { id, key } = await newKey();
    const { cookie } = await signIn(api, { api_key: key });
    expect(await statusOf(cookie)).toBe(200);
    await api.request('DELETE', `/v1/api-keys/${id}`);
    expect(await statusOf(cookie)).toBe(401);

    const elsewhere = await signIn(api, { api_key: (await newKey()).key });
    expect(await statusOf(elsewhere.cookie)).toBe(200);
    const keys = await api.db.select().from(apiKeys);
    await api.db.update(apiKeys).set({ revoked_at: now });
    now = new Date(now.getTime() + 5_000);
    expect(await statusOf(elsewhere.cookie)).toBe(401);
    await api.db.update(apiKeys).set({ revoked_at: null });
    expect(keys.length).toBeGreaterThan(1);
  });

  test.each([
    [{ api_key: 'pk_wrong' }, 401],
    [{ portal_token: 'portal_wrong' }, 401],
    [{}, 422],
    [{ api_key: '' }, 422],
    [{ api_key: 'a', portal_token: 'b' }, 422],
    [{ api_key: 'x'.repeat(201) }, 422],
  ])('does not open with %j', async (body, status) => {
    const answer = await api.request('POST', '/v1/session', { body, key: null });
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([status, null]);
  });

  test('is one of at most a hundred of its key', async () => {
    const { key } = await newKey();
    const before = await api.db.$count(sessions);
    const first = await signIn(api, { api_key: key });
    now = new Date(now.getTime() + 1);
    for (let n = 0; n < 100; n++) await signIn(api, { api_key: key });
    expect(await api.db.$count(sessions)).toBe(before + 100);
    expect(await statusOf(first.cookie)).toBe(401);
  });

  test.each([
    '',
    'postrider_session=',
    'postrider_session=session_x',
    'postrider_session; a=b',
    'other=1; postrider_session=session_\u0001',
  ])('is nobody’s with the cookie %j', async (cookie) => {
    const answer = await api.request('GET', '/v1/events', {
      key: null,
      headers: { cookie: Buffer.from(cookie).toString('latin1').replaceAll('\u0001', '%01') },
    });
    expect(answer.json).toMatchObject({ status: 401, code: 'unauthorized' });
  });

  test('yields to an API key that is sent with it', async () => {
    const { cookie } = await signIn(api, { api_key: api.key });
    const answer = await api.request('GET', '/v1/session', { key: api.otherKey, headers: { cookie } });
    expect(answer.json).toMatchObject({ account: { id: api.otherAccountId }, expires_at: null });
    const wrong = await api.request('GET', '/v1/session', { key: 'pk_wrong', headers: { cookie } });
    expect(wrong.status).toBe(401);
  });
});

describe('a forged request', () => {
  const writes = apiRoutes.filter(({ access, method }) => access !== 'public' && method !== 'get');

  test.each(writes.map(({ name, method, path }) => [name, method, path]))(
    'to %s is refused: a session alone is not enough',
    async (_, method, path) => {
      const { cookie } = await signIn(api, { api_key: api.key });
      const ask = (headers: Record<string, string>) =>
        api.request(method.toUpperCase(), path.replace(/\{\w+\}/, 'wh_1'), {
          key: null,
          headers: { cookie, ...headers },
          ...(method === 'delete' ? {} : { body: {} }),
        });
      for (const headers of [
        {},
        { 'X-Postrider-Request': 'x' },
        { ...fromDashboard, origin: 'https://evil.test' },
        { ...fromDashboard, origin: 'null' },
        { ...fromDashboard, 'sec-fetch-site': 'cross-site' },
        { ...fromDashboard, 'sec-fetch-site': 'same-site' },
      ]) {
        expect((await ask(headers as Record<string, string>)).json).toMatchObject({
          status: 403,
          code: 'csrf',
        });
      }
      expect(await statusOf(cookie)).toBe(200);
    },
  );

  test('is told from the dashboard’s own, which comes from this host or the public one', async () => {
    const { ask } = await signIn(api, { api_key: api.key });
    for (const origin of [api.origin, 'http://postrider.test']) {
      const headers = { origin, 'sec-fetch-site': 'same-origin' };
      const answer = await ask('POST', '/v1/api-keys', { body: { name: 'x' }, headers });
      expect(answer.status).toBe(201);
    }
  });

  test('cannot sign anyone in either: neither by another site’s script nor by its form', async () => {
    const body = { api_key: api.key };
    for (const headers of [{ origin: 'https://evil.test' }, { 'sec-fetch-site': 'cross-site' }]) {
      const answer = await api.request('POST', '/v1/session', {
        body,
        key: null,
        headers: headers as Record<string, string>,
      });
      expect(answer.json).toMatchObject({ status: 403, code: 'csrf' });
    }
    const form = await api.request('POST', '/v1/session', {
      raw: JSON.stringify(body),
      key: null,
      headers: { 'content-type': 'text/plain' },
    });
    expect(form.status).toBe(415);
  });
});

describe('a portal link', () => {
  test('carries its token behind the #, opens one account, and is stored as a hash', async () => {
    const { link, session, ask } = await openPortal(api, { account_id: api.otherAccountId });
    const { url, ...rest } = link;
    expect(url).toMatch(/^http:\/\/postrider\.test\/portal#portal_[\w-]{43}$/);
    expect(rest).toEqual({
      id: expect.stringMatching(/^plink_/),
      account_id: api.otherAccountId,
      read_only: false,
      expires_at: new Date(now.getTime() + hour).toISOString(),
    });
    expect(session).toMatchObject({
      account: { id: api.otherAccountId, name: 'Other account' },
      via: 'portal_link',
      read_only: false,
      is_admin: false,
      expires_at: rest.expires_at,
      temporal_ui_url: null,
    });
    expect(JSON.stringify(await api.db.select().from(portalLinks))).not.toContain(tokenIn(url));
    const made = await ask('POST', '/v1/webhooks', {
      body: { url: 'https://receiver.test/', events: ['*'] },
    });
    expect(made.status).toBe(201);
    // What events may look like is the platform's to say: a customer's schema could have them refused.
    for (const [method, path] of [
      ['PUT', '/v1/event-types/message.read'],
      ['DELETE', '/v1/event-types/message.read'],
      ['GET', `/v1/accounts/${api.otherAccountId}`],
    ] as const) {
      const refused = await ask(method, path, method === 'PUT' ? { body: { description: '' } } : {});
      expect(refused.json, path).toMatchObject({ status: 403, code: 'forbidden' });
    }
    expect((await ask('GET', '/v1/event-types')).status).toBe(200);
    const listed = await api.request('GET', '/v1/webhooks', { key: api.otherKey });
    expect(listed.json.data[0].id).toBe(made.json.id);
    const [entry] = (await ask('GET', `/v1/audit-log?subject_id=${made.json.id}`)).json.data;
    expect(entry.actor).toEqual({ kind: 'portal_link', id: link.id, name: null });
  });

  test('to the first account manages no others', async () => {
    const { ask, session } = await openPortal(api, { account_id: api.accountId });
    expect(session).toMatchObject({ is_admin: false, temporal_ui_url: null });
    expect((await ask('GET', '/v1/accounts')).json).toMatchObject({ status: 403, code: 'forbidden' });
  });

  test('ends in its time, and its sessions with it', async () => {
    const { link, cookie } = await openPortal(api, { expires_in: 60 });
    now = new Date(now.getTime() + 59_999);
    expect(await statusOf(cookie)).toBe(200);
    now = new Date(now.getTime() + 1);
    expect(await statusOf(cookie)).toBe(401);
    const proof = { portal_token: tokenIn(link.url) };
    expect((await api.request('POST', '/v1/session', { body: proof, key: null })).status).toBe(401);
  });

  test('that is revoked ends at once, and its sessions with it', async () => {
    const { link, cookie } = await openPortal(api, { account_id: api.otherAccountId });
    expect(await statusOf(cookie)).toBe(200);
    for (const key of [api.key, api.otherKey]) {
      expect((await api.request('DELETE', `/v1/portal-links/${link.id}`, { key })).status).toBe(204);
    }
    expect(await statusOf(cookie)).toBe(401);
    const actions = await api.request('GET', `/v1/audit-log?subject_id=${link.id}`, { key: api.otherKey });
    expect(actions.json.data.map(({ action }: { action: string }) => action)).toEqual([
      'portal_link.revoked',
      'portal_link.created',
    ]);
    const own = await openPortal(api, {});
    const refused = await api.request('DELETE', `/v1/portal-links/${own.link.id}`, { key: api.otherKey });
    expect(refused.status).toBe(404);
    expect(await statusOf(own.cookie)).toBe(200);
  });

  test('ends with the key that made it', async () => {
    const { id, key } = await newKey();
    const { cookie } = await openPortal(api, {}, key);
    expect(await statusOf(cookie)).toBe(200);
    await api.request('DELETE', `/v1/api-keys/${id}`);
    expect(await statusOf(cookie)).toBe(401);
  });

  test('is made for one’s own account only, but by a key of the first account for any', async () => {
    const make = (account_id: string, key: string) =>
      api.request('POST', '/v1/portal-links', { body: { account_id, expires_in: 60 }, key });
    expect((await make(api.accountId, api.key)).status).toBe(201);
    expect((await make(api.otherAccountId, api.otherKey)).status).toBe(201);
    for (const [account, key] of [
      [api.accountId, api.otherKey],
      ['acct_123', api.otherKey],
      ['acct_123', api.key],
    ] as const) {
      expect((await make(account, key)).json).toMatchObject({
        status: 422,
        errors: [{ pointer: '/account_id' }],
      });
    }
  });

  test.each([[{}], [{ expires_in: 59 }], [{ expires_in: 30 * 86_400 + 1 }], [{ expires_in: '60' }]])(
    'is not made of %j',
    async (body) => {
      const answer = await api.request('POST', '/v1/portal-links', { body });
      expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer: '/expires_in' }] });
    },
  );
});
