import { Buffer } from 'node:buffer';
import { type HeadersLike, headerReader } from './headers.ts';
import { inboxSignatureCheck } from './inbox-signature.ts';
import { standardSignatureCheck } from './standard-signature.ts';
import { VerificationError } from './verification-error.ts';

export type { HeadersLike } from './headers.ts';
export { VerificationError, type VerificationFailure } from './verification-error.ts';

/** How a request shows who sent it: Standard Webhooks’ three headers, or `X-Inbox-Signature`. */
export type SignatureScheme = 'standard-webhooks' | 'x-inbox-signature';

export interface VerifierOptions {
  /** The webhook's signing secret (`whsec_…`), or the public key of an ed25519 one (`whpk_…`); during a rotation both. */
  readonly secret: string | readonly string[];
  /**
   * What is accepted; Standard Webhooks alone unless it says otherwise, since Postrider sends that in every profile and
   * `X-Inbox-Signature` has no time in it: whoever saw such a request once could send it again at any time. With both, a request
   * that has Standard Webhooks' headers is held to those.
   */
  readonly schemes?: readonly SignatureScheme[];
}

/** A request that was verified. */
export interface VerifiedWebhook<Payload = unknown> {
  /** The event's id (`webhook-id`): the same for every repeat. Undefined where only `X-Inbox-Signature` came. */
  readonly id: string | undefined;
  /** When the attempt was made, to the second. Undefined where only `X-Inbox-Signature` came. */
  readonly timestamp: Date | undefined;
  /** The body, as its JSON says. */
  readonly payload: Payload;
  readonly scheme: SignatureScheme;
}

/** Verifies one request after the other. `body` is as it came over the wire. @throws VerificationError */
export type Verify = <Payload = unknown>(
  body: string | Uint8Array,
  headers: HeadersLike,
) => VerifiedWebhook<Payload>;

/**
 * A verifier for one webhook. Signatures are compared in constant time.
 * @throws TypeError when a secret is none, without showing it
 */
export function createVerifier({ secret, schemes = ['standard-webhooks'] }: VerifierOptions): Verify {
  const secrets = typeof secret === 'string' ? [secret] : secret;
  if (secrets.length === 0) throw new TypeError('there is no secret to verify with');
  const standard = standardSignatureCheck(secrets);
  const inbox = inboxSignatureCheck(secrets);
  return <Payload>(body: string | Uint8Array, headers: HeadersLike) => {
    const bytes = typeof body === 'string' ? Buffer.from(body, 'utf8') : Buffer.from(body);
    const header = headerReader(headers);
    const hasStandard = header('webhook-signature') !== undefined;
    if (schemes.includes('standard-webhooks') && (hasStandard || !schemes.includes('x-inbox-signature'))) {
      const { id, timestamp } = standard(bytes, header);
      return { id, timestamp, payload: parsed<Payload>(bytes), scheme: 'standard-webhooks' };
    }
    inbox(bytes, header);
    return {
      id: undefined,
      timestamp: undefined,
      payload: parsed<Payload>(bytes),
      scheme: 'x-inbox-signature',
    };
  };
}

function parsed<Payload>(bytes: Buffer): Payload {
  try {
    return JSON.parse(bytes.toString('utf8')) as Payload;
  } catch {
    throw new VerificationError('not_json', 'the body is signed, but is not JSON');
  }
}
