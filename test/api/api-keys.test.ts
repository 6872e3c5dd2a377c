import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiKeys } from '../../db/schema.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

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
      created_at: expect.any(String),
      revoked_at: null,
    });
    expect((await api.request('GET', '/v1/events', { key })).status).toBe(200);
    const listed = await api.request('GET', '/v1/api-keys');
    expect(listed.json.data).toContainEqual(shown);
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

  test('one that another process revoked works for 5 s more, and no longer', async () => {
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
