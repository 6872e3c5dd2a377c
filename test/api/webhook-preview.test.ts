import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { profileNames, profiles } from '../../webhook/profiles.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const preview = (body: object) => api.request('POST', '/v1/webhooks/preview', { body });

describe('POST /v1/webhooks/preview', () => {
  test.each(profileNames)('shows the request of the profile %s', async (profile) => {
    const { catalogue, signs } = profiles[profile];
    const event_type = catalogue[0]?.type ?? 'message.read';
    const answer = await preview({ profile, event_type, url: 'https://receiver.test/hook' });
    expect(answer.status, answer.text).toBe(200);
    const { method, url, headers, body } = answer.json;
    expect([method, url]).toEqual(['POST', 'https://receiver.test/hook']);
    expect(headers).toMatchObject({ 'Content-Type': 'application/json', 'User-Agent': 'Postrider/1.2.3' });
    expect(Object.hasOwn(headers, 'webhook-signature')).toBe(signs.includes('standard-webhooks'));
    expect(() => JSON.parse(body)).not.toThrow();
  });

  test('keeps what is secret out of it, and shows the account’s own example', async () => {
    await api.request('PUT', '/v1/event-types/own.type', {
      body: { description: '', example: { mine: true } },
    });
    const { json } = await preview({
      event_type: 'own.type',
      headers: { 'X-Token': 'hunter2' },
      auth: { type: 'basic', username: 'u', password: 'hunter2' },
    });
    expect(json.headers).toMatchObject({ 'X-Token': '•••', Authorization: '•••' });
    expect(JSON.parse(json.body)).toMatchObject({ type: 'own.type', data: { mine: true } });
  });

  test('shows the body that a transformation makes, and where that fails on the example', async () => {
    const body = { event_type: 'message.read', transformation: '{"of": $body.type}' };
    expect((await preview(body)).json.body).toBe('{"of":"message.read"}');
    const { status, json } = await preview({ ...body, transformation: 'data.nothing' });
    expect(status).toBe(422);
    const detail = 'fails on the example: it gives nothing';
    expect(json.errors).toEqual([{ pointer: '/transformation', detail }]);
  });

  test.each([
    [{ event_type: 'message.read', profile: 'app-inbox' }, '/event_type'],
    [{ event_type: 'a b' }, '/event_type'],
    [{ event_type: 'a', headers: { Host: 'x' } }, '/headers/Host'],
    [
      { event_type: 'inbox.messages', profile: 'app-inbox', auth: { type: 'bearer', token: 'x' } },
      '/auth/type',
    ],
    [{ event_type: 'a', profile: 'none' }, '/profile'],
  ])('refuses %j', async (body, pointer) => {
    expect((await preview(body)).json).toMatchObject({ status: 422, errors: [{ pointer }] });
  });
});
