import type { Answer } from './answer.ts';
import { describeFailure, type FailureReason } from './failure-reasons.ts';
import type { Profile } from './profile.ts';
import { retryAfterOf } from './retry-after.ts';

/** What an attempt's answer means for its delivery and its endpoint. */
export type Verdict =
  | { readonly outcome: 'succeeded' }
  | {
      readonly outcome: 'failed';
      readonly reason: FailureReason;
      /** In words, for people who read the attempt. */
      readonly detail: string;
      /** Whether the rest of the retry schedule is worth its while. */
      readonly retryable: boolean;
      /** Whether the endpoint is disabled at once, whatever its health policy counts. */
      readonly disablesEndpoint: boolean;
      /** How long the receiver asks the sender to wait, in ms; null when it does not ask. */
      readonly retryAfterMs: number | null;
    };

const GONE = 410;

/** Reasons that no further attempt can change. */
const FINAL_REASONS: readonly FailureReason[] = ['unsendable'];

/**
 * Judges an answer. For every profile 2xx succeeds, a redirect is a failure like others and not followed, and 410
 * disables the endpoint at once and is not retried. All else is retried but what the profile names in `neverRetried`.
 */
export function judge(
  profile: Pick<Profile, 'neverRetried'>,
  answer: Answer,
  /** In ms since 1970: what a date in Retry-After is counted from. */
  { now }: { readonly now: number },
): Verdict {
  if (answer.kind === 'failed') {
    return failed(answer.reason, answer.detail, { retryable: !FINAL_REASONS.includes(answer.reason) });
  }
  const { status } = answer;
  if (status >= 200 && status <= 299) return { outcome: 'succeeded' };
  if (status === GONE) {
    return failed('gone', describeFailure('gone', { status }), { retryable: false, disablesEndpoint: true });
  }
  const reason = status >= 300 && status <= 399 ? 'redirect' : 'http_status';
  const words = describeFailure(reason, { status });
  const never = profile.neverRetried[status];
  return never === undefined
    ? failed(reason, words, { retryable: true, retryAfterMs: retryAfterOf(answer, now) })
    : failed(reason, `${words}: ${never}`, { retryable: false });
}

function failed(
  reason: FailureReason,
  detail: string,
  consequences: { retryable: boolean; disablesEndpoint?: boolean; retryAfterMs?: number | null },
): Verdict {
  return { outcome: 'failed', reason, detail, disablesEndpoint: false, retryAfterMs: null, ...consequences };
}
