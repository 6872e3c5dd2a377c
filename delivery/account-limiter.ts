import { takeUsage, type UsageKind } from '../db/account-usage.ts';
import type { Database } from '../db/database.ts';
import { DatabaseUnavailable } from '../db/errors.ts';
import type { AccountId } from '../db/ids.ts';

/** How an account stands with one of its limits. */
export interface Allowance {
  isGiven: boolean;
  limit: number;
  /** What this process may still give, and what nobody has been given, as far as it knows. */
  left: number;
  /** Until the window ends, in ms. */
  endsInMs: number;
}

/** Keeps, with all other processes, how much accounts may do in a window of time. */
export interface AccountLimiter {
  /** So much of it, all or nothing; undefined while the database is away, when nothing is counted. */
  take(account: AccountId, kind: UsageKind, limit: number, wanted: number): Promise<Allowance | undefined>;
}

/** What is taken from the database at once: little enough that what other processes lack of it does not matter. */
const parts = { requests: 10, events: 1_000 } satisfies Record<UsageKind, number>;
const mostAccounts = 10_000;
/** By so much may two answers differ, in ms, about when the same window ends. */
const sameWindowMs = 500;

interface Window {
  limit: number;
  /** Taken from the database, and not given yet. */
  inHand: number;
  left: number;
  endsAt: number;
  asking: Promise<void> | undefined;
}

/**
 * A limiter that takes from the database by the tenth of a second's, or the thousandth of a day's: so a request waits for it at most
 * so many times a window, and never while the window is known to be used up.
 */
export function createAccountLimiter(db: Database): AccountLimiter {
  let windows = new Map<string, Window>();

  function windowOf(name: string, limit: number): Window {
    const known = windows.get(name);
    if (
      known !== undefined &&
      known.limit === limit &&
      (performance.now() < known.endsAt || known.asking !== undefined)
    )
      return known;
    if (windows.size >= mostAccounts) windows = new Map();
    // Unknown: the database is asked. A window that has ended takes what was in hand with it.
    const fresh = { limit, inHand: 0, left: limit, endsAt: Infinity, asking: undefined };
    windows.set(name, fresh);
    return fresh;
  }

  async function ask(window: Window, account: AccountId, kind: UsageKind, needed: number): Promise<void> {
    const { limit } = window;
    const wanted = Math.max(needed, Math.floor(limit / parts[kind]));
    const { granted, left, endsInMs } = await takeUsage(db, { account, kind, limit, wanted, needed });
    const endsAt = performance.now() + endsInMs;
    // What was in hand may be of the window before.
    if (window.endsAt !== Infinity && endsAt > window.endsAt + sameWindowMs) window.inHand = 0;
    window.inHand += granted;
    window.left = left;
    window.endsAt = endsAt;
  }

  return {
    async take(account, kind, limit, wanted) {
      const name = `${kind} ${account}`;
      try {
        for (;;) {
          const window = windowOf(name, limit);
          const answer = (isGiven: boolean): Allowance => ({
            ...{ isGiven, limit, left: window.inHand + window.left },
            endsInMs: Math.max(0, window.endsAt - performance.now()),
          });
          if (window.endsAt !== Infinity && performance.now() < window.endsAt) {
            if (window.inHand >= wanted) {
              window.inHand -= wanted;
              return answer(true);
            }
            if (window.inHand + window.left < wanted) return answer(false);
          }
          window.asking ??= ask(window, account, kind, wanted - window.inHand).finally(() => {
            window.asking = undefined;
          });
          await window.asking;
        }
      } catch (error) {
        if (error instanceof DatabaseUnavailable) return undefined;
        throw error;
      }
    },
  };
}
