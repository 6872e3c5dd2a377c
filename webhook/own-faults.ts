import type { FailureReason } from './failure-reasons.ts';

/** What kept an attempt from being made is on our side, and passes: the receiver had no chance to answer. */
export const ownFaults: readonly FailureReason[] = ['proxy', 'expressions_busy'];

/** Whether an attempt failed by such a fault. */
export function isOwnFault(reason: FailureReason): boolean {
  return ownFaults.includes(reason);
}

/** So often is a delivery attempted again without using up its schedule: for about a day. */
const mostAttempts = 100;
const firstMs = 10_000;
const longestMs = 15 * 60_000;
/** Lengthened by up to this share, so that not all that waited comes back at one moment. */
const jitter = 0.2;

/**
 * How long to wait after an attempt that failed by such a fault, in whole ms: it uses up no step of the retry schedule. Null when
 * it does, since the fault was another one, or has lasted for too long. `attemptsBeside`: those that the delivery has had beside its
 * schedule.
 */
export function delayAfterOwnFault(
  reason: FailureReason,
  attemptsBeside: number,
  { random, scale }: { readonly random: () => number; readonly scale: number },
): number | null {
  if (!isOwnFault(reason) || attemptsBeside >= mostAttempts) return null;
  // 2 ** 7 is beyond the longest.
  const ms = Math.min(longestMs, firstMs * 2 ** Math.min(attemptsBeside, 7));
  return Math.round(ms * (1 + jitter * random()) * scale);
}
