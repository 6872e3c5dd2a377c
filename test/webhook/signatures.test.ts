import { createHmac, createPublicKey, verify } from 'node:crypto';
import { Webhook } from 'standardwebhooks';
import { describe, expect, test } from 'vitest';
import { generateKeyPair, generateSecret, parseSecret } from '../../webhook/secrets.ts';
import { inboxSignatureHeader, signatureHeaders, standardWebhooksHeaders } from '../../webhook/signatures.ts';
import { verifySignature } from './events.ts';

const body = '{"text":"Grüße 👋, naïve \\"quotes\\""}';

function signing(secrets: readonly string[], attemptedAt = new Date()) {
  return { id: 'evt_1', attemptedAt, body, secrets: secrets.map(parseSecret) };
}

describe('Standard Webhooks', () => {
  test('the npm package standardwebhooks accepts the signature', () => {
    const secret = generateSecret();
    const headers = standardWebhooksHeaders(signing([secret]));
    expect(new Webhook(secret).verify(body, headers)).toEqual(JSON.parse(body));
  });

  test('it refuses another body, another id and another secret', () => {
    const secret = generateSecret();
    const headers = standardWebhooksHeaders(signing([secret]));
    expect(() => new Webhook(secret).verify(`${body} `, headers)).toThrow();
    expect(() => new Webhook(secret).verify(body, { ...headers, 'webhook-id': 'evt_2' })).toThrow();
    expect(() => new Webhook(generateSecret()).verify(body, headers)).toThrow();
  });

  test('a known signature comes out: computed by the scheme, typed here', () => {
    const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
    const headers = standardWebhooksHeaders({
      id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      attemptedAt: new Date(1_614_265_330_999),
      body: '{"test": 2432232314}',
      secrets: [parseSecret(secret)],
    });
    expect(headers).toEqual({
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    });
  });

  test('during a rotation both secrets sign, the newer first', () => {
    const [newer, older] = [generateSecret(), generateSecret()];
    const headers = standardWebhooksHeaders(signing([newer, older]));
    const [first, second] = (headers['webhook-signature'] ?? '').split(' ');
    const signedBy = (signature: string | undefined, secret: string) =>
      new Webhook(secret).verify(body, { ...headers, 'webhook-signature': signature ?? '' });
    expect(signedBy(first, newer)).toEqual(JSON.parse(body));
    expect(signedBy(second, older)).toEqual(JSON.parse(body));
    expect(() => signedBy(first, older)).toThrow();
  });

  test('a whsk_ key makes a v1a signature that its whpk_ key verifies', () => {
    const { secretKey, publicKey } = generateKeyPair();
    const headers = standardWebhooksHeaders(signing([secretKey]));
    const [version, signature] = (headers['webhook-signature'] ?? '').split(',');
    const key = createPublicKey({
      key: { kty: 'OKP', crv: 'Ed25519', x: Buffer.from(publicKey.slice(5), 'base64').toString('base64url') },
      format: 'jwk',
    });
    const signed = Buffer.from(`evt_1.${headers['webhook-timestamp']}.${body}`);
    expect(version).toBe('v1a');
    expect(verify(null, signed, key, Buffer.from(signature ?? '', 'base64'))).toBe(true);
    expect(verify(null, Buffer.from('other'), key, Buffer.from(signature ?? '', 'base64'))).toBe(false);
  });

  test('without a secret there is no signature header', () => {
    expect(Object.keys(standardWebhooksHeaders(signing([])))).toEqual(['webhook-id', 'webhook-timestamp']);
  });
});

describe('X-Inbox-Signature', () => {
  test("seed 003's own verifySignature accepts it, for the body as text and as bytes", () => {
    const secret = generateSecret();
    const signature = inboxSignatureHeader(signing([secret]))['X-Inbox-Signature'] ?? '';
    expect(verifySignature(body, signature, secret)).toBe(true);
    expect(verifySignature(Buffer.from(body), signature, secret)).toBe(true);
    expect(verifySignature(`${body} `, signature, secret)).toBe(false);
    expect(verifySignature(body, signature, generateSecret())).toBe(false);
  });

  test("is the HMAC in hex, keyed by the secret's whole text", () => {
    const secret = generateSecret();
    const hex = createHmac('sha256', Buffer.from(secret, 'utf8')).update(Buffer.from(body)).digest('hex');
    expect(inboxSignatureHeader(signing([secret]))).toEqual({ 'X-Inbox-Signature': `sha256=${hex}` });
  });

  test('is made with the newest whsec_ secret, whatever keys stand beside it', () => {
    const [newer, older] = [generateSecret(), generateSecret()];
    const { secretKey } = generateKeyPair();
    const signature = inboxSignatureHeader(signing([secretKey, newer, older]))['X-Inbox-Signature'] ?? '';
    expect(verifySignature(body, signature, newer)).toBe(true);
    expect(inboxSignatureHeader(signing([secretKey]))).toEqual({});
  });
});

test('a request gets the headers of every scheme asked for', () => {
  const headers = signatureHeaders(['x-inbox-signature', 'standard-webhooks'], signing([generateSecret()]));
  expect(Object.keys(headers).sort()).toEqual([
    'X-Inbox-Signature',
    'webhook-id',
    'webhook-signature',
    'webhook-timestamp',
  ]);
});
