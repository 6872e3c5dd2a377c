import { authorizationOf } from './auth.ts';
import { isReservedHeader } from './header-policy.ts';
import type { EventToSend, Profile, SentAuth } from './profile.ts';
import { parseSecret, type SigningSecret } from './secrets.ts';
import { signatureHeaders } from './signatures.ts';

export interface RequestParts {
  readonly profile: Pick<Profile, 'body' | 'signs'>;
  readonly event: EventToSend;
  /** What is sent in place of the profile's body: JSON text. */
  readonly body?: string;
  /** The active secrets, newest first: their texts (`whsec_…`, `whsk_…`), or read already. */
  readonly secrets: readonly (string | SigningSecret)[];
  readonly auth: SentAuth;
  /** The webhook's own headers; a reserved name (header-policy.ts) is left out. */
  readonly headers: Readonly<Record<string, string>>;
  readonly attemptedAt: Date;
  readonly userAgent: string;
}

/** What is shown instead of a secret value. */
export const REDACTED = '•••';

/**
 * The request of one attempt. The body's UTF-8 bytes are the same for every attempt of the event; of the headers
 * only the timestamp and its signatures change. Throws `UnsendableEventError` and `SecretFormError`.
 */
export function buildRequest({
  profile,
  event,
  body = profile.body(event),
  secrets,
  auth,
  headers,
  attemptedAt,
  userAgent,
}: RequestParts): { headers: Record<string, string>; body: string } {
  const authorization = authorizationOf(auth);
  const own = Object.entries(headers).filter(([name]) => !isReservedHeader(name));
  return {
    body,
    headers: {
      ...Object.fromEntries(own),
      'Content-Type': 'application/json',
      'User-Agent': userAgent,
      ...(authorization === null ? {} : { Authorization: authorization }),
      ...signatureHeaders(profile.signs, {
        id: event.id,
        attemptedAt,
        body,
        secrets: secrets.map((secret) => (typeof secret === 'string' ? parseSecret(secret) : secret)),
      }),
    },
  };
}

/**
 * The headers as an attempt's record shows them: the value of `Authorization`, and of every header named in
 * `secretNames` (the webhook's own ones), becomes `•••`. Signatures stay, since they give no key away.
 */
export function redactHeaders(
  headers: Readonly<Record<string, string>>,
  secretNames: readonly string[],
): Record<string, string> {
  const secret = new Set(['authorization', ...secretNames.map((name) => name.toLowerCase())]);
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, secret.has(name.toLowerCase()) ? REDACTED : value]),
  );
}
