import type { ErrorRequestHandler, RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { DatabaseUnavailable } from '../db/errors.ts';
import { TooManyWebhooks } from '../db/webhooks.ts';
import { IntakeFull } from '../delivery/intake.ts';
import { TemporalUnavailable } from '../temporal/workflow-starter.ts';
import {
  badRequest,
  conflict,
  notFound,
  overloaded,
  Problem,
  type ProblemOptions,
  problemDocument,
  unavailable,
} from './problems.ts';
import { requestIdOf } from './request-log.ts';

/** Answers whatever a request ran into with a problem document. What nobody foresaw is logged, and is a bare 500. */
export function answerErrors(log: Logger): ErrorRequestHandler {
  return (error: unknown, _request, response, _next) => {
    const requestId = requestIdOf(response);
    const problem = problemOf(error);
    if (problem === undefined)
      log.error({ err: error, request_id: requestId }, 'a request failed unexpectedly');
    if (response.headersSent) {
      response.destroy();
      return;
    }
    sendProblem(response, problem?.options ?? internal(requestId));
  };
}

/** Answers what no route took. */
export const answerUnknownPath: RequestHandler = () => {
  throw notFound('path');
};

function sendProblem(response: Response, options: ProblemOptions): void {
  response
    .status(options.status)
    .set(options.headers ?? {})
    .type('application/problem+json')
    .send(JSON.stringify(problemDocument(options)));
}

function problemOf(error: unknown): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error instanceof DatabaseUnavailable && error.isFull) {
    return unavailable('storage_full', 'The disk that the database is on is full');
  }
  if (error instanceof DatabaseUnavailable) {
    return unavailable('database_unavailable', 'The database is not available at the moment');
  }
  if (error instanceof TooManyWebhooks) {
    return conflict('too_many_webhooks', `The account may have ${error.most} webhooks, and has them`);
  }
  if (error instanceof IntakeFull) return overloaded();
  if (error instanceof TemporalUnavailable) {
    return unavailable('temporal_unavailable', 'Temporal is not available at the moment');
  }
  // Express decodes the path's parameters.
  if (error instanceof URIError)
    return badRequest('invalid_path', 'The path is not valid percent-encoded UTF-8');
  return undefined;
}

function internal(requestId: string): ProblemOptions {
  return {
    status: 500,
    code: 'internal',
    detail: 'Something went wrong on our side; the log has it under this request id',
    members: { request_id: requestId },
  };
}
