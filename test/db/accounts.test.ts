import { eq } from 'drizzle-orm';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createAccount, ensureFirstAccount, listAccounts } from '../../db/accounts.ts';
import {
  type Caller,
  callerColumns,
  createApiKey,
  findCaller,
  generateApiKey,
  hashApiKey,
  listApiKeys,
  revokeApiKey,
} from '../../db/api-keys.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { accounts, apiKeys } from '../../db/schema.ts';
import { openTestDatabase } from '../setup/database.ts';
import { readBy } from '../setup/plan.ts';

let database: OpenDatabase;
const actor = { kind: 'postrider' } as const;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database.close());

const callerBy = (key: string | undefined) => findCaller(database.db, hashApiKey(key ?? ''));

const keyOf = (caller: Caller | undefined) => (caller?.by.kind === 'api_key' ? caller.by.id : undefined);

describe('ensureFirstAccount', () => {
  test('makes the account and a key once, and shows the key only then', async () => {
    const first = await ensureFirstAccount(database.db, {});
    expect(first.admin_key).toMatch(/^pk_[a-z2-7]{32}$/);
    expect(await callerBy(first.admin_key)).toMatchObject({
      account_id: first.account_id,
      is_first_account: true,
    });
    expect(await ensureFirstAccount(database.db, {})).toEqual({ account_id: first.account_id });
    expect(await database.db.$count(apiKeys)).toBe(1);
  });

  test('takes a given key, and another one on a later start beside it', async () => {
    const { account_id, ...rest } = await ensureFirstAccount(database.db, { adminApiKey: 'given-1' });
    expect(rest).toEqual({});
    await ensureFirstAccount(database.db, { adminApiKey: 'given-2' });
    await ensureFirstAccount(database.db, { adminApiKey: 'given-2' });
    for (const key of ['given-1', 'given-2']) expect(await callerBy(key)).toMatchObject({ account_id });
    expect(await database.db.$count(apiKeys)).toBe(2);
  });

  test('makes one account when many start at once, and tells one of them the key', async () => {
    const results = await Promise.all(Array.from({ length: 8 }, () => ensureFirstAccount(database.db, {})));
    expect(new Set(results.map(({ account_id }) => account_id)).size).toBe(1);
    expect(results.filter(({ admin_key }) => admin_key !== undefined)).toHaveLength(1);
    expect(await database.db.$count(accounts)).toBe(1);
  });

  test('does not bring a revoked key back', async () => {
    const { account_id } = await ensureFirstAccount(database.db, { adminApiKey: 'given-1' });
    const made = await createApiKey(database.db, account_id, 'second', actor);
    const given = await callerBy('given-1');
    await revokeApiKey(database.db, account_id, keyOf(given) ?? made.id, { actor, now: new Date() });
    await ensureFirstAccount(database.db, { adminApiKey: 'given-1' });
    expect(await callerBy('given-1')).toBeUndefined();
  });
});

describe('accounts and keys', () => {
  test('an account that was made later is not the first, and has its own key', async () => {
    const { account_id } = await ensureFirstAccount(database.db, {});
    const other = await createAccount(database.db, 'Other');
    const caller = await callerBy(other.api_key);
    expect(caller).toMatchObject({ account_id: other.id, is_first_account: false });
    const page = await listAccounts(database.db, { limit: 10 });
    expect(page.data.map(({ id }) => id)).toEqual([other.id, account_id]);
  });

  test('revoking is for the account’s own keys, keeps the last, and may be repeated', async () => {
    const mine = await createAccount(database.db, 'Mine');
    const other = await createAccount(database.db, 'Other');
    const second = await createApiKey(database.db, mine.id, 'second', actor);
    const now = new Date();
    expect(await revokeApiKey(database.db, other.id, second.id, { actor, now })).toBe('not_found');
    expect(await callerBy(second.key)).toBeDefined();
    expect(await revokeApiKey(database.db, mine.id, second.id, { actor, now })).toBe('revoked');
    expect(await revokeApiKey(database.db, mine.id, second.id, { actor, now: new Date(0) })).toBe('revoked');
    expect(await callerBy(second.key)).toBeUndefined();
    const { data } = await listApiKeys(database.db, mine.id, { limit: 10 });
    expect(data.map(({ name, revoked_at }) => [name, revoked_at])).toEqual([
      ['second', now],
      ['First key', null],
    ]);
    const last = data[1];
    expect(await revokeApiKey(database.db, mine.id, last?.id ?? second.id, { actor, now })).toBe('last_key');
  });

  test('two keys that revoke each other at once leave one', async () => {
    const account = await createAccount(database.db, 'Mine');
    const second = await createApiKey(database.db, account.id, 'second', actor);
    const first = await callerBy(account.api_key);
    const outcomes = await Promise.all(
      [second.id, keyOf(first) ?? second.id].map((id) =>
        revokeApiKey(database.db, account.id, id, { actor, now: new Date() }),
      ),
    );
    expect(outcomes.sort()).toEqual(['last_key', 'revoked']);
  });

  test('keys are 32 random characters', () => {
    const keys = Array.from({ length: 1_000 }, generateApiKey);
    expect(new Set(keys).size).toBe(1_000);
    expect(new Set(keys.flatMap((key) => [...key.slice(3)])).size).toBe(32);
  });
});

test('who calls is found without a look at all the accounts there are', async () => {
  const { admin_key = '' } = await ensureFirstAccount(database.db, {});
  for (let number = 0; number < 30; number += 1) await createAccount(database.db, `Account ${number}`);
  const statement = database.db
    .select(callerColumns)
    .from(apiKeys)
    .where(eq(apiKeys.hash, hashApiKey(admin_key)))
    .getSQL();
  // The first of all, and the caller's own.
  expect((await readBy(database.db, statement, /^accounts$/)).rows).toBe(2);
});
