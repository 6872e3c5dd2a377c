import { Buffer } from 'node:buffer';
import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { Webhook, WebhookVerificationError } from 'standardwebhooks';
import { VerificationError } from './verification-error.ts';

const toleranceSeconds = 5 * 60;
// RFC 8410: what stands before the 32 bytes of an ed25519 public key in its DER form.
const publicKeyDer = Buffer.from('302a300506032b6570032100', 'hex');

export interface Signed {
  id: string;
  timestamp: Date;
}

/** Checks Standard Webhooks' headers: `v1` by a `whsec_` secret, `v1a` by a `whpk_` key. @throws TypeError for what is neither */
export function standardSignatureCheck(
  secrets: readonly string[],
): (body: Buffer, header: (name: string) => string | undefined) => Signed {
  const checks = secrets.map((secret) =>
    secret.startsWith('whpk_') ? publicKeyCheck(secret) : secretCheck(secret),
  );
  return (body, header) => {
    const [id, seconds, signatures] = ['webhook-id', 'webhook-timestamp', 'webhook-signature'].map(header);
    if (!id || !seconds || !signatures) {
      throw new VerificationError(
        'no_signature',
        'webhook-id, webhook-timestamp or webhook-signature is missing',
      );
    }
    const timestamp = momentOf(seconds);
    if (!checks.some((check) => check({ id, seconds, signatures, body }))) {
      throw new VerificationError('wrong_signature', 'no signature is one by the secret');
    }
    return { id, timestamp };
  };
}

interface Claim {
  id: string;
  seconds: string;
  /** One or several, with blanks between. */
  signatures: string;
  body: Buffer;
}

type Check = (claim: Claim) => boolean;

function secretCheck(secret: string): Check {
  const key = secret.startsWith('whsec_') ? secret.slice('whsec_'.length) : '';
  if (key === '' || Buffer.from(key, 'base64').toString('base64') !== key) {
    throw new TypeError('a secret is whsec_ and base64, or whpk_ and base64 for an ed25519 key');
  }
  const webhook = new Webhook(secret);
  return ({ id, seconds, signatures, body }) => {
    try {
      const headers = { 'webhook-id': id, 'webhook-timestamp': seconds, 'webhook-signature': signatures };
      webhook.verify(body, headers, { jsonParse: false });
      return true;
    } catch (error) {
      if (error instanceof WebhookVerificationError) return false;
      throw error;
    }
  };
}

function publicKeyCheck(text: string): Check {
  const key = publicKeyOf(text);
  return ({ id, seconds, signatures, body }) => {
    const signed = Buffer.concat([Buffer.from(`${id}.${seconds}.`, 'utf8'), body]);
    return signatures
      .split(' ')
      .filter((one) => one.startsWith('v1a,'))
      .some((one) => verify(null, signed, key, Buffer.from(one.slice('v1a,'.length), 'base64')));
  };
}

function publicKeyOf(text: string): KeyObject {
  const point = Buffer.from(text.slice('whpk_'.length), 'base64');
  if (point.length !== 32) throw new TypeError('a whpk_ key holds base64 of 32 bytes');
  return createPublicKey({ key: Buffer.concat([publicKeyDer, point]), format: 'der', type: 'spki' });
}

function momentOf(seconds: string): Date {
  const timestamp = /^\d{1,12}$/.test(seconds) ? Number(seconds) : Number.NaN;
  if (!(Math.abs(Date.now() / 1000 - timestamp) <= toleranceSeconds)) {
    throw new VerificationError('wrong_time', 'webhook-timestamp is not of the last five minutes');
  }
  return new Date(timestamp * 1000);
}
