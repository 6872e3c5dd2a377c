import type { AccountId } from '../db/ids.ts';
import { type ExpressionFailure, expressionFailure, expressionPauseMs } from '../webhook/expressions.ts';
import type { ExpressionAnswer, ExpressionRequest, ExpressionRunner } from './expression-runner.ts';

/** Has accounts' expressions run, turn by turn, so that one's slow ones keep the others' waiting for one of them. */
export interface ExpressionTurns {
  /** Never rejects. What has not begun to run within `patienceMs` is not run. */
  run(account: AccountId, request: ExpressionRequest, patienceMs: number): Promise<ExpressionAnswer>;
}

interface Waiting {
  account: AccountId;
  request: ExpressionRequest;
  /** In ms of `performance.now()`. */
  until: number;
  resolve: (answer: ExpressionAnswer) => void;
}

/**
 * Sent ahead, so that the process need not wait for this one between them: but of an account's that are not known to be quick,
 * one at a time.
 */
const mostSent = 4;
const quickMs = 100;
const mostQuick = 10_000;
const mostWaiting = 10_000;
const mostPaused = 1_000;

export function createExpressionTurns(runner: Pick<ExpressionRunner, 'run'>): ExpressionTurns {
  const lines = new Map<AccountId, Waiting[]>();
  /** Until when which expression, or which account's, is not run again. */
  const paused = new Map<string, number>();
  /** The expression of an account that took too much last. */
  const lastOf = new Map<AccountId, string>();
  const quick = new Set<string>();
  /** The accounts of which one runs that is not known to be quick. */
  const atSlow = new Set<AccountId>();
  /** How much of the time accounts have had, in ms; and how much the one had whose turn was the last. */
  const used = new Map<AccountId, number>();
  let usedByLast = 0;
  let answeredAt = 0;
  let waiting = 0;
  let sent = 0;

  function runNext() {
    while (sent < mostSent) {
      const next = takeNext();
      if (next === undefined) return;
      if (next.until < performance.now()) next.resolve({ failure: expressionFailure('not_run_in_time') });
      else if (isHeldBack(next)) next.resolve({ failure: expressionFailure('paused') });
      else runOne(next);
    }
  }

  function runOne(one: Waiting) {
    const key = keyOf(one);
    const begunAt = performance.now();
    const isSlow = !quick.has(key);
    sent += 1;
    if (isSlow) atSlow.add(one.account);
    void runner.run(one.request).then((answer) => {
      sent -= 1;
      if (isSlow) atSlow.delete(one.account);
      // They run one after the other: what it waited for those before it is theirs.
      const ranMs = performance.now() - Math.max(begunAt, answeredAt);
      answeredAt = performance.now();
      used.set(one.account, usedBy(one.account) + ranMs);
      noteQuick(key, ranMs);
      if ('failure' in answer) pauseAfter(one, answer.failure);
      one.resolve(answer);
      runNext();
    });
  }

  function noteQuick(key: string, ms: number) {
    quick.delete(key);
    if (ms < quickMs) quick.add(key);
    const [oldest] = quick;
    if (quick.size > mostQuick && oldest !== undefined) quick.delete(oldest);
  }

  /** Of the account that has had the least of the time. */
  function takeNext(): Waiting | undefined {
    let first: { next: Waiting; had: number } | undefined;
    for (const [account, [next]] of lines) {
      if (next === undefined || (atSlow.has(account) && !quick.has(keyOf(next)))) continue;
      const had = usedBy(account);
      if (first === undefined || had < first.had) first = { next, had };
    }
    if (first === undefined) return undefined;
    const { account } = first.next;
    usedByLast = first.had;
    // Then it stands behind the others that have had as much.
    const line = lines.get(account) ?? [];
    lines.delete(account);
    line.shift();
    if (line.length > 0) lines.set(account, line);
    waiting -= 1;
    forgetUsed();
    return first.next;
  }

  /** One that asked for nothing meanwhile has saved up none. */
  function usedBy(account: AccountId): number {
    return Math.max(used.get(account) ?? 0, usedByLast);
  }

  function forgetUsed() {
    if (used.size <= mostPaused) return;
    for (const [account, ms] of used) if (ms <= usedByLast) used.delete(account);
  }

  function pauseAfter(one: Waiting, { code }: ExpressionFailure) {
    if (code !== 'too_long' && code !== 'too_much_memory') return;
    const key = keyOf(one);
    const last = lastOf.get(one.account);
    // One may be a mistake. With several, an account would take all the time there is.
    if (last !== undefined && last !== key && isPaused(last)) pause(one.account);
    lastOf.set(one.account, key);
    pause(key);
    forgetOld();
  }

  function pause(key: string) {
    paused.delete(key);
    paused.set(key, performance.now() + expressionPauseMs);
  }

  function forgetOld() {
    const now = performance.now();
    for (const [key, until] of paused) {
      if (until > now && paused.size <= mostPaused) break;
      paused.delete(key);
    }
    for (const [account, key] of lastOf) if (!paused.has(key)) lastOf.delete(account);
  }

  /** One that is only compiled may be mended by whoever wrote it. */
  function isHeldBack(one: Waiting): boolean {
    return isPaused(one.account) || (one.request.event !== undefined && isPaused(keyOf(one)));
  }

  function isPaused(key: string): boolean {
    return (paused.get(key) ?? 0) > performance.now();
  }

  return {
    run(account, request, patienceMs) {
      if (waiting >= mostWaiting) {
        return Promise.resolve({ failure: expressionFailure('not_run_in_time') });
      }
      return new Promise((resolve) => {
        const line = lines.get(account) ?? [];
        line.push({ account, request, until: performance.now() + patienceMs, resolve });
        lines.set(account, line);
        waiting += 1;
        runNext();
      });
    },
  };
}

function keyOf({ account, request }: Waiting): string {
  return `${account} ${request.expression}`;
}
