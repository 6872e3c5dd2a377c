import { createHash, randomBytes } from 'node:crypto';
import { and, desc, eq, isNull, lt, or, sql } from 'drizzle-orm';
import { type Actor, appendAuditEntry, type Change } from './audit-log.ts';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, type ApiKeyId, newId, type PortalLinkId } from './ids.ts';
import { type Page, type PageRequest, toPage } from './paging.ts';
import { tellRevocation } from './revocations.ts';
import { type AccountLimits, accounts, apiKeys, type Scope, scopes } from './schema.ts';

/** An API key as it may be shown: never the key itself. */
export interface ApiKey {
  id: ApiKeyId;
  name: string;
  /** The key's last four characters. */
  hint: string;
  scopes: Scope[];
  created_at: Date;
  /** Null for never. */
  expires_at: Date | null;
  /** To within a minute or so; null when it was not used since that is noted. */
  last_used_at: Date | null;
  revoked_at: Date | null;
}

/** What a new key is good for; if absent, for everything, for ever. */
export interface ApiKeyOptions {
  scopes?: readonly Scope[] | undefined;
  expires_at?: Date | null | undefined;
}

/** Who a request comes from: whoever has an API key, or came by a portal link. */
export interface Caller {
  account_id: AccountId;
  by: CallersProof;
  /** It is a key of the first account, which may manage the others. */
  is_first_account: boolean;
  scopes: readonly Scope[];
  /** Of its account. */
  limits: AccountLimits;
  /** From then on it is nobody; null for never. */
  expires_at: Date | null;
  /** When it was noted last that its key is used; null when it was not yet, and of a portal link. */
  last_used_at: Date | null;
}

export type CallersProof =
  | { kind: 'api_key'; id: ApiKeyId }
  | { kind: 'portal_link'; id: PortalLinkId; read_only: boolean };

/** A caller, as the audit log names them. */
export function actorOf({ by }: Pick<Caller, 'by'>): Actor {
  return by.kind === 'api_key' ? by : { kind: by.kind, id: by.id };
}

const shownColumns = {
  id: apiKeys.id,
  name: apiKeys.name,
  hint: apiKeys.hint,
  scopes: apiKeys.scopes,
  created_at: apiKeys.created_at,
  expires_at: apiKeys.expires_at,
  last_used_at: apiKeys.last_used_at,
  revoked_at: apiKeys.revoked_at,
};

/** What `callerOfKey` needs of a key that was not revoked. */
export const callerColumns = {
  account_id: apiKeys.account_id,
  api_key_id: apiKeys.id,
  scopes: apiKeys.scopes,
  expires_at: apiKeys.expires_at,
  last_used_at: apiKeys.last_used_at,
  limits: sql<AccountLimits>`(select ${accounts.limits} from ${accounts} where ${accounts.id} = ${apiKeys.account_id})`,
  is_first_account: sql<boolean>`${apiKeys.account_id} = (select ${accounts.id} from ${accounts}
    order by ${accounts.created_at}, ${accounts.id} limit 1)`,
};

export function callerOfKey({
  account_id,
  api_key_id,
  scopes: ofKey,
  ...rest
}: {
  account_id: AccountId;
  api_key_id: ApiKeyId;
  scopes: readonly Scope[];
  limits: AccountLimits;
  is_first_account: boolean;
  expires_at: Date | null;
  last_used_at: Date | null;
}): Caller {
  const by = { kind: 'api_key' as const, id: api_key_id };
  return { account_id, by, scopes: ofKey.includes('admin') ? scopes : ofKey, ...rest };
}

const base32 = 'abcdefghijklmnopqrstuvwxyz234567';

/** A new key: `pk_` and 32 random base32 characters (160 bits). */
export function generateApiKey(): string {
  return `pk_${Array.from(randomBytes(32), (byte) => base32[byte % 32]).join('')}`;
}

/** What a key, and any token, is stored and found by: its SHA-256 in hex. They are random, so no salt is needed. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex');
}

/** The row that a key is stored as. */
export function apiKeyRow(
  accountId: AccountId,
  name: string,
  key: string,
  { scopes: wanted = scopes, expires_at = null }: ApiKeyOptions = {},
) {
  const shown = { name, hint: key.slice(-4), scopes: [...wanted], expires_at };
  return { id: newId('key'), account_id: accountId, hash: hashApiKey(key), ...shown };
}

