import { asc, desc, eq, lt, sql } from 'drizzle-orm';
import { apiKeyRow, generateApiKey } from './api-keys.ts';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, newId } from './ids.ts';
import { type Page, type PageRequest, toPage } from './paging.ts';
import { accounts, apiKeys } from './schema.ts';

export interface Account {
  id: AccountId;
  name: string;
  inbox_message_limit: number;
  strict_event_types: boolean;
  created_at: Date;
}

/** What may be changed of an account. */
export interface AccountChange {
  name?: string | undefined;
  inbox_message_limit?: number | undefined;
  strict_event_types?: boolean | undefined;
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
      if (first === undefined) await tx.insert(accounts).values({ id: accountId, name: 'First account' });

      const adminKey = options.adminApiKey ?? (first === undefined ? generateApiKey() : undefined);
      if (adminKey !== undefined) {
        await tx
          .insert(apiKeys)
          .values(apiKeyRow(accountId, 'Admin key', adminKey))
          .onConflictDoNothing({ target: apiKeys.hash });
      }
      return {
        account_id: accountId,
        ...(adminKey !== undefined && options.adminApiKey === undefined ? { admin_key: adminKey } : {}),
      };
    }),
);

/** Makes an account with its first key, which is nowhere else to be had afterwards. */
export const createAccount = query(
  (db: Database, name: string): Promise<Account & { api_key: string }> =>
    db.transaction(async (tx) => {
      const [account] = await tx
        .insert(accounts)
        .values({ id: newId('acct'), name })
        .returning();
      if (account === undefined) throw new Error('the new account was not returned');
      const key = generateApiKey();
      await tx.insert(apiKeys).values(apiKeyRow(account.id, 'First key', key));
      return { ...account, api_key: key };
    }),
);

/** Every account, newest first. */
export const listAccounts = query(async (db: Database, page: PageRequest<'acct'>): Promise<Page<Account>> => {
  const rows = await db
    .select()
    .from(accounts)
    .where(page.before === undefined ? undefined : lt(accounts.id, page.before))
    .orderBy(desc(accounts.id))
    .limit(page.limit + 1);
  return toPage(rows, page.limit);
});

/** Changes what is given of an account; undefined when there is no such account. */
export const updateAccount = query(
  async (db: Database, id: AccountId, change: AccountChange): Promise<Account | undefined> => {
    const [row] = await db
      .update(accounts)
      // Something has to be set, also when nothing is to be changed.
      .set({ ...change, name: change.name ?? sql`${accounts.name}` })
      .where(eq(accounts.id, id))
      .returning();
    return row;
  },
);
