import { randomUUID } from 'node:crypto';
import type { RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import { isId } from '../db/ids.ts';

export interface Notes {
  request_id: string;
  /** The route's pattern: the path itself may hold anything. */
  route?: string;
  account_id?: string;
  event_id?: string;
  webhook_id?: string;
  delivery_id?: string;
  trace_id?: string;
}

const noted = { evt: 'event_id', wh: 'webhook_id', dlv: 'delivery_id' } as const;

/** Those of the parameters of a path that are ids of ours: a producer's own id of an event may hold anything. */
export function idsForLog(params: unknown): Partial<Notes> {
  const texts = Object.values(params ?? {}).filter((value) => typeof value === 'string');
  return Object.fromEntries(
    texts.flatMap((text) => {
      const prefix = (['evt', 'wh', 'dlv'] as const).find((one) => isId(one, text));
      return prefix === undefined ? [] : [[noted[prefix], text]];
    }),
  );
}

/** Adds to what the request's line in the log will say. */
export function noteForLog(response: Response, notes: Partial<Notes>): void {
  Object.assign(response.locals, notes);
}

/** What a request is known by, in its answer, its line in the log, and in an error's line. */
export function requestIdOf(response: Response): string {
  return (response.locals as Notes).request_id;
}

/** A request that was answered, or whose client has gone. */
export interface AnsweredRequest {
  method: string;
  /** The route's pattern; null where no route took it. */
  route: string | null;
  status: number;
  duration_ms: number;
}

const quietRoutes = new Set(['/healthz', '/readyz', '/metrics']);

/**
 * Gives every request an id (its own X-Request-Id where that is plain), gives it back, and logs one line when the answer
 * is sent: no query, no body, no header. `onRequest` hears of each as well.
 */
export function logRequests(
  log: Logger,
  onRequest: (request: AnsweredRequest) => void = () => {},
): RequestHandler {
  return (request, response, next) => {
    const startedAt = performance.now();
    const given = request.get('X-Request-Id') ?? '';
    const requestId = /^[A-Za-z0-9._-]{1,128}$/.test(given) ? given : `req_${randomUUID()}`;
    noteForLog(response, { request_id: requestId });
    response.set('X-Request-Id', requestId);
    response.once('close', () => {
      const { route = null, request_id, ...ids } = response.locals as Notes;
      const { method } = request;
      const status = response.statusCode;
      const duration_ms = Math.round((performance.now() - startedAt) * 10) / 10;
      onRequest({ method, route, status, duration_ms });
      const level = quietRoutes.has(route ?? '') ? 'debug' : 'info';
      if (!log.isLevelEnabled(level)) return;
      const line = {
        ...{ method, route, status, duration_ms, request_id },
        ...ids,
        ...(response.writableFinished ? {} : { aborted: true }),
      };
      log[level](line, 'request');
    });
    next();
  };
}
