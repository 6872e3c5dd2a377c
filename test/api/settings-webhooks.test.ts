import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const url = 'https://webhook.url/';
const listed = async () => (await api.request('GET', '/v1/webhooks?limit=250')).json.data;

describe.each([
  ['the account’s page', '/v1/account/webhook', null],
  [
    'a channel’s page',
    `/v1/channels/${encodeURIComponent('whatsapp:+15551234567')}/webhook`,
    ['whatsapp:+15551234567'],
  ],
])('%s', (_name, path, channels) => {
  test('makes an omnichannel webhook for newMessage, then changes its URL, and it is one of the list', async () => {
    const made = await api.request('PUT', path, { body: { url } });
    expect(made.status).toBe(201);
    const { id, secret, ...rest } = made.json;
    expect(secret).toMatch(/^whsec_/);
    expect(made.headers.get('location')).toBe(`/v1/webhooks/${id}`);
    expect(rest).toMatchObject({ url, profile: 'omnichannel', events: ['newMessage'], channels });

    await api.request('PATCH', `/v1/webhooks/${id}`, { body: { timeout_ms: 5_000 } });
    const changed = await api.request('PUT', path, { body: { url: 'https://other.url/' } });
    expect(changed.status).toBe(200);
    expect(changed.json).toMatchObject({ id, url: 'https://other.url/', timeout_ms: 5_000, channels });
    expect(changed.json).not.toHaveProperty('secret');
    expect((await api.request('GET', path)).json).toEqual(changed.json);
    expect((await listed()).filter((one: { id: string }) => one.id === id)).toEqual([changed.json]);
    expect((await api.request('GET', `/v1/webhooks/${id}/secret`)).json).toEqual({ secret });
  });

  test('removes it by DELETE, and by null; what waits is cancelled', async () => {
    await api.request('PUT', path, { body: { url } });
    const event = { type: 'newMessage', data: {}, channel: channels?.[0] ?? null };
    const posted = await api.request('POST', '/v1/events', { body: event });
    expect((await api.request('DELETE', path)).status).toBe(204);
    await vi.waitFor(() => expect(api.told.length).toBeGreaterThan(0));
    const { deliveries } = (await api.request('GET', `/v1/events/${posted.json.id}`)).json;
    expect(deliveries.map(({ status }: { status: string }) => status)).toContain('cancelled');
    expect((await api.request('GET', path)).json).toMatchObject({ status: 404, code: 'not_found' });
    expect((await api.request('DELETE', path)).status).toBe(404);
    await api.request('PUT', path, { body: { url } });
    for (let again = 0; again < 2; again++) {
      expect((await api.request('PUT', path, { body: { url: null } })).status).toBe(204);
    }
    expect((await api.request('GET', path)).status).toBe(404);
  });

  test('makes one webhook of many requests at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 8 }, (_, index) => api.request('PUT', path, { body: { url: `${url}${index}` } })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 200, 200, 200, 200, 200, 200, 201]);
    expect(new Set(answers.map(({ json }) => json.id)).size).toBe(1);
    await api.request('DELETE', path);
    expect((await api.request('GET', path)).status).toBe(404);
  });

  test('leaves webhooks of other dialects, events and channels alone', async () => {
    const others = [
      { profile: 'inbox', events: ['newMessage'], channels },
      { profile: 'omnichannel', events: ['other'], channels },
      { profile: 'omnichannel', events: ['newMessage'], channels: ['another channel'] },
      { profile: 'omnichannel', events: ['newMessage'], channels: [...(channels ?? ['c']), 'one more'] },
    ];
    for (const fields of others) {
      expect((await api.request('POST', '/v1/webhooks', { body: { url, ...fields } })).status).toBe(201);
    }
    expect((await api.request('GET', path)).status).toBe(404);
    const before = (await listed()).length;
    await api.request('PUT', path, { body: { url } });
    await api.request('DELETE', path);
    expect(await listed()).toHaveLength(before);
  });

  test('is each account’s own', async () => {
    await api.request('PUT', path, { body: { url } });
    expect((await api.request('GET', path, { key: api.otherKey })).status).toBe(404);
    expect((await api.request('DELETE', path, { key: api.otherKey })).status).toBe(404);
    expect((await api.request('GET', path)).status).toBe(200);
  });

  test.each(['http://localhost:3000/hook', 'http://127.0.0.1/', 'https://192.168.0.10/', 'http://[::1]/'])(
    'refuses %s for the document’s reason',
    async (local) => {
      const answer = await api.request('PUT', path, { body: { url: local } });
      const detail = expect.stringMatching(
        /^the URL must be publicly available \(localhost URLs cannot receive events\)/,
      );
      expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer: '/url', detail }] });
    },
  );

  test.each([{}, { url: 1 }, { url, events: ['*'] }])('refuses %j', async (body) => {
    expect((await api.request('PUT', path, { body })).status).toBe(422);
  });
});
