import { request } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestApi, type TestApi, testApiSettings } from '../setup/api.ts';

let api: TestApi;
let local: TestApi;
beforeAll(async () => {
  api = await startTestApi();
  local = await startTestApi({ settings: { ...testApiSettings, isForThisMachine: true } });
});
afterAll(async () => {
  await api.close();
  await local.close();
});

test('an admin key of the first account gets the metrics as Prometheus reads them', async () => {
  const answer = await api.request('GET', '/metrics');
  expect([answer.status, answer.headers.get('content-type')]).toEqual([
    200,
    'text/plain; version=0.0.4; charset=utf-8',
  ]);
  expect(answer.text).toMatch(/^postrider_build_info/);
  expect((await api.request('POST', '/metrics')).headers.get('allow')).toBe('GET, HEAD, OPTIONS');
});

test('nobody else does: no key, another account’s, one that is for less', async () => {
  const { key } = (await api.request('POST', '/v1/api-keys', { body: { name: 'no admin' } })).json;
  const answers = await Promise.all([
    api.request('GET', '/metrics', { key: null }),
    api.request('GET', '/metrics', { key: 'pk_wrong' }),
    api.request('GET', '/metrics', { key: api.otherKey }),
    api.request('GET', '/metrics', { key }),
  ]);
  expect(answers.map(({ status }) => status)).toEqual([401, 401, 403, 403]);
  expect(answers.map(({ text }) => text).join()).not.toContain('postrider_');
});

/** `fetch` sets Host by itself. */
function statusOf(headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(`${local.origin}/metrics`, { headers }, (answer) => {
      answer.resume();
      resolve(answer.statusCode);
    });
    asked.once('error', reject).end();
  });
}

test('on a machine of one’s own no key is needed, unless a proxy or another name is in between', async () => {
  expect(await statusOf({})).toBe(200);
  expect(await statusOf({ host: 'localhost:3000' })).toBe(200);
  expect(await statusOf({ host: '[::1]:3000' })).toBe(200);
  expect(await statusOf({ host: 'hooks.example.com' })).toBe(401);
  expect(await statusOf({ host: '127.0.0.1.example.com' })).toBe(401);
  expect(await statusOf({ 'x-forwarded-for': '203.0.113.1' })).toBe(401);
  expect(await statusOf({ forwarded: 'for=203.0.113.1' })).toBe(401);
});
