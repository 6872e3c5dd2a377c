import type { Logger } from 'pino';
import type { AccountId, EventId } from '../db/ids.ts';
import {
  type ExpressionFailure,
  type ExpressionKind,
  expressionFailure,
  expressionLimits,
} from '../webhook/expressions.ts';
import {
  createExpressionRunner,
  type ExpressionAnswer,
  type ExpressionEvent,
  type ProcessEnd,
} from './expression-runner.ts';
import { createExpressionTurns } from './expression-turns.ts';

/** An event as it is stored. */
export interface EventForExpression {
  id: EventId;
  client_id: string | null;
  type: string;
  channel: string | null;
  /** JSON text. */
  data: string;
  created_at: Date;
}

/** An expression to be run on an event, for its account. */
export interface ExpressionRun {
  account_id: AccountId;
  expression: string;
  event: EventForExpression;
  /** How long it may wait to be run, in ms. */
  patienceMs: number;
}

/** Accounts' expressions. Nothing here rejects: what goes wrong is an `ExpressionFailure`. */
export interface Expressions {
  /** Why it does not compile; undefined when it does. */
  check(account: AccountId, kind: ExpressionKind, expression: string): Promise<ExpressionFailure | undefined>;
  /** Whether the event passes the filter. */
  filter(run: ExpressionRun): Promise<{ passes: boolean } | { failure: ExpressionFailure }>;
  /** The body, as JSON text, that is made of the event; `body` is what would be sent without (JSON text). */
  transform(
    run: ExpressionRun & { body: string },
  ): Promise<{ body: string } | { failure: ExpressionFailure }>;
  /** What has no result by then gets none. */
  close(): void;
}

const checkPatienceMs = 5_000;

export function createExpressions(options: {
  log: Logger;
  /** Hears of each process that ends before it is told to. */
  onEnd?: (reason: ProcessEnd) => void;
}): Expressions {
  const runner = createExpressionRunner(options);
  const turns = createExpressionTurns(runner);

  function run(
    kind: ExpressionKind,
    { account_id, expression, event, patienceMs }: ExpressionRun,
    body?: string,
  ): Promise<ExpressionAnswer> {
    const seen = seenBy(event);
    if (seen.json.length > expressionLimits.inputCharacters) {
      return Promise.resolve({ failure: expressionFailure('input_too_large') });
    }
    const request = { kind, expression, event: seen, ...(body === undefined ? {} : { body }) };
    return turns.run(account_id, request, patienceMs);
  }

  return {
    async check(account, kind, expression) {
      const answer = await turns.run(account, { kind, expression }, checkPatienceMs);
      return 'failure' in answer ? answer.failure : undefined;
    },
    async filter(one) {
      const answer = await run('filter', one);
      return 'failure' in answer ? answer : { passes: answer.text === 'true' };
    },
    async transform({ body, ...one }) {
      const answer = await run('transformation', one, body);
      return 'failure' in answer ? answer : { body: answer.text };
    },
    close: runner.close,
  };
}

/** Fields in the order in which the documentation names them. */
function seenBy({ id, client_id, type, channel, data, created_at }: EventForExpression): ExpressionEvent {
  const shownId = client_id ?? id;
  const head = JSON.stringify({ id: shownId, type, channel, created_at });
  return { id: shownId, at_ms: created_at.getTime(), json: `${head.slice(0, -1)},"data":${data}}` };
}
