import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { generateKeyPair, generateSecret, parseSecret } from '../../webhook/secrets.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

async function register(fields: object = {}) {
  const body = { url: 'https://receiver.test/', events: ['*'], ...fields };
  return (await api.request('POST', '/v1/webhooks', { body })).json;
}
const rotate = (id: string, body?: object) =>
  api.request('POST', `/v1/webhooks/${id}/rotate-secret`, body === undefined ? {} : { body });
const secretOf = async (id: string) => (await api.request('GET', `/v1/webhooks/${id}/secret`)).json;

describe('POST /v1/webhooks/{id}/rotate-secret', () => {
  test('makes a new secret, shows it, and says when the old one ends: a day later unless asked otherwise', async () => {
    const { id, secret } = await register();
    const { status, json } = await rotate(id);
    expect(status).toBe(200);
    expect(parseSecret(json.secret).kind).toBe('hmac');
    expect(json.secret).not.toBe(secret);
    expect(json).toEqual({ secret: json.secret, previous_expires_at: expect.any(String), signing: 2 });
    const inMs = Date.parse(json.previous_expires_at) - Date.now();
    expect(Math.abs(inMs - 86_400_000)).toBeLessThan(30_000);
    expect(await secretOf(id)).toEqual({ secret: json.secret });
    expect((await rotate(id, { overlap_seconds: 604_800 })).json.signing).toBe(3);
  });

  test('takes a given secret and an overlap of 0', async () => {
    const { id } = await register();
    const secret = generateSecret();
    const { json } = await rotate(id, { secret, overlap_seconds: 0 });
    expect(json).toEqual({ secret, previous_expires_at: null, signing: 1 });
  });

  test('makes an ed25519 key in place of one, and shows what verifies it', async () => {
    const { secretKey, publicKey } = generateKeyPair();
    const { id } = await register({ profile: 'standard', secret: secretKey });
    expect(await secretOf(id)).toEqual({ secret: secretKey, public_key: publicKey });
    const { json } = await rotate(id, {});
    expect(json.secret).toMatch(/^whsk_/);
    expect(json.public_key).toMatch(/^whpk_/);
    expect(await secretOf(id)).toEqual({ secret: json.secret, public_key: json.public_key });
  });

  test.each([
    ['an overlap below 0', { overlap_seconds: -1 }, '/overlap_seconds'],
    ['an overlap over 7 days', { overlap_seconds: 604_801 }, '/overlap_seconds'],
    ['half a second', { overlap_seconds: 0.5 }, '/overlap_seconds'],
    ['a secret without its prefix', { secret: 'hunter2hunter2' }, '/secret'],
    ['an ed25519 key where the profile signs with HMAC', { secret: generateKeyPair().secretKey }, '/secret'],
    ['an unknown field', { overlap: 1 }, '/overlap'],
  ])('refuses %s and changes nothing', async (_what, body, pointer) => {
    const { id, secret } = await register();
    const answer = await rotate(id, body);
    expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer }] });
    expect(answer.text).not.toContain('hunter2');
    expect(await secretOf(id)).toEqual({ secret });
  });

  test('refuses a secret that signs already, the current one or one of an overlap', async () => {
    const { id, secret } = await register();
    const second = (await rotate(id)).json.secret;
    for (const given of [secret, second]) {
      const answer = await rotate(id, { secret: given });
      expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer: '/secret' }] });
      expect(answer.text).not.toContain(given);
    }
  });

  test('is 404 for another account, and its old secret stays', async () => {
    const { id, secret } = await register();
    const path = `/v1/webhooks/${id}/rotate-secret`;
    const answer = await api.request('POST', path, { body: {}, key: api.otherKey });
    expect(answer.status).toBe(404);
    expect(await secretOf(id)).toEqual({ secret });
  });
});
