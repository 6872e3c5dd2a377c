import type { AccountId } from '../db/ids.ts';
import { type ExpressionFailure, expressionFailure, expressionPauseMs } from '../webhook/expressions.ts';
import type { ExpressionAnswer, ExpressionRequest, ExpressionRunner } from './expression-runner.ts';

/** Has accounts' expressions run, turn by turn, so that one's slow ones keep the others' waiting for few of them. */
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

/** Sent ahead, so that the process need not wait for this one between them: but of one that is not known to be quick, one at a time. */
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
  const running = new Set<string>();
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
    sent += 1;
    running.add(key);
    void runner.run(one.request).then((answer) => {
      sent -= 1;
      running.delete(key);
      noteQuick(key, performance.now() - begunAt);
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

  /** Of the account whose turn it is; then it stands behind the others. */
  function takeNext(): Waiting | undefined {
    for (const [account, line] of lines) {
      const [next] = line;
      if (next === undefined || (running.has(keyOf(next)) && !quick.has(keyOf(next)))) continue;
      lines.delete(account);
      line.shift();
      if (line.length > 0) lines.set(account, line);
      waiting -= 1;
      return next;
    }
    return undefined;
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
