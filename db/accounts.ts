import { isDeepStrictEqual } from 'node:util';
import { asc, desc, eq, lt, sql } from 'drizzle-orm';
import { actorOf, apiKeyRow, type Caller, generateApiKey } from './api-keys.ts';
import { appendAuditEntry, type NewAuditEntry } from './audit-log.ts';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, newId } from './ids.ts';
import { type Page, type PageRequest, toPage } from './paging.ts';
import { tellRevocation } from './revocations.ts';
import { type AccountLimits, accounts, apiKeys } from './schema.ts';

export interface Account {
  id: AccountId;
  name: string;
  inbox_message_limit: number;
  strict_event_types: boolean;
  retention_days: number | null;
  limits: AccountLimits;
  created_at: Date;
}

const shownColumns = {
  id: accounts.id,
  name: accounts.name,
  inbox_message_limit: accounts.inbox_message_limit,
  strict_event_types: accounts.strict_event_types,
  retention_days: accounts.retention_days,
  limits: accounts.limits,
  created_at: accounts.created_at,
};

/** What may be changed of an account. */
export interface AccountChange {
  name?: string | undefined;
  inbox_message_limit?: number | undefined;
  strict_event_types?: boolean | undefined;
  retention_days?: number | null | undefined;
  /** Those that are given; null takes one away. */
  limits?: { [Name in keyof AccountLimits]?: number | null | undefined } | undefined;
}

/** Any number, but the same in every process that starts on this database, and not the one of db/migrate.ts. */
const firstAccountLock = 7_166_042;

/**
 * Makes the first account and its admin key when there is none, once, however many processes start at the same time. The
 * key is the given one, or else a new one, which is returned only by the call that made it. A key given on a later start
 * works beside the earlier ones; one that was revoked stays revoked.
 */
export const ensureFirstAccount = query(
  (db: Database, options: { adminApiKey?: string }): Promise<{ account_id: AccountId; admin_key?: string }> =>
    db.transaction(async (tx) => {
      await tx.execute(sql`select pg_advisory_xact_lock(${firstAccountLock})`);
      const [first] = await tx
        .select({ id: accounts.id })
        .from(accounts)
        .orderBy(asc(accounts.created_at), asc(accounts.id))
        .limit(1);
      const accountId = first?.id ?? newId('acct');
      if (first === undefined) {
        const name = 'First account';
        await tx.insert(accounts).values({ id: accountId, name });
        await tellOfAccount(tx, accountId, undefined, { action: 'account.created', details: { name } });
      }

      const adminKey = options.adminApiKey ?? (first === undefined ? generateApiKey() : undefined);
      if (adminKey !== undefined) {
        const name = 'Admin key';
        const [made] = await tx
          .insert(apiKeys)
          .values(apiKeyRow(accountId, name, adminKey))
          .onConflictDoNothing({ target: apiKeys.hash })
          .returning({ id: apiKeys.id });
        if (made !== undefined) {
          await appendAuditEntry(tx, {
            ...{ account_id: accountId, actor: { kind: 'postrider' }, action: 'api_key.created' },
            ...{ subject_id: made.id, details: { name } },
          });
        }
      }
      return {
        account_id: accountId,
        ...(adminKey !== undefined && options.adminApiKey === undefined ? { admin_key: adminKey } : {}),
      };
    }),
);

/** Whose key asks; nobody's when Postrider itself does something. */
type By = Pick<Caller, 'account_id' | 'by'> | undefined;

/** Makes an account with its first key, which is nowhere else to be had afterwards. */
export const createAccount = query(
  (db: Database, name: string, by?: By): Promise<Account & { api_key: string }> =>
    db.transaction(async (tx) => {
      const [account] = await tx
        .insert(accounts)
        .values({ id: newId('acct'), name })
        .returning(shownColumns);
      if (account === undefined) throw new Error('the new account was not returned');
      const key = generateApiKey();
      await tx.insert(apiKeys).values(apiKeyRow(account.id, 'First key', key));
      await tellOfAccount(tx, account.id, by, { action: 'account.created', details: { name } });
      return { ...account, api_key: key };
    }),
);

/** Every account, newest first. */
export const listAccounts = query(async (db: Database, page: PageRequest<'acct'>): Promise<Page<Account>> => {
  const rows = await db
    .select(shownColumns)
    .from(accounts)
    .where(page.before === undefined ? undefined : lt(accounts.id, page.before))
    .orderBy(desc(accounts.id))
    .limit(page.limit + 1);
  return toPage(rows, page.limit);
});

/** Changes what is given of an account; undefined when there is no such account. */
export const updateAccount = query(
  (db: Database, id: AccountId, change: AccountChange, by?: By): Promise<Account | undefined> =>
    db.transaction(async (tx) => {
      const [current] = await tx.select(shownColumns).from(accounts).where(eq(accounts.id, id)).for('update');
      if (current === undefined) return undefined;
      const changed = (
        ['name', 'inbox_message_limit', 'strict_event_types', 'retention_days'] as const
      ).filter((field) => change[field] !== undefined && change[field] !== current[field]);
      const limits = changedLimits(current.limits, change.limits ?? {});
      const hasLimits = !isDeepStrictEqual(limits, current.limits);
      if (changed.length === 0 && !hasLimits) return current;
      const [row] = await tx
        .update(accounts)
        .set({ ...change, limits })
        .where(eq(accounts.id, id))
        .returning(shownColumns);
      // Callers are remembered with them.
      if (hasLimits) await tellRevocation(tx);
      await tellOfAccount(tx, id, by, {
        action: 'account.changed',
        details: { changed: [...changed, ...(hasLimits ? ['limits'] : [])] },
      });
      return row;
    }),
);

function changedLimits(current: AccountLimits, change: NonNullable<AccountChange['limits']>): AccountLimits {
  const given = Object.entries({ ...current, ...change }).filter(([, limit]) => typeof limit === 'number');
  return Object.fromEntries(given);
}

/** In the account's own log, and, when it was another's key, in that one's too. */
async function tellOfAccount(
  tx: Database,
  id: AccountId,
  by: By,
  entry: Pick<NewAuditEntry, 'action' | 'details'>,
): Promise<void> {
  const actor = by === undefined ? ({ kind: 'postrider' } as const) : actorOf(by);
  for (const account_id of new Set([id, by?.account_id ?? id])) {
    await appendAuditEntry(tx, { account_id, actor, subject_id: id, ...entry });
  }
}

/** Undefined when there is no such account. */
export const findAccount = query(async (db: Database, id: AccountId): Promise<Account | undefined> => {
  const [account] = await db.select(shownColumns).from(accounts).where(eq(accounts.id, id));
  return account;
});

/** An account's name; undefined when there is no such account. */
export const findAccountName = query(async (db: Database, id: AccountId): Promise<string | undefined> => {
  const [row] = await db.select({ name: accounts.name }).from(accounts).where(eq(accounts.id, id));
  return row?.name;
});
