import { retryAfterMs } from './errors.ts';

/** How a request that may be repeated is repeated. */
export interface RetryOptions {
  /** In all, the first included. */
  readonly tries: number;
  /** The longest wait before the second try, in ms; before each further one it is twice as long. */
  readonly firstWaitMs: number;
  /** No wait is longer, in ms: an answer that asks for a longer one is handed to the caller. */
  readonly mostWaitMs: number;
  /** How long one try may take until its answer has begun, in ms. */
  readonly timeoutMs: number;
}

export const usualRetries: RetryOptions = {
  tries: 5,
  firstWaitMs: 250,
  mostWaitMs: 30_000,
  timeoutMs: 30_000,
};

export interface RetryingFetchOptions extends RetryOptions {
  readonly fetch: (request: Request) => Promise<Response>;
  /** Resolves after so many ms, or rejects when the signal is aborted. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** From 0 to 1. */
  readonly random: () => number;
}

/** The server has not begun what it was asked, whatever that is. */
const refusedBeforehand: ReadonlySet<number> = new Set([429]);
/** It may have done it, or be away for a moment. */
const passing: ReadonlySet<number> = new Set([502, 503, 504]);

/**
 * A `fetch` that tries again when nothing was answered, or 429, 502, 503 or 504, and waits for as long as `Retry-After` says,
 * or else for a random part of a time that doubles. A request that is not safe to repeat (`isRepeatable`) is tried again
 * after a 429 alone. After the last try its answer, or its error, is the caller's.
 */
export function createRetryingFetch(options: RetryingFetchOptions): (request: Request) => Promise<Response> {
  return async (request) => {
    const repeatable = isRepeatable(request);
    for (let tried = 1; ; tried += 1) {
      const isLast = tried >= options.tries;
      const outcome = await tryOnce(options, isLast ? request : request.clone());
      const isOver = isLast || request.signal.aborted;
      if (outcome instanceof Response) {
        const { status, headers } = outcome;
        const wantsAgain = refusedBeforehand.has(status) || (repeatable && passing.has(status));
        const asked = retryAfterMs(headers.get('retry-after'), Date.now());
        if (isOver || !wantsAgain || (asked ?? 0) > options.mostWaitMs) return outcome;
        await outcome.body?.cancel();
        await options.sleep(asked ?? backoffMs(options, tried), request.signal);
        continue;
      }
      if (isOver || !repeatable) throw outcome.error;
      await options.sleep(backoffMs(options, tried), request.signal);
    }
  };
}

/**
 * Whether it does no harm to send it again when nobody knows what became of the first: GET, HEAD, PUT and DELETE, by what they
 * mean, and a POST with an `Idempotency-Key`.
 */
export function isRepeatable({ method, headers }: Pick<Request, 'method' | 'headers'>): boolean {
  return /^(GET|HEAD|PUT|DELETE)$/.test(method) || headers.has('idempotency-key');
}

async function tryOnce(
  { fetch, timeoutMs }: RetryingFetchOptions,
  request: Request,
): Promise<Response | { error: unknown }> {
  const late = new AbortController();
  const timer = setTimeout(
    () => late.abort(new DOMException('no answer in time', 'TimeoutError')),
    timeoutMs,
  );
  try {
    const signal = AbortSignal.any([request.signal, late.signal]);
    return await fetch(new Request(request, { signal }));
  } catch (error) {
    return { error };
  } finally {
    clearTimeout(timer);
  }
}

/** Random from nothing on, so that many clients that failed together do not come back together. */
function backoffMs({ firstWaitMs, mostWaitMs, random }: RetryingFetchOptions, tried: number): number {
  return Math.min(mostWaitMs, firstWaitMs * 2 ** (tried - 1)) * random();
}
