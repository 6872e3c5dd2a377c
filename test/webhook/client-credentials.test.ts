import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { authProblem } from '../../webhook/auth.ts';
import { readTokenAnswer, tokenRequest } from '../../webhook/client-credentials.ts';
import type { ClientCredentials } from '../../webhook/profile.ts';
import { profiles } from '../../webhook/profiles.ts';

const credentials: ClientCredentials = {
  type: 'oauth2',
  token_url: 'https://login.test/token',
  client_id: 'postrider',
  client_secret: 's3cret',
  client_authentication: 'basic',
};
const answered = (body: unknown, status = 200) =>
  readTokenAnswer({
    ...{ kind: 'answered', status, headers: {}, bodyTruncated: false, durationMs: 1 },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });

describe('client credentials', () => {
  test('are taken by every profile but app-inbox', () => {
    for (const profile of Object.values(profiles)) {
      const expected = profile.name === 'app-inbox' ? { field: 'type' } : null;
      const problem = authProblem(profile, { ...credentials, scope: 'a b:c', audience: 'https://api.test' });
      if (expected === null) expect(problem).toBeNull();
      else expect(problem).toMatchObject(expected);
    }
  });

  test.each([
    [{ client_id: '' }, 'client_id'],
    [{ client_id: 'a\nb' }, 'client_id'],
    [{ client_secret: 'é' }, 'client_secret'],
    [{ client_secret: 's'.repeat(1_025) }, 'client_secret'],
    [{ scope: 'a  b' }, 'scope'],
    [{ scope: 'a"b' }, 'scope'],
    [{ scope: '' }, 'scope'],
    [{ audience: '\0' }, 'audience'],
    [{ parameters: { 'a b': 'c' } }, 'parameters/a b'],
    [{ parameters: { 'a/b': 'c' } }, 'parameters/a~1b'],
    [{ parameters: { grant_type: 'password' } }, 'parameters/grant_type'],
    [{ parameters: { scope: 'all' } }, 'parameters/scope'],
    [{ parameters: { resource: '' } }, 'parameters/resource'],
    [{ parameters: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`p${i}`, 'v'])) }, 'parameters'],
  ])('%j is refused by its field', (change, field) => {
    expect(authProblem(profiles.inbox, { ...credentials, ...change })?.field).toBe(field);
  });
});

describe('the request for a token', () => {
  test('is the grant by HTTP Basic, with scope, audience and whatever else', () => {
    const { headers, body } = tokenRequest({
      ...credentials,
      ...{ scope: 'a b', audience: 'https://api.test', parameters: { resource: 'urn:x' } },
    });
    expect(headers).toEqual({
      Accept: 'application/json',
      'Content-Type': 'application/x-www-form-urlencoded',
      Authorization: `Basic ${Buffer.from('postrider:s3cret').toString('base64')}`,
    });
    expect(body).toBe(
      'grant_type=client_credentials&scope=a+b&audience=https%3A%2F%2Fapi.test&resource=urn%3Ax',
    );
  });

  test('has id and secret in the form where that is wanted', () => {
    const { headers, body } = tokenRequest({ ...credentials, client_authentication: 'body' });
    expect(headers).not.toHaveProperty('Authorization');
    expect(body).toBe('grant_type=client_credentials&client_id=postrider&client_secret=s3cret');
  });

  test('has any id and secret form-encoded before they are joined (RFC 6749, section 2.3.1)', () => {
    const visible = fc.string({
      minLength: 1,
      unit: fc.integer({ min: 32, max: 126 }).map((c) => String.fromCharCode(c)),
    });
    fc.assert(
      fc.property(visible, visible, (client_id, client_secret) => {
        const { Authorization = '' } = tokenRequest({ ...credentials, client_id, client_secret }).headers;
        const pair = Buffer.from(Authorization.slice('Basic '.length), 'base64').toString().split(':');
        expect(pair.map((text) => new URLSearchParams(`x=${text}`).get('x'))).toEqual([
          client_id,
          client_secret,
        ]);
      }),
    );
  });
});

describe('an answer of the token endpoint', () => {
  test.each([
    [{ expires_in: 60 }, 60_000],
    [{ expires_in: '60' }, 60_000],
    [{}, 300_000],
    [{ expires_in: null }, 300_000],
    [{ expires_in: -5 }, 0],
    [{ expires_in: 1e9 }, 86_400_000],
  ])('with %j has a token for so many ms', (fields, lifetimeMs) => {
    expect(answered({ access_token: 'abc', token_type: 'bearer', ...fields })).toEqual({
      token: 'abc',
      lifetimeMs,
    });
  });

  test.each([
    [
      'an error with its code',
      { error: 'invalid_client' },
      401,
      'the token endpoint answered 401 (invalid_client)',
    ],
    ['an error in words of its own', { error: 's3cret' }, 400, 'the token endpoint answered 400'],
    ['an error without JSON', 's3cret', 500, 'the token endpoint answered 500'],
    ['a redirect', '', 302, 'the token endpoint answered 302'],
    ['no JSON', 's3cret', 200, 'the answer of the token endpoint is not a JSON object'],
    ['a list', ['s3cret'], 200, 'the answer of the token endpoint is not a JSON object'],
    ['no token', { error: 's3cret' }, 200, 'holds no access_token that can be sent'],
    [
      'a token that no header can hold',
      { access_token: 's3\ncret' },
      200,
      'holds no access_token that can be sent',
    ],
    [
      'a token without end',
      { access_token: 's'.repeat(16_385) },
      200,
      'holds no access_token that can be sent',
    ],
    [
      'a token of another type',
      { access_token: 's3cret', token_type: 'mac' },
      200,
      'another type than Bearer',
    ],
  ])('with %s is none, and nothing of it is repeated', (_, body, status, words) => {
    const read = answered(body, status);
    expect(read).toEqual({ problem: expect.stringContaining(words) });
    expect(JSON.stringify(read)).not.toContain('s3');
  });

  test('that did not come says why', () => {
    const failed = {
      kind: 'failed',
      reason: 'dns',
      detail: 'the host name does not resolve',
      durationMs: 1,
    } as const;
    expect(readTokenAnswer(failed)).toEqual({
      problem: 'at the token endpoint, the host name does not resolve',
    });
  });
});
