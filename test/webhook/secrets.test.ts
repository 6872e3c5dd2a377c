import { describe, expect, test } from 'vitest';
import { generateKeyPair, generateSecret, parseSecret, SecretFormError } from '../../webhook/secrets.ts';

const whsec = (bytes: number) => `whsec_${Buffer.alloc(bytes, 7).toString('base64')}`;

describe('secrets', () => {
  test('a generated secret is whsec_ and 32 bytes, and each is another', () => {
    const secret = generateSecret();
    const parsed = parseSecret(secret);
    expect(secret).toMatch(/^whsec_[A-Za-z0-9+/]{43}=$/);
    expect(parsed.kind === 'hmac' && parsed.key.symmetricKeySize).toBe(32);
    expect(generateSecret()).not.toBe(secret);
  });

  test.each([24, 25, 26, 64])('%d bytes are taken', (bytes) => {
    expect(parseSecret(whsec(bytes)).kind).toBe('hmac');
  });

  test.each([0, 23, 65, 1000])('%d bytes are refused', (bytes) => {
    expect(() => parseSecret(whsec(bytes))).toThrow(SecretFormError);
  });

  test.each([
    ['without a prefix', whsec(32).slice(6)],
    ['with a public key', `whpk_${Buffer.alloc(32).toString('base64')}`],
    ['without its padding', whsec(32).slice(0, -1)],
    ['in the alphabet of base64url', `whsec_${'-_'.repeat(22)}`],
    ['with a blank', `${whsec(32)} `],
    ['with bits beyond its bytes', `whsec_${'A'.repeat(42)}B=`],
  ])('a secret %s is refused, and the error does not show it', (_, text) => {
    let refusal: unknown;
    try {
      parseSecret(text);
    } catch (error) {
      refusal = error;
    }
    expect(refusal).toBeInstanceOf(SecretFormError);
    expect(String(refusal)).not.toContain(text.slice(8, 20));
  });
});

describe('ed25519 keys', () => {
  test('a generated pair belongs together', () => {
    const { secretKey, publicKey } = generateKeyPair();
    const parsed = parseSecret(secretKey);
    expect(Buffer.from(secretKey.slice(5), 'base64').length).toBe(64);
    expect(parsed.kind === 'ed25519' && parsed.publicKeyText).toBe(publicKey);
  });

  test('the seed alone gives the same public key', () => {
    const { secretKey, publicKey } = generateKeyPair();
    const seed = Buffer.from(secretKey.slice(5), 'base64').subarray(0, 32);
    const parsed = parseSecret(`whsk_${seed.toString('base64')}`);
    expect(parsed.kind === 'ed25519' && parsed.publicKeyText).toBe(publicKey);
  });

  test("RFC 8032's first test key has the public key that the RFC prints", () => {
    const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
    const point = Buffer.from('d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a', 'hex');
    const parsed = parseSecret(`whsk_${seed.toString('base64')}`);
    expect(parsed.kind === 'ed25519' && parsed.publicKeyText).toBe(`whpk_${point.toString('base64')}`);
  });

  test('halves of two different pairs, or another length, are refused', () => {
    const half = (secretKey: string, from: number) =>
      Buffer.from(secretKey.slice(5), 'base64').subarray(from, from + 32);
    const mixed = Buffer.concat([
      half(generateKeyPair().secretKey, 0),
      half(generateKeyPair().secretKey, 32),
    ]);
    expect(() => parseSecret(`whsk_${mixed.toString('base64')}`)).toThrow(SecretFormError);
    expect(() => parseSecret(`whsk_${Buffer.alloc(33).toString('base64')}`)).toThrow(SecretFormError);
  });
});
