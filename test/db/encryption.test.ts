import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import {
  areEncryptionKeys,
  createSealer,
  EncryptionKeyInvalid,
  generateEncryptionKey,
  SecretUnreadable,
} from '../../db/encryption.ts';

const key = generateEncryptionKey();
const sealer = createSealer(key);

it('opens what it sealed, whatever the text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), fc.string(), (text, context) => {
      expect(sealer.open(sealer.seal(text, context), context)).toBe(text);
    }),
  );
});

it('seals the same text differently each time, and shows nothing of it', () => {
  const sealed = [sealer.seal('whsec_abcdef', 'wh_1'), sealer.seal('whsec_abcdef', 'wh_1')];
  expect(sealed[0]).not.toBe(sealed[1]);
  expect(sealed.join()).not.toContain('abcdef');
});

it('does not open in another context', () => {
  expect(() => sealer.open(sealer.seal('secret', 'wh_1'), 'wh_2')).toThrow(SecretUnreadable);
});

it('does not open what was changed in any place', () => {
  const sealed = sealer.seal('secret', 'wh_1');
  fc.assert(
    fc.property(fc.nat(sealed.length - 1), fc.constantFrom('A', 'b', '7', '.'), (at, letter) => {
      fc.pre(sealed[at] !== letter);
      const changed = sealed.slice(0, at) + letter + sealed.slice(at + 1);
      // The last letter of base64 has bits that stand for nothing.
      fc.pre(at < sealed.length - 1);
      expect(() => sealer.open(changed, 'wh_1')).toThrow(SecretUnreadable);
    }),
  );
});

it('opens with an older key that is still given, seals with the first, and names a key that is missing', () => {
  const newer = generateEncryptionKey();
  const both = createSealer(`${newer}, ${key}`);
  expect(both.open(sealer.seal('secret', 'wh_1'), 'wh_1')).toBe('secret');
  const sealed = both.seal('secret', 'wh_1');
  expect(createSealer(newer).open(sealed, 'wh_1')).toBe('secret');
  expect(() => sealer.open(sealed, 'wh_1')).toThrow(createSealer(newer).keyId);
});

it('takes a key in base64 or in hex, the same bytes being the same key', () => {
  const bytes = randomBytes(32);
  const [base64, hex] = [bytes.toString('base64'), bytes.toString('hex')];
  expect(createSealer(hex).open(createSealer(base64).seal('secret', 'wh_1'), 'wh_1')).toBe('secret');
});

it.each(['', 'c2hvcnQ=', 'x'.repeat(44), `${key},`, randomBytes(31).toString('hex')])(
  'refuses %j as a key',
  (text) => {
    expect(areEncryptionKeys(text)).toBe(false);
    expect(() => createSealer(text)).toThrow(EncryptionKeyInvalid);
  },
);
