import { describeFailure, type FailureReason } from './failure-reasons.ts';

/** The receiver's answer, as far as it came: the status line and the headers did. */
export interface Answered {
  readonly kind: 'answered';
  readonly status: number;
  /** Names in lower case; the values of a repeated header are joined by `, `. */
  readonly headers: Readonly<Record<string, string>>;
  /** Lossy UTF-8 without NUL. */
  readonly body: string;
  /** More was sent, or was still to come when the time was up or the connection broke. */
  readonly bodyTruncated: boolean;
  readonly durationMs: number;
}

/** No answer came. */
export interface NotAnswered {
  readonly kind: 'failed';
  readonly reason: FailureReason;
  /** In words, without secrets and without the URL. */
  readonly detail: string;
  readonly durationMs: number;
}

/** What came back from one POST. */
export type Answer = Answered | NotAnswered;

/** What stands in place of an answer where nothing was sent; `detail` is in words, without secrets. */
export function nothingSent(reason: FailureReason, detail = describeFailure(reason)): NotAnswered {
  return { kind: 'failed', reason, detail, durationMs: 0 };
}
