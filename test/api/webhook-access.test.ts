import { eq } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { WebhookId } from '../../db/ids.ts';
import { webhooks } from '../../db/schema.ts';
import { clientCertificate, pem } from '../certificates/read.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const base = { url: 'https://receiver.test/hook', events: ['*'] };
const register = async (settings: object = {}) => {
  const answer = await api.request('POST', '/v1/webhooks', { body: { ...base, ...settings } });
  expect(answer.status, answer.text).toBe(201);
  return answer.json;
};
const change = (id: string, body: object) => api.request('PATCH', `/v1/webhooks/${id}`, { body });

/** As delivery opens them. */
async function openStored(id: WebhookId) {
  const [row] = await api.db.select().from(webhooks).where(eq(webhooks.id, id));
  const open = (sealed: string | null | undefined) =>
    sealed == null ? null : JSON.parse(api.sealer.open(sealed, id));
  return { auth: open(row?.auth_sealed), tls: open(row?.tls_sealed) };
}

const oauth2 = {
  ...{ type: 'oauth2', token_url: 'https://login.test/token', client_id: 'id', client_secret: 's3cret' },
  ...{
    client_authentication: 'body',
    scope: 'a b',
    audience: 'https://api.test',
    parameters: { p: 'v4lue' },
  },
};
const hidden = { ...oauth2, client_secret: '•••', parameters: { p: '•••' } };

describe('OAuth 2 client credentials', () => {
  test('are taken, hidden, and kept by ••• as long as the token endpoint’s host is the same', async () => {
    const { id, auth } = await register({ auth: oauth2 });
    expect(auth).toEqual(hidden);
    const kept = await change(id, {
      auth: { ...hidden, token_url: 'https://login.test/v2/token', scope: 'c' },
    });
    expect(kept.json.auth).toMatchObject({ token_url: 'https://login.test/v2/token', client_secret: '•••' });
    expect((await openStored(id)).auth).toMatchObject({
      ...{ client_secret: 's3cret', scope: 'c', parameters: { p: 'v4lue' } },
    });
    const moved = await change(id, { auth: { ...hidden, token_url: 'https://elsewhere.test/token' } });
    expect(moved.json).toMatchObject({ status: 422, errors: [{ pointer: '/auth/client_secret' }] });
    const { json } = await api.request('GET', `/v1/audit-log?subject_id=${id}&action=webhook.changed`);
    expect(json.data.map(({ details }: { details: object }) => details)).toEqual([{ changed: ['auth'] }]);
  });

  test('are by HTTP Basic unless they say otherwise, and stay through other changes', async () => {
    const { client_authentication: _, ...usual } = oauth2;
    const { id, auth } = await register({ auth: usual });
    expect(auth.client_authentication).toBe('basic');
    expect((await change(id, { description: 'other' })).json.auth).toEqual(auth);
    expect((await openStored(id)).auth).toEqual({ ...oauth2, client_authentication: 'basic' });
  });

  test.each([
    [{ token_url: 'http://login.test/token' }, '/auth/token_url'],
    [{ token_url: 'https://10.0.0.1/token' }, '/auth/token_url'],
    [{ token_url: 'https://user:p4ss@login.test/' }, '/auth/token_url'],
    [{ token_url: 'login' }, '/auth/token_url'],
    [{ token_url: undefined }, '/auth/token_url'],
    [{ client_id: '' }, '/auth/client_id'],
    [{ client_secret: '•••' }, '/auth/client_secret'],
    [{ client_authentication: 'jwt' }, '/auth/client_authentication'],
    [{ scope: 'a  b' }, '/auth/scope'],
    [{ parameters: { client_secret: 's3cret' } }, '/auth/parameters/client_secret'],
    [{ grant_type: 'password' }, '/auth/grant_type'],
  ])('with %j are refused, and the field is named', async (part, pointer) => {
    const answer = await api.request('POST', '/v1/webhooks', {
      body: { ...base, auth: { ...oauth2, ...part } },
    });
    expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer }] });
    expect(answer.text).not.toMatch(/s3cret|p4ss/);
  });

  test('are not for app-inbox', async () => {
    const body = { url: base.url, profile: 'app-inbox', auth: oauth2 };
    const answer = await api.request('POST', '/v1/webhooks', { body });
    expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer: '/auth/type' }] });
  });

  test('are shown as a hidden header by the preview, also while they are edited', async () => {
    for (const auth of [oauth2, hidden, { type: 'bearer', token: '•••' }]) {
      const body = { event_type: 'message.read', auth };
      const { status, json } = await api.request('POST', '/v1/webhooks/preview', { body });
      expect([status, json.headers?.Authorization]).toEqual([200, '•••']);
    }
  });
});

