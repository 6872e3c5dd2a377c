import { and, desc, eq, gt, inArray, isNull, lte, type SQL } from 'drizzle-orm';
import { type Caller, callerColumns, callerOfKey } from './api-keys.ts';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import { tellRevocation } from './revocations.ts';
import { accounts, apiKeys, portalLinks, type Scope, sessions } from './schema.ts';

/** How long a browser stays signed in, in ms, unless what it signed in with ends earlier. */
export const sessionMs = 86_400_000;
/** Of one API key or one portal link; the oldest end first. */
const mostSessions = 100;
/** Ended sessions that are deleted whenever one begins. */
const mostDeleted = 1_000;

const portalScopes: readonly Scope[] = ['events:write', 'webhooks:read', 'webhooks:write'];
const readOnlyScopes: readonly Scope[] = ['webhooks:read'];

/** What a browser signs in with: SHA-256 in hex of an API key, or of a portal link's token. */
export type Proof = { api_key_hash: string } | { portal_hash: string };

/**
 * Stores a session under its token's hash, in place of the one that the browser had; undefined when what it signs in with is
 * not known, was revoked, or has expired.
 */
export const openSession = query(
  (
    db: Database,
    proof: Proof,
    { hash, replaces, now }: { hash: string; replaces?: string | undefined; now: Date },
  ): Promise<Caller | undefined> =>
    db.transaction(async (tx) => {
      const caller =
        'api_key_hash' in proof
          ? await findByKey(tx, eq(apiKeys.hash, proof.api_key_hash))
          : await findByLink(tx, eq(portalLinks.hash, proof.portal_hash));
      if (caller === undefined || isOver(caller.expires_at, now)) return undefined;
      const latest = new Date(now.getTime() + sessionMs);
      const expires_at =
        caller.expires_at !== null && caller.expires_at < latest ? caller.expires_at : latest;
      if (replaces !== undefined) await end(tx, replaces);
      const { by } = caller;
      await tx.insert(sessions).values({
        ...{ hash, created_at: now, expires_at },
        ...(by.kind === 'api_key' ? { api_key_id: by.id } : { portal_link_id: by.id }),
      });
      await deleteSuperfluous(
        tx,
        by.kind === 'api_key' ? eq(sessions.api_key_id, by.id) : eq(sessions.portal_link_id, by.id),
        now,
      );
      return { ...caller, expires_at };
    }),
);

/** Who is signed in under a token's hash, as long as what they signed in with holds; undefined for nobody. */
export const findSession = query(
  async (db: Database, hash: string, now: Date): Promise<Caller | undefined> => {
    const [session] = await db
      .select()
      .from(sessions)
      .where(and(eq(sessions.hash, hash), gt(sessions.expires_at, now)));
    if (session === undefined) return undefined;
    const { api_key_id, portal_link_id, expires_at } = session;
    const caller =
      api_key_id !== null
        ? await findByKey(db, eq(apiKeys.id, api_key_id))
        : portal_link_id !== null
          ? await findByLink(db, eq(portalLinks.id, portal_link_id))
          : undefined;
    return caller && { ...caller, expires_at };
  },
);

/** Ends a session at once, and tells every process. */
export const closeSession = query(
  (db: Database, hash: string): Promise<void> => db.transaction((tx) => end(tx, hash)),
);

async function end(tx: Database, hash: string): Promise<void> {
  const ended = await tx.delete(sessions).where(eq(sessions.hash, hash)).returning({ hash: sessions.hash });
  if (ended.length > 0) await tellRevocation(tx);
}

async function findByKey(db: Database, condition: SQL): Promise<Caller | undefined> {
  const [row] = await db
    .select(callerColumns)
    .from(apiKeys)
    .where(and(condition, isNull(apiKeys.revoked_at)));
  return row && callerOfKey(row);
}

/** A link holds as long as the key that made it. */
async function findByLink(db: Database, condition: SQL): Promise<Caller | undefined> {
  const [link] = await db
    .select({
      id: portalLinks.id,
      account_id: portalLinks.account_id,
      read_only: portalLinks.read_only,
      expires_at: portalLinks.expires_at,
      key_expires_at: apiKeys.expires_at,
      limits: accounts.limits,
    })
    .from(portalLinks)
    .innerJoin(apiKeys, eq(apiKeys.id, portalLinks.api_key_id))
    .innerJoin(accounts, eq(accounts.id, portalLinks.account_id))
    .where(and(condition, isNull(portalLinks.revoked_at), isNull(apiKeys.revoked_at)));
  if (link === undefined) return undefined;
  const { id, account_id, read_only, key_expires_at, limits } = link;
  const expires_at =
    key_expires_at !== null && key_expires_at < link.expires_at ? key_expires_at : link.expires_at;
  return {
    account_id,
    by: { kind: 'portal_link', id, read_only },
    // Whatever account it opens: it manages no others.
    is_first_account: false,
    scopes: read_only ? readOnlyScopes : portalScopes,
    limits,
    expires_at,
    last_used_at: null,
  };
}

async function deleteSuperfluous(tx: Database, ofTheSame: SQL, now: Date): Promise<void> {
  const ended = tx
    .select({ hash: sessions.hash })
    .from(sessions)
    .where(lte(sessions.expires_at, now))
    .limit(mostDeleted);
  await tx.delete(sessions).where(inArray(sessions.hash, ended));
  const tooMany = tx
    .select({ hash: sessions.hash })
    .from(sessions)
    .where(ofTheSame)
    .orderBy(desc(sessions.created_at), desc(sessions.hash))
    .offset(mostSessions);
  await tx.delete(sessions).where(inArray(sessions.hash, tooMany));
}

function isOver(expiresAt: Date | null, now: Date): boolean {
  return expiresAt !== null && expiresAt <= now;
}
