import { Buffer } from 'node:buffer';
import { createHmac, timingSafeEqual } from 'node:crypto';
import { VerificationError } from './verification-error.ts';

/**
 * Checks `X-Inbox-Signature: sha256=<hex>`: HMAC-SHA256 over the raw body, with the secret's whole text, `whsec_` included, as its key.
 * Public keys (`whpk_`) have no part in it.
 */
export function inboxSignatureCheck(
  secrets: readonly string[],
): (body: Buffer, header: (name: string) => string | undefined) => void {
  const keys = secrets.filter((secret) => secret.startsWith('whsec_'));
  return (body, header) => {
    const given = header('x-inbox-signature');
    if (given === undefined) throw new VerificationError('no_signature', 'X-Inbox-Signature is missing');
    const hex = /^sha256=([0-9a-f]{64})$/i.exec(given)?.[1];
    const signature = Buffer.from(hex ?? '', 'hex');
    const isBy = (key: string) => {
      const expected = createHmac('sha256', key).update(body).digest();
      return signature.length === expected.length && timingSafeEqual(signature, expected);
    };
    if (!keys.some(isBy))
      throw new VerificationError('wrong_signature', 'X-Inbox-Signature is not one by the secret');
  };
}
