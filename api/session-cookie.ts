import { hashApiKey } from '../db/api-keys.ts';
import { isToken } from '../db/tokens.ts';

const name = 'postrider_session';

/** The hash of the session's token in a `Cookie` header; undefined when there is none that could be one. */
export function sessionHashIn(header: string | undefined): string | undefined {
  for (const pair of (header ?? '').split(';')) {
    const [key, value] = pair.split('=', 2).map((part) => part.trim());
    if (key === name && value !== undefined && isToken('session', value)) return hashApiKey(value);
  }
  return undefined;
}

/** The `Set-Cookie` header of a new session: out of the page's scripts' reach, and sent by pages of this site alone. */
export function sessionCookie(token: string, { expires, isHttps }: { expires: Date; isHttps: boolean }) {
  return `${name}=${token}; Expires=${expires.toUTCString()}${attributesOf(isHttps)}`;
}

/** The header that makes the browser forget it. */
export function endedSessionCookie({ isHttps }: { isHttps: boolean }): string {
  return `${name}=; Max-Age=0${attributesOf(isHttps)}`;
}

function attributesOf(isHttps: boolean): string {
  return `; Path=/; HttpOnly; SameSite=Strict${isHttps ? '; Secure' : ''}`;
}
