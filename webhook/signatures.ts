import { createHmac, sign } from 'node:crypto';
import type { SignatureScheme } from './profile.ts';
import type { SigningSecret } from './secrets.ts';

/** What is signed, and with what. */
export interface Signing {
  /** What `webhook-id` says: the event's id. */
  readonly id: string;
  /** The attempt's moment, which `webhook-timestamp` says to the second. */
  readonly attemptedAt: Date;
  /** The request's body. */
  readonly body: string;
  /** The active secrets, newest first. */
  readonly secrets: readonly SigningSecret[];
}

const headersOf: Record<SignatureScheme, (signing: Signing) => Record<string, string>> = {
  'standard-webhooks': standardWebhooksHeaders,
  'x-inbox-signature': inboxSignatureHeader,
};

/** The headers that each of the schemes adds to a request. */
export function signatureHeaders(
  schemes: readonly SignatureScheme[],
  signing: Signing,
): Record<string, string> {
  return Object.assign({}, ...schemes.map((scheme) => headersOf[scheme](signing)));
}

/**
 * Standard Webhooks 1.0, "Webhook headers": one signature for each active secret, newest first, over
 * `{id}.{timestamp}.{body}`: `v1` HMAC-SHA256 for a `whsec_` secret, `v1a` ed25519 for a `whsk_` key.
 */
export function standardWebhooksHeaders({ id, attemptedAt, body, secrets }: Signing): Record<string, string> {
  const timestamp = String(Math.floor(attemptedAt.getTime() / 1000));
  const signed = Buffer.from(`${id}.${timestamp}.${body}`, 'utf8');
  const signatures = secrets.map((secret) =>
    secret.kind === 'hmac'
      ? `v1,${createHmac('sha256', secret.key).update(signed).digest('base64')}`
      : `v1a,${sign(null, signed, secret.privateKey).toString('base64')}`,
  );
  const identity = { 'webhook-id': id, 'webhook-timestamp': timestamp };
  return signatures.length === 0 ? identity : { ...identity, 'webhook-signature': signatures.join(' ') };
}

/**
 * Seed 003, "Signature Verification": HMAC-SHA256 in hex over the raw body. The key is the secret's text,
 * `whsec_` included. The header has room for one signature: the newest `whsec_` secret makes it, and
 * without one there is no header.
 */
export function inboxSignatureHeader({ body, secrets }: Signing): Record<string, string> {
  const newest = secrets.find((secret) => secret.kind === 'hmac');
  if (newest === undefined) return {};
  return {
    'X-Inbox-Signature': `sha256=${createHmac('sha256', newest.textKey).update(body, 'utf8').digest('hex')}`,
  };
}