/** Makes a key of an account; `key` is nowhere else to be had afterwards. */
export const createApiKey = query(
  (
    db: Database,
    accountId: AccountId,
    name: string,
    actor: Actor,
    options: ApiKeyOptions = {},
  ): Promise<ApiKey & { key: string }> =>
    db.transaction(async (tx) => {
      const key = generateApiKey();
      const [row] = await tx
        .insert(apiKeys)
        .values(apiKeyRow(accountId, name, key, options))
        .returning(shownColumns);
      if (row === undefined) throw new Error('the new API key was not returned');
      await appendAuditEntry(tx, {
        ...{ account_id: accountId, actor, action: 'api_key.created', subject_id: row.id },
        details: { name, scopes: row.scopes, expires_at: row.expires_at },
      });
      return { ...row, key };
    }),
);

/** Whether it was noted within the last minute that the caller's key is used. */
export function isUseNoted({ last_used_at }: Pick<Caller, 'last_used_at'>, now: Date): boolean {
  return last_used_at !== null && last_used_at >= minuteBefore(now);
}

const minuteBefore = (now: Date) => new Date(now.getTime() - 60_000);

/** Notes that a key was used, unless that was noted within the last minute. */
export const noteKeyUse = query(async (db: Database, id: ApiKeyId, now: Date): Promise<void> => {
  const minuteAgo = minuteBefore(now);
  await db
    .update(apiKeys)
    .set({ last_used_at: now })
    .where(and(eq(apiKeys.id, id), or(isNull(apiKeys.last_used_at), lt(apiKeys.last_used_at, minuteAgo))));
});

/** Who a key belongs to, by its hash; undefined when there is no such key or it is revoked. It may have expired. */
export const findCaller = query(async (db: Database, hash: string): Promise<Caller | undefined> => {
  const [row] = await db
    .select(callerColumns)
    .from(apiKeys)
    .where(and(eq(apiKeys.hash, hash), isNull(apiKeys.revoked_at)));
  return row && callerOfKey(row);
});

/** An account's keys, revoked ones included, newest first. */
export const listApiKeys = query(
  async (db: Database, accountId: AccountId, page: PageRequest<'key'>): Promise<Page<ApiKey>> => {
    const rows = await db
      .select(shownColumns)
      .from(apiKeys)
      .where(
        and(
          eq(apiKeys.account_id, accountId),
          page.before === undefined ? undefined : lt(apiKeys.id, page.before),
        ),
      )
      .orderBy(desc(apiKeys.id))
      .limit(page.limit + 1);
    return toPage(rows, page.limit);
  },
);

/**
 * Revokes a key at once, and tells every process. An account's last key that is good for everything, for ever, stays, since without one nobody could make
 * another: `last_key`. Revoking twice is revoking once.
 */
export const revokeApiKey = query(
  (
    db: Database,
    accountId: AccountId,
    id: ApiKeyId,
    { actor, now }: Change,
  ): Promise<'revoked' | 'not_found' | 'last_key'> =>
    db.transaction(async (tx) => {
      // Locked, so that two calls cannot each leave the other's key as the last.
      const keys = await tx
        .select(shownColumns)
        .from(apiKeys)
        .where(eq(apiKeys.account_id, accountId))
        .orderBy(apiKeys.id)
        .for('update');
      const key = keys.find((one) => one.id === id);
      if (key === undefined) return 'not_found';
      if (key.revoked_at !== null) return 'revoked';
      if (isMaster(key) && !keys.some((one) => one.id !== id && isMaster(one))) return 'last_key';
      await tx.update(apiKeys).set({ revoked_at: now }).where(eq(apiKeys.id, id));
      await tellRevocation(tx);
      await appendAuditEntry(tx, {
        ...{ account_id: accountId, actor, action: 'api_key.revoked', subject_id: id },
        details: { name: key.name },
      });
      return 'revoked';
    }),
);

/** Whether further keys can be made with it at any time. */
function isMaster({ scopes, expires_at, revoked_at }: ApiKey): boolean {
  return scopes.includes('admin') && expires_at === null && revoked_at === null;
}
