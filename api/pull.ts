import type { Response } from 'express';
import type { Logger } from 'pino';
import type { Caller } from '../db/api-keys.ts';
import { DatabaseUnavailable } from '../db/errors.ts';
import type { WebhookId } from '../db/ids.ts';
import { findQueue, notePulled } from '../db/pull-queue.ts';
import { findWebhook } from '../db/webhooks.ts';
import { type PullCursor, textOfCursor } from '../delivery/pull-cursor.ts';
import type { Pulled } from '../delivery/pull-door.ts';
import type { PulledWebhook } from '../delivery/pull-settler.ts';
import type { Answer } from '../webhook/answer.ts';
import { describeFailure, type FailureReason } from '../webhook/failure-reasons.ts';
import { badRequest, conflict, invalidBody, notFound, Problem } from './problems.ts';
import {
  acknowledgedSchema,
  acknowledgementSchema,
  pollQuery,
  pollSchema,
  type ResultBody,
} from './pull.schemas.ts';
import { type Route, route, type Services } from './routes.ts';
import { webhookParams } from './webhooks.schemas.ts';

export const pullTag = 'Pulling';
export const hasUrlProblem = { 409: 'The webhook has a URL: its deliveries are sent there' };

const getPoll = route({
  method: 'get',
  path: '/v1/webhooks/{id}/poll',
  name: 'pollWebhook',
  tag: pullTag,
  summary: 'Pull the deliveries of a webhook without a URL',
  description:
    'In their order, and nothing is taken away: until they are acknowledged they are there for whoever asks without a cursor, so that ' +
    'nothing is lost when a consumer dies. Two who ask at the same time get the same.',
  access: 'account',
  scope: 'webhooks:write',
  params: webhookParams,
  query: pollQuery,
  responses: { 200: { description: 'The deliveries', schema: pollSchema } },
  problems: { ...hasUrlProblem, 429: 'Too many are waiting' },
  async handle(services, { params, query, caller, isStillAllowed }) {
    const { cursor, limit, wait } = query;
    const webhook = await findPulled(services, caller, params.id);
    await assertOwn(services, params.id, cursor, (detail) =>
      badRequest('invalid_parameter', 'The cursor is not one of this webhook', [
        { parameter: 'cursor', detail },
      ]),
    );
    await notePulled(services.db, webhook.id);
    const take = async () =>
      (await services.pullDoor.take(webhook, { after: cursor?.number ?? 0, limit })).pulled;
    const pulled = await take();
    const given = cursor === undefined ? null : textOfCursor(cursor);
    if (pulled.length > 0 || wait === 0) return { status: 200, body: shown(pulled, given) };
    return {
      status: 200,
      headers: { 'Content-Type': 'application/json; charset=utf-8' },
      stream: (response) =>
        waitFor(response, services, { webhook, take, waitMs: wait * 1_000, given, isStillAllowed }),
    };
  },
});

function shown(data: readonly Pulled[], given: string | null) {
  return { data, cursor: data.at(-1)?.cursor ?? given };
}

interface Wait {
  webhook: PulledWebhook;
  take(): Promise<Pulled[]>;
  waitMs: number;
  given: string | null;
  isStillAllowed(): Promise<boolean>;
}

/** Answers once there is something, or with nothing when the time is up. @throws Problem 429 */
function waitFor(
  response: Response,
  { pullDoor, log }: Services,
  { webhook, take, waitMs, given, isStillAllowed }: Wait,
): void {
  let isLooking = false;
  let isLookedFor = false;
  const answer = (data: readonly Pulled[]) => {
    if (!response.writableEnded) response.end(JSON.stringify(shown(data, given)));
  };
  const leave = pullDoor.watch(webhook, {
    async look() {
      isLookedFor = true;
      if (isLooking) return;
      isLooking = true;
      try {
        while (isLookedFor && !response.writableEnded) {
          isLookedFor = false;
          const pulled = await take();
          if (pulled.length > 0) answer((await isStillAllowed()) ? pulled : []);
        }
      } catch (error) {
        tellLookFailed(log, webhook, error);
      } finally {
        isLooking = false;
      }
    },
    end: () => answer([]),
  });
  if (leave === undefined) throw tooManyWaiting();
  const timer = setTimeout(() => answer([]), waitMs).unref();
  response.once('close', () => {
    clearTimeout(timer);
    leave();
  });
}

