import { clientCredentialsProblem } from './client-credentials.ts';
import type { Auth, Profile, SentAuth } from './profile.ts';

/** Why a webhook's `auth` is refused. The credentials are never repeated. */
export interface AuthProblem {
  readonly code: 'auth_type' | 'auth_username' | 'auth_password' | 'auth_token' | 'auth_client';
  /** Of `auth`; with a slash between where it is within one of those. */
  readonly field: string;
  readonly detail: string;
}

/** The longest user name, password or token, in characters. */
export const MAX_CREDENTIAL_CHARS = 1_024;

/** What is wrong with the authentication that a webhook of this profile asks for; null when nothing is. */
export function authProblem(profile: Pick<Profile, 'authTypes'>, auth: Auth): AuthProblem | null {
  if (!profile.authTypes.includes(auth.type)) {
    return {
      code: 'auth_type',
      field: 'type',
      detail: `"${auth.type}" is not supported here: use one of ${profile.authTypes.join(', ')}`,
    };
  }
  if (auth.type === 'basic') {
    // RFC 7617, section 2: no colon in the user name, no control characters in either.
    if (!isCredential(auth.username) || auth.username.includes(':')) {
      return {
        code: 'auth_username',
        field: 'username',
        detail: 'no colon, no control characters, at most 1,024',
      };
    }
    if (!isCredential(auth.password)) {
      return { code: 'auth_password', field: 'password', detail: 'no control characters, at most 1,024' };
    }
  }
  if (auth.type === 'bearer' && !(isCredential(auth.token) && /^[\x21-\x7e]+$/.test(auth.token))) {
    return { code: 'auth_token', field: 'token', detail: 'printable ASCII without blanks, at most 1,024' };
  }
  return auth.type === 'oauth2' ? clientCredentialsProblem(auth) : null;
}

/** The `Authorization` header's value, or null for none: RFC 7617 (UTF-8) and RFC 6750. */
export function authorizationOf(auth: SentAuth): string | null {
  if (auth.type === 'basic') {
    return `Basic ${Buffer.from(`${auth.username}:${auth.password}`, 'utf8').toString('base64')}`;
  }
  return auth.type === 'bearer' ? `Bearer ${auth.token}` : null;
}

function isCredential(text: string): boolean {
  return text.length <= MAX_CREDENTIAL_CHARS && !/\p{Cc}/u.test(text);
}
