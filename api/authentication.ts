import { type Caller, findCaller, hashApiKey } from '../db/api-keys.ts';
import type { Database } from '../db/database.ts';
import { Problem } from './problems.ts';

export interface Authenticator {
  /**
   * Who a request comes from, by its `Authorization` header.
   * @throws Problem 401
   * @throws DatabaseUnavailable
   */
  authenticate(header: string | undefined): Promise<Caller>;
  /** Looks every key up afresh from now on. */
  forget(): void;
}

/** A key that was revoked in another process works at most this long; in this one it ends at once. */
const rememberedMs = 5_000;
const mostRemembered = 1_000;

/** Looks keys up in the database, and remembers those that exist for five seconds. */
export function createAuthenticator(db: Database, now: () => Date): Authenticator {
  let remembered = new Map<string, { caller: Caller; until: number }>();

  return {
    async authenticate(header) {
      const key = /^Bearer +([\x21-\x7e]+) *$/i.exec(header ?? '')?.[1];
      if (key === undefined) {
        throw unauthorized('Send an API key in the header Authorization: Bearer <key>', 'Bearer');
      }
      const hash = hashApiKey(key);
      const known = remembered.get(hash);
      if (known !== undefined && known.until > now().getTime()) return known.caller;

      const lookedUpIn = remembered;
      const caller = await findCaller(db, hash);
      if (caller === undefined) {
        throw unauthorized('The API key is not known, or it was revoked', 'Bearer error="invalid_token"');
      }
      if (lookedUpIn.size >= mostRemembered) lookedUpIn.clear();
      lookedUpIn.set(hash, { caller, until: now().getTime() + rememberedMs });
      return caller;
    },

    forget() {
      // A new map, so that a look-up which is under way does not write into this one what no longer holds.
      remembered = new Map();
    },
  };
}

function unauthorized(detail: string, challenge: string): Problem {
  return new Problem({
    status: 401,
    code: 'unauthorized',
    detail,
    errors: [{ header: 'Authorization', detail: 'must hold a valid API key' }],
    headers: { 'WWW-Authenticate': challenge },
  });
}
