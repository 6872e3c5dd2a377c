import { type Caller, findCaller, hashApiKey, isUseNoted, noteKeyUse } from '../db/api-keys.ts';
import type { Database } from '../db/database.ts';
import type { Revocations } from '../db/revocations.ts';
import { findSession } from '../db/sessions.ts';
import { withinDeadline } from './deadline.ts';
import { createMemory } from './memory.ts';
import { Problem } from './problems.ts';

export interface Authenticator {
  /**
   * Who a request comes from: by its `Authorization` header, or, where it has none, by its session.
   * @throws Problem 401
   * @throws DatabaseUnavailable
   */
  authenticate(header: string | undefined, sessionHash: string | undefined): Promise<Caller>;
  /** Looks every key and session up afresh from now on: one was revoked. */
  forget(): void;
  /** Calls it whenever a caller may no longer be let in, until the answered function is called. */
  onRevocation(listener: () => void): () => void;
}

/** How long the database is waited for, in ms. */
const deadlineMs = 1_000;
/** What is changed in the database by hand, and told to nobody, works at most this long. */
const rememberedMs = 5_000;
const mostRemembered = 1_000;

/**
 * Looks keys and sessions up in the database, and remembers those that exist for five seconds, but no longer than until one is
 * revoked in any process; and not at all while it is not known whether one was. Without `revocations` this is the only process.
 */
export function createAuthenticator(
  db: Database,
  now: () => Date,
  revocations?: Pick<Revocations, 'areHeard' | 'listen'>,
): Authenticator {
  const memory = createMemory<Caller>({ rememberedMs, most: mostRemembered, now });
  const listeners = new Set<() => void>();
  const recall: typeof memory.recall = (key, lookUp) =>
    (revocations?.areHeard() ?? true) ? memory.recall(key, lookUp) : lookUp();

  function forget(): void {
    memory.forget();
    for (const listener of listeners) listener();
  }
  revocations?.listen(forget);

  /** Beside the request, and no more often than it is looked up. */
  function noteUse(caller: Caller | undefined): Caller | undefined {
    if (caller?.by.kind === 'api_key' && !isOver(caller) && !isUseNoted(caller, now())) {
      noteKeyUse(db, caller.by.id, now()).catch(() => {
        // It is noted the next time.
      });
    }
    return caller;
  }

  const isOver = ({ expires_at }: Caller) => expires_at !== null && expires_at <= now();

  async function find(header: string | undefined, sessionHash: string | undefined): Promise<Caller> {
    if (header === undefined && sessionHash !== undefined) {
      const caller = await recall(`session ${sessionHash}`, async () =>
        noteUse(await findSession(db, sessionHash, now())),
      );
      return caller ?? refuse('The session has ended: sign in again', 'Bearer');
    }
    const key = /^Bearer +([\x21-\x7e]+) *$/i.exec(header ?? '')?.[1];
    if (key === undefined) {
      return refuse('Send an API key in the header Authorization: Bearer <key>', 'Bearer');
    }
    const hash = hashApiKey(key);
    const caller = await recall(hash, async () => noteUse(await findCaller(db, hash)));
    return caller ?? refuse('The API key is not known, or it was revoked', 'Bearer error="invalid_token"');
  }

  return {
    async authenticate(header, sessionHash) {
      const caller = await withinDeadline(find(header, sessionHash), deadlineMs);
      if (isOver(caller)) {
        return refuse('The API key, or the session, has expired', 'Bearer error="invalid_token"');
      }
      return caller;
    },

    forget,

    onRevocation(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

function refuse(detail: string, challenge: string): never {
  throw new Problem({
    status: 401,
    code: 'unauthorized',
    detail,
    errors: [{ header: 'Authorization', detail: 'must hold a valid API key' }],
    headers: { 'WWW-Authenticate': challenge },
  });
}
