import { actorOf } from '../db/api-keys.ts';
import { listAttemptsOfDelivery, type ShownAttempt } from '../db/attempts.ts';
import { recordAuditEntry } from '../db/audit-log.ts';
import {
  cancelDelivery,
  findDelivery,
  findRetryableDelivery,
  findSentEvent,
  type SentEvent,
} from '../db/deliveries.ts';
import { findEventId } from '../db/events.ts';
import { newId } from '../db/ids.ts';
import { requeueDelivery } from '../db/pull-queue.ts';
import { searchDeliveries } from '../db/search-deliveries.ts';
import { unsentReasons } from '../webhook/failure-reasons.ts';
import {
  deliveryPageSchema,
  deliveryParams,
  deliveryQuery,
  deliverySchema,
  deliveryWithAttemptsSchema,
  startedAttemptSchema,
} from './deliveries.schemas.ts';
import { assertNotExpired } from './event-times.ts';
import { pageOf } from './fields.schemas.ts';
import { conflict, notFound } from './problems.ts';
import { type Route, route } from './routes.ts';
import { sentBody } from './sent-body.ts';

const tag = 'Deliveries';

const getDeliveries = route({
  method: 'get',
  path: '/v1/deliveries',
  name: 'listDeliveries',
  tag,
  summary: 'List deliveries, newest first',
  description:
    'What is looked for by type, channel or text may be rare: a request looks at some ten thousand deliveries at most, and says ' +
    'with `searched_until` how far it came when there are more.',
  access: 'account',
  query: deliveryQuery,
  responses: { 200: { description: 'A page of deliveries', schema: deliveryPageSchema } },
  async handle({ db }, { query, caller, hasLeft }) {
    const { event_id, status: statuses, webhook_id, type, channel, since, until, q } = query;
    const eventId = event_id === undefined ? undefined : await findEventId(db, caller.account_id, event_id);
    if (event_id !== undefined && eventId === undefined) {
      return { status: 200, body: { data: [], next_cursor: null } };
    }
    const filter = { statuses, webhook_id, type, channel, since, until, q, event_id: eventId };
    const page = await searchDeliveries(db, caller.account_id, filter, pageOf(query), hasLeft);
    return { status: 200, body: page };
  },
});

const getDelivery = route({
  method: 'get',
  path: '/v1/deliveries/{id}',
  name: 'getDelivery',
  tag,
  summary: 'Get a delivery with its attempts, first to last',
  access: 'account',
  params: deliveryParams,
  responses: { 200: { description: 'The delivery', schema: deliveryWithAttemptsSchema } },
  async handle({ db }, { params, caller }) {
    const delivery = await findDelivery(db, caller.account_id, params.id);
    if (delivery === undefined) throw notFound('delivery');
    const attempts = await listAttemptsOfDelivery(db, caller.account_id, params.id);
    const sent = attempts.length === 0 ? undefined : await findSentEvent(db, caller.account_id, params.id);
    const body = sent === undefined ? null : sentBody(sent);
    const shown = attempts.map((attempt) => ({
      ...attempt,
      request_body: isUnsent(attempt.reason)
        ? null
        : (attempt.request_body ?? (isForgotten(attempt, sent) ? null : body)),
    }));
    return { status: 200, body: { ...delivery, attempts: shown } };
  },
});

/** What a transformation has made is kept with attempts, but not where it was pulled. */
function isForgotten({ trigger }: ShownAttempt, sent: SentEvent | undefined): boolean {
  return trigger === 'pull' && sent !== undefined && sent.transformation !== null;
}

/** For which no request was made at all. */
function isUnsent(reason: string | null): boolean {
  return unsentReasons.some((unsent) => unsent === reason);
}

const retryDelivery = route({
  method: 'post',
  path: '/v1/deliveries/{id}/retry',
  name: 'retryDelivery',
  tag,
  summary: 'Make one more attempt now',
  description:
    'Whatever the delivery’s status, and beside its schedule: an attempt that fails changes neither. One whose webhook has no URL is ' +
    'queued, to be pulled once more. Not once its event has expired.',
  access: 'account',
  params: deliveryParams,
  responses: { 202: { description: 'The attempt is on its way', schema: startedAttemptSchema } },
  problems: {
    409: 'The webhook was deleted, the event has expired, or the delivery waits for another of its lane',
    503: 'Temporal is not available',
  },
  async handle({ db, starter, now }, { params, caller }) {
    const delivery = await findRetryableDelivery(db, caller.account_id, params.id);
    if (delivery === undefined) throw notFound('delivery');
    if (delivery.is_webhook_deleted) throw conflict('webhook_deleted', 'Its webhook was deleted');
    assertNotExpired(delivery, now());
    if (delivery.is_behind) {
      throw conflict(
        'delivery_waits',
        'It waits for another delivery of its lane, and would be sent out of order',
      );
    }
    const attemptId = delivery.is_pulled ? null : newId('att');
    if (attemptId === null) await requeueDelivery(db, caller.account_id, params.id);
    else await starter.startManualAttempt(params.id, attemptId);
    await recordAuditEntry(db, {
      ...{ account_id: caller.account_id, actor: actorOf(caller), action: 'delivery.retried' },
      ...{ subject_id: params.id, details: { attempt_id: attemptId } },
    });
    return { status: 202, body: { id: params.id, attempt_id: attemptId } };
  },
});

const postCancel = route({
  method: 'post',
  path: '/v1/deliveries/{id}/cancel',
  name: 'cancelDelivery',
  tag,
  summary: 'Cancel a delivery that still waits',
  description: 'An attempt that is under way is not called back. Cancelling twice is cancelling once.',
  access: 'account',
  params: deliveryParams,
  responses: { 200: { description: 'The delivery, cancelled', schema: deliverySchema } },
  problems: { 409: 'It has ended otherwise' },
  async handle({ db, starter, lanes, now }, { params, caller }) {
    const cancelled = await cancelDelivery(db, caller.account_id, params.id, {
      actor: actorOf(caller),
      now: now(),
    });
    if (cancelled === undefined) throw notFound('delivery');
    const { delivery, is_changed } = cancelled;
    const { lane, webhook_id } = delivery;
    if (delivery.status !== 'cancelled') {
      throw conflict('delivery_ended', `The delivery has ended before: it is ${delivery.status}`);
    }
    if (is_changed && lane !== null) void lanes.advance({ webhook_id, lane });
    if (is_changed && delivery.webhook_url !== null)
      void starter.tellDeliveryEnded(delivery.workflow_id, delivery.id);
    return { status: 200, body: delivery };
  },
});

export const deliveryRoutes: Route[] = [getDeliveries, getDelivery, retryDelivery, postCancel];
