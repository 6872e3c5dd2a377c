import { afterEach, describe, expect, test, vi } from 'vitest';
import { createVerifier, VerificationError } from '../../sdk/receiver/src/verify.ts';
import { generateKeyPair, generateSecret } from '../../webhook/secrets.ts';
import { secret, signed, signedRequests } from './signed-requests.ts';

afterEach(() => {
  vi.useRealTimers();
});

test.each(signedRequests().map((request) => [request.name, request] as const))(
  'a request %s is taken, or refused, as by our samples in other languages',
  (_, { body, headers, scheme, secret, now, isGood }) => {
    vi.useFakeTimers({ now: now * 1000, toFake: ['Date'] });
    const verify = createVerifier({ secret, schemes: [scheme] });
    for (const form of [headers, new Headers(headers)]) {
      if (!isGood) expect(() => verify(body, form)).toThrow(VerificationError);
      else expect(verify(Buffer.from(body), form).payload).toEqual(JSON.parse(body));
    }
  },
);

describe('a verifier', () => {
  test('says the event’s id and the attempt’s moment', () => {
    const attemptedAt = new Date(Math.floor(Date.now() / 1000) * 1000);
    const { body, headers } = signed('standard', { attemptedAt });
    expect(createVerifier({ secret })(body, headers)).toMatchObject({
      id: headers['webhook-id'],
      timestamp: attemptedAt,
      scheme: 'standard-webhooks',
    });
  });

  test('takes an ed25519 signature by its public key', () => {
    const { secretKey, publicKey } = generateKeyPair();
    const { body, headers } = signed('standard', { secrets: [secretKey] });
    expect(createVerifier({ secret: publicKey })(body, headers).payload).toEqual(JSON.parse(body));
    const other = createVerifier({ secret: generateKeyPair().publicKey });
    expect(() => other(body, headers)).toThrow(VerificationError);
  });

  test('takes either of several secrets, of whatever kind', () => {
    const { secretKey, publicKey } = generateKeyPair();
    const verify = createVerifier({ secret: [secret, publicKey] });
    for (const secrets of [[secret], [secretKey], [generateSecret(), secret]]) {
      const { body, headers } = signed('standard', { secrets });
      expect(verify(body, headers).id).toBe(headers['webhook-id']);
    }
  });

  test('does not take X-Inbox-Signature, which can be repeated by whoever saw it, unless it is told to', () => {
    const { body, headers } = signed('inbox');
    const alone = { 'X-Inbox-Signature': headers['X-Inbox-Signature'] ?? '' };
    expect(() => createVerifier({ secret })(body, alone)).toThrow(VerificationError);
    const both = createVerifier({ secret, schemes: ['standard-webhooks', 'x-inbox-signature'] });
    expect(both(body, alone)).toMatchObject({ scheme: 'x-inbox-signature', id: undefined });
    const old = { ...headers, 'webhook-timestamp': '1500000000' };
    expect(() => both(body, old)).toThrow(/last five minutes/);
  });

  test.each(['', 'whsec_', 'whsec_not base64', 'secret', 'whsk_AAAA', 'whpk_AAAA'])(
    'refuses the secret %j without showing it',
    (text) => {
      expect(() => createVerifier({ secret: text })).toThrow(TypeError);
      if (text.length > 6) expect(() => createVerifier({ secret: text })).not.toThrow(text);
    },
  );
});
