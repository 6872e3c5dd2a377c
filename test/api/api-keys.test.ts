import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiKeys } from '../../db/schema.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';
import { openPortal, signIn } from '../setup/browser.ts';

let api: TestApi;
let now = new Date();
beforeAll(async () => {
  api = await startTestApi({ now: () => now });
});
afterAll(() => api.close());

describe('/v1/api-keys', () => {
  test('a key is shown once, works at once, and is stored as a hash', async () => {
    const made = await api.request('POST', '/v1/api-keys', { body: { name: 'CI' } });
    expect(made.status).toBe(201);
    const { key, ...shown } = made.json;
    expect(key).toMatch(/^pk_[a-z2-7]{32}$/);
    expect(shown).toEqual({
      id: expect.stringMatching(/^key_/),
      name: 'CI',
      hint: key.slice(-4),
      scopes: ['events:write', 'webhooks:read', 'webhooks:write'],
      created_at: expect.any(String),
      expires_at: null,
      last_used_at: null,
      revoked_at: null,
    });
    expect((await api.request('GET', '/v1/events', { key })).status).toBe(200);
    const listed = await api.request('GET', '/v1/api-keys');
    expect(listed.json.data).toContainEqual({
      ...shown,
      last_used_at: expect.toBeOneOf([null, expect.any(String)]),
    });
    expect(listed.text).not.toContain(key);
    expect(JSON.stringify(await api.db.select().from(apiKeys))).not.toContain(key);
  });

  test('a revoked key is refused at once, although it was used just before', async () => {
    const { key, id } = (await api.request('POST', '/v1/api-keys', { body: { name: 'short' } })).json;
    expect((await api.request('GET', '/v1/events', { key })).status).toBe(200);
    expect((await api.request('DELETE', `/v1/api-keys/${id}`)).status).toBe(204);
    expect((await api.request('GET', '/v1/events', { key })).status).toBe(401);
    expect((await api.request('DELETE', `/v1/api-keys/${id}`)).status).toBe(204);
    const listed = await api.request('GET', '/v1/api-keys');
    const shown = listed.json.data.find((one: { id: string }) => one.id === id);
    expect(shown.revoked_at).toBe(now.toISOString());
  });

  test('one that was revoked by hand in the database works for 5 s more, and no longer', async () => {
    const { key } = (await api.request('POST', '/v1/api-keys', { body: { name: 'elsewhere' } })).json;
    const use = async () => (await api.request('GET', '/v1/webhooks', { key })).status;
    expect(await use()).toBe(200);
    await api.db.update(apiKeys).set({ revoked_at: now });
    now = new Date(now.getTime() + 4_999);
    expect(await use()).toBe(200);
    now = new Date(now.getTime() + 1);
    expect(await use()).toBe(401);
    await api.db.update(apiKeys).set({ revoked_at: null });
  });

  test('an account’s last key cannot be revoked', async () => {
    const key = api.otherKey;
    const [only] = (await api.request('GET', '/v1/api-keys', { key })).json.data;
    const refused = await api.request('DELETE', `/v1/api-keys/${only.id}`, { key });
    expect(refused.json).toMatchObject({ status: 409, code: 'last_api_key' });
    expect((await api.request('GET', '/v1/events', { key })).status).toBe(200);
  });

  test.each([
    [['webhooks:read'], [200, 403, 403, 403, 403]],
    [['webhooks:write'], [403, 201, 403, 403, 404]],
    [['events:write'], [403, 403, 202, 403, 403]],
    [
      ['webhooks:read', 'events:write'],
      [200, 403, 202, 403, 403],
    ],
    [['admin'], [200, 201, 202, 200, 404]],
  ])('a key of the scopes %j does what they say', async (scopes, statuses) => {
    const { key } = (await api.request('POST', '/v1/api-keys', { body: { name: 'scoped', scopes } })).json;
    const webhook = { url: 'https://receiver.test/', events: ['never'] };
    const answers = [
      await api.request('GET', '/v1/webhooks', { key }),
      await api.request('POST', '/v1/webhooks', { key, body: webhook }),
      await api.request('POST', '/v1/events', { key, body: { type: 'a', data: {} } }),
      await api.request('GET', '/v1/api-keys', { key }),
      await api.request('GET', '/v1/webhooks/wh_123/secret', { key }),
    ];
    expect(answers.map(({ status }) => status)).toEqual(statuses);
    for (const { status, json } of answers) if (status === 403) expect(json.code).toBe('insufficient_scope');
    const session = await signIn(api, { api_key: key });
    expect((await session.ask('GET', '/v1/webhooks')).status).toBe(statuses[0]);
    expect((await session.ask('POST', '/v1/webhooks', { body: webhook })).status).toBe(statuses[1]);
  });

  test('a key is refused from the moment at which it expires, and so is what it opened', async () => {
    const expires_at = new Date(now.getTime() + 60_000).toISOString();
    const body = { name: 'short', scopes: ['admin'], expires_at };
    const { key } = (await api.request('POST', '/v1/api-keys', { body })).json;
    const session = await signIn(api, { api_key: key });
    expect(session.session.expires_at).toBe(expires_at);
    const portal = await openPortal(api, {}, key);
    const statuses = async () => [
      (await api.request('GET', '/v1/webhooks', { key })).status,
      (await session.ask('GET', '/v1/webhooks')).status,
      (await portal.ask('GET', '/v1/webhooks')).status,
    ];
    now = new Date(now.getTime() + 59_999);
    expect(await statuses()).toEqual([200, 200, 200]);
    now = new Date(now.getTime() + 1);
    expect(await statuses()).toEqual([401, 401, 401]);
  });

  test('tells when a key was used last, to within a minute', async () => {
    const { key, id } = (await api.request('POST', '/v1/api-keys', { body: { name: 'used' } })).json;
    const lastUse = async () => {
      const { data } = (await api.request('GET', '/v1/api-keys?limit=250')).json;
      return data.find((one: { id: string }) => one.id === id).last_used_at;
    };
    const use = () => api.request('GET', '/v1/webhooks', { key });
    await use();
    const first = now.toISOString();
    await expect.poll(lastUse).toBe(first);
    now = new Date(now.getTime() + 30_000);
    await use();
    expect(await lastUse()).toBe(first);
    now = new Date(now.getTime() + 31_000);
    await use();
    await expect.poll(lastUse).toBe(now.toISOString());
  });

  test('the last key with which others can be made at any time cannot be revoked', async () => {
    const { api_key: key } = (await api.request('POST', '/v1/accounts', { body: { name: 'x' } })).json;
    const make = async (body: object) => (await api.request('POST', '/v1/api-keys', { body, key })).json.id;
    const [first] = (await api.request('GET', '/v1/api-keys', { key })).json.data;
    const lesser = await make({ name: 'no admin' });
    await make({
      name: 'expires',
      scopes: ['admin'],
      expires_at: new Date(now.getTime() + 1_000_000).toISOString(),
    });
    const revoke = async (id: string) => (await api.request('DELETE', `/v1/api-keys/${id}`, { key })).status;
    expect(await revoke(first.id)).toBe(409);
    expect(await revoke(lesser)).toBe(204);
    await make({ name: 'another', scopes: ['admin'] });
    expect(await revoke(first.id)).toBe(204);
  });

  test.each([
    [{ name: 'x', scopes: [] }, '/scopes'],
    [{ name: 'x', scopes: ['all'] }, '/scopes/0'],
    [{ name: 'x', expires_at: '2020-01-01T00:00:00Z' }, '/expires_at'],
    [{ name: 'x', expires_at: 'soon' }, '/expires_at'],
  ])('refuses %j', async (body, pointer) => {
    const answer = await api.request('POST', '/v1/api-keys', { body });
    expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer }] });
  });

  test.each([[{}], [{ name: '' }], [{ name: ' ' }], [{ name: 'a\nb' }], [{ name: 'x'.repeat(101) }]])(
    'refuses %j',
    async (body) => {
      const answer = await api.request('POST', '/v1/api-keys', { body });
      expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer: '/name' }] });
    },
  );
});

describe('/v1/accounts', () => {
  test('a key of the first account makes others, each with a key that is its own', async () => {
    const made = await api.request('POST', '/v1/accounts', { body: { name: 'Tenant' } });
    expect(made.status).toBe(201);
    const { api_key, ...account } = made.json;
    expect(account).toMatchObject({ id: expect.stringMatching(/^acct_/), name: 'Tenant' });
    const listed = await api.request('GET', '/v1/accounts');
    expect(listed.json.data[0]).toEqual(account);
    expect(listed.text).not.toContain(api_key);
    const keys = await api.request('GET', '/v1/api-keys', { key: api_key });
    expect(keys.json.data).toHaveLength(1);
  });

  test('no other account’s key may', async () => {
    const key = api.otherKey;
    const answers = [
      await api.request('POST', '/v1/accounts', { body: { name: 'x' }, key }),
      await api.request('GET', '/v1/accounts', { key }),
    ];
    for (const answer of answers) expect(answer.json).toMatchObject({ status: 403, code: 'forbidden' });
  });
});
