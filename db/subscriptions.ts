import { sql } from 'drizzle-orm';
import { type Database, type RunOptions, selectRows } from './database.ts';
import type { LoadedWebhook } from './due-deliveries.ts';
import { type AccountId, idOf, uuidOf } from './ids.ts';
import type { EndpointState } from './schema.ts';
import { unnest } from './unnest.ts';

/** A webhook with what decides whether it gets an event, and what an attempt needs. */
export interface Subscription extends LoadedWebhook {
  events: string[];
  channels: string[] | null;
}

/** An account's webhooks, as they were when they were loaded. */
export interface AccountSubscriptions {
  account_id: AccountId;
  /** `accounts.webhooks_version` then: the database raises it with every change of what is remembered here. */
  version: number;
  webhooks: readonly Subscription[];
  /** Whether any of them has a filter. */
  has_filters: boolean;
}

/** Remembers accounts' webhooks from one group of events to the next. Whoever uses them compares their version. */
export interface SubscriptionMemory {
  /** In no order; accounts that do not exist are left out. */
  recall(
    db: Database,
    accounts: readonly AccountId[],
    options: RunOptions,
  ): Promise<readonly AccountSubscriptions[]>;
  /** What is remembered of these accounts now. */
  peek(accounts: readonly AccountId[]): readonly AccountSubscriptions[];
  forget(accounts: readonly AccountId[]): void;
}

const mostWebhooks = 20_000;

interface Remembered {
  subscriptions: AccountSubscriptions;
  /** Until a secret stops to sign, in ms of `performance.now()`. */
  until: number;
}

export function createSubscriptionMemory(): SubscriptionMemory {
  const remembered = new Map<AccountId, Remembered>();
  let webhookCount = 0;

  function forget(account: AccountId) {
    webhookCount -= remembered.get(account)?.subscriptions.webhooks.length ?? 0;
    remembered.delete(account);
  }

  function remember(one: Remembered) {
    const { account_id, webhooks } = one.subscriptions;
    forget(account_id);
    remembered.set(account_id, one);
    webhookCount += webhooks.length;
    for (const [oldest] of remembered) {
      if (webhookCount <= mostWebhooks) break;
      forget(oldest);
    }
  }

  function peek(accounts: readonly AccountId[]): AccountSubscriptions[] {
    const now = performance.now();
    return accounts.flatMap((account) => {
      const one = remembered.get(account);
      return one !== undefined && one.until > now ? one.subscriptions : [];
    });
  }

  return {
    peek,
    async recall(db, accounts, options) {
      const known = peek(accounts);
      if (known.length === accounts.length) return known;
      const found = new Set(known.map(({ account_id }) => account_id));
      const loaded = await loadSubscriptions(
        db,
        accounts.filter((account) => !found.has(account)),
        options,
      );
      for (const one of loaded) remember(one);
      return [...known, ...loaded.map(({ subscriptions }) => subscriptions)];
    },
    forget(accounts) {
      for (const account of accounts) forget(account);
    },
  };
}

type Row = Omit<Subscription, 'id' | 'is_deleted'> & {
  account_id: string;
  webhooks_version: number;
  endpoint_state: EndpointState;
  /** Null where the account has no webhook. */
  id: string | null;
  /** How long all its secrets sign, in ms; null when none has an end. */
  signs_for_ms: number | null;
};

async function loadSubscriptions(
  db: Database,
  accountIds: readonly AccountId[],
  options: RunOptions,
): Promise<Remembered[]> {
  const askedAt = performance.now();
  const rows = await selectRows<Row>(
    db,
    sql`select a.id as account_id, a.webhooks_version::float8 as webhooks_version, w.id, events, channels, profile,
          endpoint_state, url, retry_schedule, timeout_ms, headers_sealed, auth_sealed, tls_sealed, rate_limit, max_in_flight, ordering, on_failure,
          filter, transformation, s.secrets_sealed, s.signs_for_ms
        from ${unnest(accountIds, { wanted_account: ['uuid', uuidOf] })}
        join accounts a on a.id = wanted_account
        left join webhooks w on w.account_id = a.id and w.deleted_at is null
        left join lateral (
          select coalesce(array_agg(s.sealed order by s.expires_at is not null, s.id desc), '{}') as secrets_sealed,
            (extract(epoch from min(s.expires_at) - now()) * 1000)::float8 as signs_for_ms
          from webhook_secrets s
          where s.webhook_id = w.id and (s.expires_at is null or s.expires_at > now())
        ) s on true
        order by w.id`,
    { ...options, name: 'subscriptions' },
  );
  const byAccount = new Map<string, Remembered & { subscriptions: { webhooks: Subscription[] } }>();
  for (const { account_id, webhooks_version, id, signs_for_ms, ...row } of rows) {
    const account = byAccount.get(account_id) ?? {
      subscriptions: {
        ...{ account_id: idOf('acct', account_id), version: webhooks_version, webhooks: [] },
        has_filters: false,
      },
      until: Number.POSITIVE_INFINITY,
    };
    byAccount.set(account_id, account);
    if (id === null) continue;
    account.subscriptions.webhooks.push({ ...row, id: idOf('wh', id), is_deleted: false });
    account.subscriptions.has_filters ||= row.filter !== null;
    account.until = Math.min(account.until, askedAt + (signs_for_ms ?? Number.POSITIVE_INFINITY));
  }
  return [...byAccount.values()];
}
