import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
} from 'node:crypto';

/** Standard Webhooks 1.0, "Signature scheme": how many bytes of randomness a `whsec_` secret holds. */
export const secretLimits = { minBytes: 24, maxBytes: 64 } as const;

/** A signing secret, ready to sign with. */
export type SigningSecret =
  | {
      readonly kind: 'hmac';
      /** Both ready for use: Node 24 takes six times as long for a signature with bytes. */
      readonly key: KeyObject;
      /** Of the whole text, prefix included: the key of `X-Inbox-Signature` (seed 003). */
      readonly textKey: KeyObject;
    }
  | {
      readonly kind: 'ed25519';
      readonly privateKey: KeyObject;
      /** `whpk_…`, which a receiver verifies with. */
      readonly publicKeyText: string;
    };

/** The text is no signing secret. Says what is wrong and never holds any of the text. */
export class SecretFormError extends Error {
  override readonly name = 'SecretFormError';
}

const GENERATED_BYTES = 32;
const SEED_BYTES = 32;
// RFC 8410: what stands before the 32 bytes of an ed25519 key in its DER form.
const PRIVATE_KEY_DER = Buffer.from('302e020100300506032b657004220420', 'hex');
const PUBLIC_KEY_DER_BYTES = 12;

/** A new `whsec_…` secret of 32 random bytes. */
export function generateSecret(): string {
  return `whsec_${randomBytes(GENERATED_BYTES).toString('base64')}`;
}

/** A new secret of the same kind as that one. */
export function generateSecretLike(secret: string): string {
  return parseSecret(secret).kind === 'hmac' ? generateSecret() : generateKeyPair().secretKey;
}

/** A new ed25519 key pair. The `whsk_` text holds seed and public key, 64 bytes, as other senders write it. */
export function generateKeyPair(): { readonly secretKey: string; readonly publicKey: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ type: 'pkcs8', format: 'der' }).subarray(PRIVATE_KEY_DER.length);
  const point = pointOf(publicKey);
  return {
    secretKey: `whsk_${Buffer.concat([seed, point]).toString('base64')}`,
    publicKey: `whpk_${point.toString('base64')}`,
  };
}

/**
 * Reads a signing secret: `whsec_` and base64 of 24–64 bytes, or `whsk_` and base64 of an ed25519 key,
 * 32 bytes of seed or 64 of seed and public key. Throws `SecretFormError`.
 */
export function parseSecret(text: string): SigningSecret {
  if (text.startsWith('whsec_')) {
    const key = decode(text.slice('whsec_'.length));
    if (key.length < secretLimits.minBytes || key.length > secretLimits.maxBytes) {
      throw new SecretFormError('a whsec_ secret holds base64 of 24 to 64 bytes');
    }
    return { kind: 'hmac', key: createSecretKey(key), textKey: createSecretKey(text, 'utf8') };
  }
  if (text.startsWith('whsk_')) return parseKeyPair(decode(text.slice('whsk_'.length)));
  throw new SecretFormError('a secret starts with whsec_ (HMAC) or whsk_ (ed25519)');
}

function parseKeyPair(bytes: Buffer): SigningSecret {
  if (bytes.length !== SEED_BYTES && bytes.length !== 2 * SEED_BYTES) {
    throw new SecretFormError('a whsk_ key holds base64 of 32 or 64 bytes');
  }
  const privateKey = createPrivateKey({
    key: Buffer.concat([PRIVATE_KEY_DER, bytes.subarray(0, SEED_BYTES)]),
    format: 'der',
    type: 'pkcs8',
  });
  const point = pointOf(createPublicKey(privateKey));
  if (bytes.length === 2 * SEED_BYTES && !bytes.subarray(SEED_BYTES).equals(point)) {
    throw new SecretFormError('the public half of the whsk_ key does not belong to its secret half');
  }
  return { kind: 'ed25519', privateKey, publicKeyText: `whpk_${point.toString('base64')}` };
}

function pointOf(publicKey: KeyObject): Buffer {
  return publicKey.export({ type: 'spki', format: 'der' }).subarray(PUBLIC_KEY_DER_BYTES);
}

/** Strict: the one spelling, padding included, so that every receiver's library reads the same bytes. */
function decode(base64: string): Buffer {
  const bytes = Buffer.from(base64, 'base64');
  if (bytes.toString('base64') !== base64) throw new SecretFormError('the secret is not standard base64');
  return bytes;
}
