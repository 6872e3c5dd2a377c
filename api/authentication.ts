import { type Caller, findCaller, hashApiKey } from '../db/api-keys.ts';
import type { Database } from '../db/database.ts';
import { createMemory } from './memory.ts';
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
  const memory = createMemory<Caller>({ rememberedMs, most: mostRemembered, now });

  return {
    async authenticate(header) {
      const key = /^Bearer +([\x21-\x7e]+) *$/i.exec(header ?? '')?.[1];
      if (key === undefined) {
        throw unauthorized('Send an API key in the header Authorization: Bearer <key>', 'Bearer');
      }
      const hash = hashApiKey(key);
      const caller = await memory.recall(hash, () => findCaller(db, hash));
      if (caller === undefined) {
        throw unauthorized('The API key is not known, or it was revoked', 'Bearer error="invalid_token"');
      }
      return caller;
    },

    forget: memory.forget,
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
