import { randomBytes } from 'node:crypto';

const tokenBytes = 32;

/** A token that nobody guesses: the prefix, an underscore and 43 URL-safe characters (256 bits). */
export function generateToken(prefix: 'session' | 'portal'): string {
  return `${prefix}_${randomBytes(tokenBytes).toString('base64url')}`;
}

/** Whether the text has the form of a token of that kind; others need not be looked up. */
export function isToken(prefix: 'session' | 'portal', text: string): boolean {
  return text.startsWith(`${prefix}_`) && /^[A-Za-z0-9_-]{43}$/.test(text.slice(prefix.length + 1));
}
