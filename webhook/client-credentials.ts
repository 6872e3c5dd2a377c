import type { Answer } from './answer.ts';
import { type FailureReason, isBlameless } from './failure-reasons.ts';
import type { ClientCredentials } from './profile.ts';

/** What client credentials may hold. */
export const clientCredentialsLimits = {
  maxChars: 1_024,
  maxParameters: 10,
  maxNameChars: 64,
  maxTokenChars: 16_384,
} as const;

/** Why client credentials are refused: see auth.ts. The values are never repeated. */
interface ClientCredentialsProblem {
  readonly code: 'auth_client';
  readonly field: string;
  readonly detail: string;
}

const { maxChars, maxParameters, maxNameChars, maxTokenChars } = clientCredentialsLimits;

/** Set by the request for a token itself, or with a field of their own. */
const reserved = ['grant_type', 'client_id', 'client_secret', 'scope', 'audience'];

/** How long a token is taken to last whose endpoint does not say, in seconds. */
const usualLifetimeSeconds = 300;
const longestLifetimeSeconds = 86_400;

/**
 * What is wrong with client credentials by RFC 6749, appendix A; null when nothing is. Whether the token endpoint may be
 * asked is the URL policy's business.
 */
export function clientCredentialsProblem(auth: ClientCredentials): ClientCredentialsProblem | null {
  const problem = (field: string, detail: string) => ({ code: 'auth_client' as const, field, detail });
  if (!isVisible(auth.client_id)) return problem('client_id', visibleWords);
  if (!isVisible(auth.client_secret)) return problem('client_secret', visibleWords);
  if (auth.scope !== undefined && !isScope(auth.scope)) {
    return problem('scope', 'scopes with single blanks between, at most 1,024 characters in all');
  }
  if (auth.audience !== undefined && !isVisible(auth.audience)) return problem('audience', visibleWords);
  const names = Object.keys(auth.parameters ?? {});
  if (names.length > maxParameters) return problem('parameters', `at most ${maxParameters} parameters`);
  for (const name of names) {
    const field = `parameters/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    if (!/^[\w.-]+$/.test(name) || name.length > maxNameChars) return problem(field, 'not a parameter name');
    if (reserved.includes(name)) return problem(field, 'has a place of its own');
    if (!isVisible(auth.parameters?.[name] ?? '')) return problem(field, visibleWords);
  }
  return null;
}

const visibleWords = `1 to ${maxChars.toLocaleString('en')} printable ASCII characters`;

function isVisible(text: string): boolean {
  return /^[\x20-\x7e]+$/.test(text) && text.length <= maxChars;
}

function isScope(text: string): boolean {
  return /^[\x21\x23-\x5b\x5d-\x7e]+( [\x21\x23-\x5b\x5d-\x7e]+)*$/.test(text) && text.length <= maxChars;
}

/** The request for a token: RFC 6749, section 4.4.2. */
export function tokenRequest(auth: ClientCredentials): { headers: Record<string, string>; body: string } {
  const { client_id, client_secret, scope, audience, parameters = {} } = auth;
  const isInBody = auth.client_authentication === 'body';
  const form = new URLSearchParams({
    grant_type: 'client_credentials',
    ...(isInBody ? { client_id, client_secret } : {}),
    ...(scope === undefined ? {} : { scope }),
    ...(audience === undefined ? {} : { audience }),
    ...parameters,
  });
  return {
    headers: {
      Accept: 'application/json',
      'Content-Type': 'application/x-www-form-urlencoded',
      ...(isInBody ? {} : { Authorization: basicOf(client_id, client_secret) }),
    },
    body: form.toString(),
  };
}

/** Section 2.3.1: both are form-encoded before they are joined. */
function basicOf(id: string, secret: string): string {
  const encoded = [id, secret].map((text) => new URLSearchParams({ '': text }).toString().slice(1));
  return `Basic ${Buffer.from(encoded.join(':')).toString('base64')}`;
}

/** A token with the time it is good for, or why there is none: in words of our own, without a word of the endpoint's. */
export type TokenAnswer = { readonly token: string; readonly lifetimeMs: number } | NoToken;

export interface NoToken {
  readonly problem: string;
  /** Where the way to the endpoint says nothing of it: our own proxy is away. */
  readonly reason?: FailureReason;
}

/** Error codes of RFC 6749, section 5.2, and RFC 8707; what is not among them may be anything, a secret even. */
const errorCodes = [
  ...['invalid_request', 'invalid_client', 'invalid_grant', 'unauthorized_client', 'unsupported_grant_type'],
  ...['invalid_scope', 'invalid_target'],
];

/** Reads what the token endpoint answered: RFC 6749, section 5. */
export function readTokenAnswer(answer: Answer): TokenAnswer {
  if (answer.kind === 'failed') {
    const { reason, detail } = answer;
    return isBlameless(reason)
      ? { problem: detail, reason }
      : { problem: `at the token endpoint, ${detail}` };
  }
  const fields = fieldsOf(answer.body);
  if (answer.status < 200 || answer.status > 299) {
    const code = errorCodes.find((known) => known === fields?.error);
    return {
      problem: `the token endpoint answered ${answer.status}${code === undefined ? '' : ` (${code})`}`,
    };
  }
  if (fields === null) return { problem: 'the answer of the token endpoint is not a JSON object' };
  const { access_token: token, token_type: type = 'bearer', expires_in: expiresIn } = fields;
  if (typeof token !== 'string' || !/^[\x21-\x7e]+$/.test(token) || token.length > maxTokenChars) {
    return { problem: 'the answer of the token endpoint holds no access_token that can be sent' };
  }
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') {
    return { problem: 'the token endpoint gave a token of another type than Bearer' };
  }
  return { token, lifetimeMs: lifetimeSeconds(expiresIn) * 1_000 };
}

/** A number in quotes is what some endpoints send. */
function lifetimeSeconds(expiresIn: unknown): number {
  const isNumeric = typeof expiresIn === 'number' || (typeof expiresIn === 'string' && expiresIn !== '');
  const seconds = isNumeric ? Number(expiresIn) : Number.NaN;
  if (!Number.isFinite(seconds)) return usualLifetimeSeconds;
  return Math.min(Math.max(seconds, 0), longestLifetimeSeconds);
}

function fieldsOf(body: string): Record<string, unknown> | null {
  try {
    const parsed: unknown = JSON.parse(body);
    return typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)
      ? (parsed as Record<string, unknown>)
      : null;
  } catch {
    return null;
  }
}
