import type { Logger } from 'pino';
import type { AttemptRecord } from '../db/record-attempts.ts';
import type { Answer } from '../webhook/answer.ts';

/** What an attempt's record keeps of what came back. */
export function responseOf(answer: Answer) {
  if (answer.kind === 'failed') {
    return { response_status: null, response_headers: null, response_body: null, response_truncated: false };
  }
  return {
    response_status: answer.status,
    response_headers: { ...answer.headers },
    response_body: answer.body,
    response_truncated: answer.bodyTruncated,
  };
}

/** One line an attempt; `more` is what its record does not know. */
export function logAttempt(
  log: Logger,
  record: AttemptRecord,
  more: { attempt: number; event_id?: string; workflow_id?: string },
) {
  if (!log.isLevelEnabled('info')) return;
  const { account_id, webhook_id, delivery_id, id, trigger, response_status, duration_ms, detail } = record;
  log.info(
    {
      ...{ account_id, webhook_id, delivery_id, attempt_id: id, ...more, trigger },
      ...{ response_status, duration_ms, ...(detail === null ? {} : { reason: detail }) },
    },
    record.succeeded ? 'delivered' : 'attempt failed',
  );
}