describe('a client certificate', () => {
  const details = {
    ...{ subject: 'O=Tests, CN=postrider', issuer: "CN=Tests' second authority" },
    ...{ not_after: expect.stringMatching(/^2126-/), fingerprint: expect.stringMatching(/^[\dA-F:]{95}$/) },
  };

  test('is taken with its authorities, shown without its key, and kept by •••', async () => {
    const { id, ...shown } = await register({
      client_certificate: clientCertificate,
      server_ca: `# ours\n${pem('ca')}`,
    });
    expect(shown).toMatchObject({
      client_certificate: { certificate: clientCertificate.certificate, private_key: '•••' },
      client_certificate_details: details,
      server_ca: pem('ca'),
    });
    const stored = (await openStored(id)).tls;
    expect(stored).toEqual({ client_certificate: clientCertificate, server_ca: pem('ca') });

    // As a form sends it back; then a certificate without its chain, for the same key.
    expect((await change(id, { client_certificate: shown.client_certificate })).status).toBe(200);
    expect((await openStored(id)).tls).toEqual(stored);
    const renewed = { certificate: pem('client'), private_key: '•••' };
    expect((await change(id, { client_certificate: renewed })).status).toBe(200);
    expect((await openStored(id)).tls.client_certificate).toEqual({
      ...clientCertificate,
      certificate: pem('client'),
    });
    const listed = (await api.request('GET', '/v1/webhooks')).json.data;
    expect(listed[0]).toMatchObject({ id, client_certificate_details: details });

    const ended = await change(id, { client_certificate: null, server_ca: null });
    expect(ended.json).toMatchObject({
      client_certificate: null,
      client_certificate_details: null,
      server_ca: null,
    });
    expect((await openStored(id)).tls).toBeNull();
    const { json } = await api.request('GET', `/v1/audit-log?subject_id=${id}&action=webhook.changed`);
    expect(json.data.map(({ details }: { details: object }) => details)).toEqual([
      { changed: ['client_certificate', 'server_ca'] },
      { changed: ['client_certificate'] },
    ]);
  });

  test('that has ended meanwhile does not stand in the way of other changes', async () => {
    const { id } = await register();
    const expired = { certificate: pem('expired'), private_key: pem('expired-key') };
    const sealed = api.sealer.seal(JSON.stringify({ client_certificate: expired, server_ca: null }), id);
    await api.db.update(webhooks).set({ tls_sealed: sealed }).where(eq(webhooks.id, id));
    const answer = await change(id, { description: 'other' });
    expect(answer.json).toMatchObject({
      ...{ description: 'other', client_certificate_details: { not_after: '2021-01-01T00:00:00.000Z' } },
    });
  });

  test.each([
    [{ certificate: 'none' }, '/client_certificate/certificate'],
    [{ certificate: pem('expired'), private_key: pem('expired-key') }, '/client_certificate/certificate'],
    [{ private_key: pem('stranger-key') }, '/client_certificate/private_key'],
    [{ private_key: '•••' }, '/client_certificate/private_key'],
    [{ private_key: pem('client-key.slow') }, '/client_certificate/private_key'],
    [{ private_key: undefined }, '/client_certificate/private_key'],
    [{ subject: 'x' }, '/client_certificate/subject'],
  ])('is refused for what is wrong with it, and nothing is stored', async (part, pointer) => {
    const before = await api.request('GET', '/v1/webhooks?limit=1');
    const body = { ...base, client_certificate: { ...clientCertificate, ...part } };
    const answer = await api.request('POST', '/v1/webhooks', { body });
    expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer }] });
    expect(answer.json.errors).toHaveLength(1);
    expect((await api.request('GET', '/v1/webhooks?limit=1')).json.data).toEqual(before.json.data);
  });

  test('and authorities are for https alone, and authorities are checked', async () => {
    const url = 'http://receiver.test/hook';
    for (const [body, pointer] of [
      [{ url, client_certificate: clientCertificate }, '/client_certificate'],
      [{ url, server_ca: pem('ca') }, '/server_ca'],
      [{ server_ca: 'ca' }, '/server_ca'],
      [{ server_ca: pem('expired') }, '/server_ca'],
      [{ server_ca: pem('ca') + pem('middle').slice(0, -30) }, '/server_ca'],
      [{ server_ca: '' }, '/server_ca'],
      [{ url: null, client_certificate: clientCertificate }, '/client_certificate'],
      [{ url: null, server_ca: pem('ca') }, '/server_ca'],
    ] as const) {
      const answer = await api.request('POST', '/v1/webhooks', { body: { ...base, ...body } });
      expect(answer.json).toMatchObject({ status: 422, errors: [{ pointer }] });
    }
  });
});