/** It is looked again; where the database is away for the moment that is no fault. */
export function tellLookFailed(log: Logger, { id }: PulledWebhook, error: unknown): void {
  const level = error instanceof DatabaseUnavailable ? 'debug' : 'warn';
  log[level]({ webhook_id: id, reason: (error as Error).name }, 'queued deliveries could not be looked for');
}

export function tooManyWaiting(): Problem {
  return new Problem({
    status: 429,
    code: 'too_many_listeners',
    detail: 'Too many are waiting for deliveries already',
    headers: { 'Retry-After': '10' },
  });
}

const postAcknowledgement = route({
  method: 'post',
  path: '/v1/webhooks/{id}/poll/ack',
  name: 'acknowledgeDeliveries',
  tag: pullTag,
  summary: 'Say what became of deliveries that were pulled',
  description:
    'By a cursor: all up to it are done. Or one by one, with what was answered. Each becomes an attempt of its delivery; what is said ' +
    'twice counts once.',
  access: 'account',
  params: webhookParams,
  body: acknowledgementSchema,
  mostBodyBytes: 8 * 1024 * 1024,
  responses: { 200: { description: 'What came of it', schema: acknowledgedSchema } },
  problems: hasUrlProblem,
  async handle(services, { params, body, caller }) {
    const { cursor, results = [] } = body;
    const webhook = await findPulled(services, caller, params.id);
    const queue = await findQueue(services.db, params.id);
    const own = [...results.map((result) => result.cursor), ...(cursor === undefined ? [] : [cursor])];
    for (const [index, one] of own.entries()) {
      const detail = faultOf(one, params.id, queue);
      const pointer = index < results.length ? `/results/${index}/cursor` : '/cursor';
      if (detail !== undefined) throw invalidBody([{ pointer, detail }]);
    }
    await notePulled(services.db, webhook.id);
    const said = results.map((result) => ({ ...result.cursor, answer: answerOf(result) }));
    const outcomes = said.length === 0 ? [] : await services.pullDoor.report(webhook, said);
    const acknowledged = cursor === undefined ? 0 : await services.pullDoor.acknowledge(webhook, cursor);
    const hadNoPlace = { delivery_id: null, status: null, next_attempt_at: null };
    return { status: 200, body: { acknowledged, results: outcomes.map((one) => one ?? hadNoPlace) } };
  },
});

function answerOf(result: ResultBody): Answer {
  const { status, error, headers = {}, body = '', body_truncated = false, duration_ms = 0 } = result;
  if (status === undefined) {
    const reason = error as FailureReason;
    return { kind: 'failed', reason, detail: describeFailure(reason), durationMs: duration_ms };
  }
  const lower = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return {
    ...{ kind: 'answered', status, body, bodyTruncated: body_truncated, durationMs: duration_ms },
    headers: Object.fromEntries(lower),
  };
}

/** @throws Problem 404, 409 */
export async function findPulled(
  { db, sealer }: Pick<Services, 'db' | 'sealer'>,
  { account_id }: Caller,
  id: WebhookId,
): Promise<PulledWebhook> {
  const webhook = await findWebhook(db, sealer, account_id, id);
  if (webhook === undefined) throw notFound('webhook');
  if (webhook.url !== null) {
    throw conflict('webhook_has_url', 'The webhook has a URL: its deliveries are sent there, not pulled');
  }
  const { profile, retry_schedule, timeout_ms } = webhook;
  return { id, account_id, profile, retry_schedule, timeout_ms };
}

/** Refuses a cursor that is another webhook's, or that this one never handed out. */
export async function assertOwn(
  { db }: Pick<Services, 'db'>,
  id: WebhookId,
  cursor: PullCursor | undefined,
  refuse: (detail: string) => Problem,
): Promise<void> {
  if (cursor === undefined) return;
  const fault = faultOf(cursor, id, await findQueue(db, id));
  if (fault !== undefined) throw refuse(fault);
}

function faultOf(
  { webhook_id, number }: PullCursor,
  id: WebhookId,
  queue: { pull_count: number } | undefined,
): string | undefined {
  if (webhook_id !== id) return 'is a cursor of another webhook';
  return queue === undefined || number > queue.pull_count ? 'was not handed out here' : undefined;
}

export const pullRoutes: Route[] = [getPoll, postAcknowledgement];
