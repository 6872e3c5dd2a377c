import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';

/** Seals secrets for storage and opens them again. A sealed text opens only in the context it was sealed for. */
export interface Sealer {
  /** Of the key that seals. */
  readonly keyId: string;
  /** `context` is the id of the row that owns the secret, so that one row's secret cannot be moved to another. */
  seal(plain: string, context: string): string;
  /** @throws SecretUnreadable when the key that sealed it is not known, or the text or its context was changed. */
  open(sealed: string, context: string): string;
}

/** A stored secret that cannot be opened: the encryption key it needs is missing, or it was tampered with. */
export class SecretUnreadable extends Error {
  override readonly name = 'SecretUnreadable';
}

/** An encryption key that is not 32 bytes in base64 or in hex. */
export class EncryptionKeyInvalid extends Error {
  override readonly name = 'EncryptionKeyInvalid';
}

const keyBytes = 32;
const nonceBytes = 12;
const tagBytes = 16;

/** A new key: 32 random bytes in base64. */
export function generateEncryptionKey(): string {
  return randomBytes(keyBytes).toString('base64');
}

/**
 * A sealer by AES-256-GCM (NIST SP 800-38D). `keys` is one key or several with commas between: the first seals, all
 * open. A sealed text is `v1.<key id>.<nonce, tag and ciphertext in base64url>`.
 * @throws EncryptionKeyInvalid
 */
export function createSealer(keys: string): Sealer {
  const parsed = keys.split(',').map((text) => parseKey(text.trim()));
  const current = parsed[0];
  if (current === undefined) throw new EncryptionKeyInvalid('there is no encryption key');
  const byId = new Map(parsed.map((key) => [key.id, key]));

  return {
    keyId: current.id,

    seal(plain, context) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv('aes-256-gcm', current.bytes, nonce).setAAD(Buffer.from(context));
      const ciphertext = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()]);
      return `v1.${current.id}.${Buffer.concat([nonce, cipher.getAuthTag(), ciphertext]).toString('base64url')}`;
    },

    open(sealed, context) {
      const [version, keyId, content] = sealed.split('.');
      if (version !== 'v1' || keyId === undefined || content === undefined) {
        throw new SecretUnreadable('a stored secret has an unknown form');
      }
      const key = byId.get(keyId);
      if (key === undefined)
        throw new SecretUnreadable(`the encryption key ${keyId} is not among those given`);
      const bytes = Buffer.from(content, 'base64url');
      const nonce = bytes.subarray(0, nonceBytes);
      const tag = bytes.subarray(nonceBytes, nonceBytes + tagBytes);
      try {
        const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce, { authTagLength: tagBytes });
        decipher.setAAD(Buffer.from(context)).setAuthTag(tag);
        return (
          decipher.update(bytes.subarray(nonceBytes + tagBytes), undefined, 'utf8') + decipher.final('utf8')
        );
      } catch {
        throw new SecretUnreadable('a stored secret does not open with its key');
      }
    },
  };
}

/** The key that sealed a text: what is left to re-encrypt after a rotation. */
export function encryptionKeyIdOf(sealed: string): string | undefined {
  return sealed.split('.')[1];
}

function parseKey(text: string): { id: string; bytes: Buffer } {
  const bytes = keyBytesIn(text);
  if (bytes === undefined)
    throw new EncryptionKeyInvalid('an encryption key is 32 bytes in base64 or in hex');
  return { id: createHash('sha256').update(bytes).digest('hex').slice(0, 8), bytes };
}

/** Whether the text is one key, or several with commas between, as `createSealer` takes them. */
export function areEncryptionKeys(text: string): boolean {
  return text.split(',').every((key) => keyBytesIn(key.trim()) !== undefined);
}

function keyBytesIn(text: string): Buffer | undefined {
  if (/^[\da-f]{64}$/i.test(text)) return Buffer.from(text, 'hex');
  if (!/^[\w+/-]{43}=?$/.test(text)) return undefined;
  const bytes = Buffer.from(text, 'base64');
  return bytes.length === keyBytes ? bytes : undefined;
}
