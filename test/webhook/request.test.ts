import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import type { ProfileName } from '../../webhook/profile.ts';
import { profileNames, profiles } from '../../webhook/profiles.ts';
import { buildRequest, type RequestParts, redactHeaders } from '../../webhook/request.ts';
import { generateSecret } from '../../webhook/secrets.ts';
import { eventToSend, verifySignature } from './events.ts';

const secret = generateSecret();

function request(name: ProfileName, given: Partial<RequestParts> = {}) {
  return buildRequest({
    profile: profiles[name],
    event: eventToSend({ data: { messages: [] } }),
    secrets: [secret],
    auth: { type: 'none' },
    headers: {},
    attemptedAt: new Date(),
    userAgent: 'Postrider/0.1.0',
    ...given,
  });
}

describe('a request', () => {
  test('of inbox has the headers of seed 003 and of Standard Webhooks, and no others', () => {
    expect(Object.keys(request('inbox').headers)).toEqual([
      'Content-Type',
      'User-Agent',
      'X-Inbox-Signature',
      'webhook-id',
      'webhook-timestamp',
      'webhook-signature',
    ]);
    expect(request('inbox').headers).toMatchObject({
      'Content-Type': 'application/json',
      'User-Agent': 'Postrider/0.1.0',
      'webhook-id': 'evt_1234567890',
    });
  });

  test.each(profileNames)('of %s is accepted by the npm package standardwebhooks', (name) => {
    const { headers, body } = request(name);
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
  });

  test("of inbox is accepted by seed 003's own verifySignature", () => {
    const { headers, body } = request('inbox');
    expect(verifySignature(Buffer.from(body), headers['X-Inbox-Signature'] ?? '', secret)).toBe(true);
  });

  test('of a repeat has the same body and id, and a newer timestamp', () => {
    const first = request('inbox', { attemptedAt: new Date(1_000_000) });
    const second = request('inbox', { attemptedAt: new Date(31_000_999) });
    expect(second.body).toBe(first.body);
    expect(second.headers['webhook-id']).toBe(first.headers['webhook-id']);
    expect(second.headers['X-Inbox-Signature']).toBe(first.headers['X-Inbox-Signature']);
    expect([first, second].map(({ headers }) => headers['webhook-timestamp'])).toEqual(['1000', '31000']);
  });

  test('carries Basic credentials in UTF-8, or a bearer token', () => {
    const basic = request('app-inbox', { auth: { type: 'basic', username: 'user', password: 'pässword:x' } });
    expect(basic.headers.Authorization).toBe(
      `Basic ${Buffer.from('user:pässword:x', 'utf8').toString('base64')}`,
    );
    const bearer = request('inbox', { auth: { type: 'bearer', token: 'tok_1' } });
    expect(bearer.headers.Authorization).toBe('Bearer tok_1');
    expect(request('inbox').headers.Authorization).toBeUndefined();
  });

  test("carries the webhook's own headers, which cannot replace the sender's in any spelling", () => {
    const { headers } = request('inbox', {
      headers: {
        'X-Tenant': 'blue',
        'WEBHOOK-ID': 'forged',
        'content-type': 'text/plain',
        'x-inbox-SIGNATURE': 'forged',
        Host: 'other',
        authorization: 'forged',
      },
    });
    expect(headers['X-Tenant']).toBe('blue');
    expect(Object.values(headers)).not.toContain('forged');
    const names = Object.keys(headers).map((name) => name.toLowerCase());
    expect(new Set(names).size).toBe(names.length);
    expect(names).not.toContain('host');
    expect(headers['Content-Type']).toBe('application/json');
  });
});

describe('redactHeaders', () => {
  test("hides credentials and the webhook's own values, and shows the signatures", () => {
    const { headers } = request('inbox', {
      auth: { type: 'bearer', token: 'tok_1' },
      headers: { 'X-Api-Key': 'k_secret' },
    });
    const shown = redactHeaders(headers, ['x-api-key']);
    expect(shown).toEqual({ ...headers, Authorization: '•••', 'X-Api-Key': '•••' });
    expect(shown['X-Inbox-Signature']).toMatch(/^sha256=/);
    expect(JSON.stringify(shown)).not.toMatch(/tok_1|k_secret/);
  });
});
