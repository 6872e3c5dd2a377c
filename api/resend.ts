import { actorOf, type Caller } from '../db/api-keys.ts';
import { recordAuditEntry } from '../db/audit-log.ts';
import { findEvent, type StoredEvent } from '../db/events.ts';
import { type AccountId, newId } from '../db/ids.ts';
import { requeueDelivery } from '../db/pull-queue.ts';
import { addDelivery, findAboutWebhook, listResendTargets, type ResendTarget } from '../db/resend.ts';
import { recoveredWorkflowId } from '../temporal/workflow-ids.ts';
import { TemporalUnavailable } from '../temporal/workflow-starter.ts';
import { carriesType, subscribes } from '../webhook/subscriptions.ts';
import { assertNotExpired } from './event-times.ts';
import { eventParams } from './events.schemas.ts';
import { conflict, invalidBody, notFound } from './problems.ts';
import { resendSchema, resentSchema } from './resend.schemas.ts';
import { type Route, route, type Services } from './routes.ts';
import { profileOf } from './webhook-settings.ts';

/** Webhooks that one request sends an event to again: each costs the start of a workflow. */
const mostTargets = 100;
/** Filters are waited for no longer, in ms: one that has given no result by then is asked with the attempt. */
const filterPatienceMs = 1_000;

const postResend = route({
  method: 'post',
  path: '/v1/events/{id}/resend',
  name: 'resendEvent',
  tag: 'Events',
  summary: 'Send an event again',
  description:
    'To one webhook, whatever its filter says, or to all that subscribe to it now and whose filters let it through. Where there is ' +
    'a delivery, whatever its status, it gets one more attempt, as by `POST /v1/deliveries/{id}/retry`: the same `webhook-id`, ' +
    'the same bytes. A webhook that got none, since it is newer than the event or had not subscribed, gets a delivery with its ' +
    'whole retry schedule. Not before the time of a scheduled event, nor of one that was cancelled or has expired.',
  access: 'account',
  params: eventParams,
  body: resendSchema,
  isBodyOptional: true,
  responses: { 202: { description: 'It is on its way', schema: resentSchema } },
  problems: {
    409: 'Too many webhooks subscribe to it: name one; or it is scheduled, was cancelled or has expired',
    503: 'Temporal is not available',
  },
  async handle(services, { params, body, caller }) {
    const { db } = services;
    const { account_id } = caller;
    const event = await findEvent(db, account_id, params.id);
    if (event === undefined) throw notFound('event');
    assertReleased(event);
    assertNotExpired(event, services.now());
    const all = await listResendTargets(db, account_id, event.id);
    const about = await findAboutWebhook(db, event.id);
    const targets = await chosen(services, caller, event, all, {
      isChosen: (target) =>
        body.webhook_id === undefined ? isMeant(target, event, about) : target.id === body.webhook_id,
      asksFilters: body.webhook_id === undefined,
    });
    if (body.webhook_id !== undefined) assertCanGet(targets[0], event, about);
    if (targets.length > mostTargets) {
      throw conflict(
        'too_many_webhooks',
        `More than ${mostTargets} webhooks would get it: name one by webhook_id`,
      );
    }
    if (event.expires_at !== null) services.timekeeper.lookAt(event.expires_at);
    const deliveries = await Promise.all(
      targets.map((target) => resend(services, account_id, event, target)),
    );
    const sent = deliveries.filter((delivery) => delivery !== undefined);
    const event_id = event.client_id ?? event.id;
    await recordAuditEntry(db, {
      ...{ account_id, actor: actorOf(caller), action: 'event.resent', subject_id: event_id },
      details: { deliveries: sent.length, webhook_id: body.webhook_id ?? null },
    });
    return { status: 202, body: { event_id, deliveries: sent } };
  },
});

/** @throws Problem 409 */
function assertReleased({ status }: StoredEvent): void {
  if (status === 'scheduled') {
    throw conflict(
      'event_scheduled',
      'It has not gone out yet: change its deliver_at to null to send it now',
    );
  }
  if (status === 'cancelled') throw conflict('event_cancelled', 'The event was cancelled');
}

/** A test event goes to whom it was meant for alone, and what tells of an endpoint never to that endpoint. */
function isMeant(target: ResendTarget, event: StoredEvent, about: string | null): boolean {
  if (target.delivery_id !== null) return true;
  if (event.is_test || target.id === about) return false;
  const { events: eventTypes, channels } = target;
  return subscribes(
    { eventTypes, channels, profile: profileOf(target) },
    { ...event, isOperational: about !== null },
  );
}

/** A target that the event is sent to, and whether its filter is still to be asked, since it gave no result now. */
type ChosenTarget = ResendTarget & { is_filter_open: boolean };

/** Filters are asked of webhooks that got no delivery: those that have one got it past their filter. */
async function chosen(
  { expressions }: Services,
  { account_id }: Caller,
  event: StoredEvent,
  targets: readonly ResendTarget[],
  { isChosen, asksFilters }: { isChosen: (target: ResendTarget) => boolean; asksFilters: boolean },
): Promise<ChosenTarget[]> {
  const asked = targets.filter(isChosen).map(async (target) => {
    const { filter: expression, delivery_id } = target;
    if (!asksFilters || expression === null || delivery_id !== null)
      return { ...target, is_filter_open: false };
    const answer = await expressions.filter({ account_id, expression, event, patienceMs: filterPatienceMs });
    if ('failure' in answer) return { ...target, is_filter_open: true };
    return answer.passes ? { ...target, is_filter_open: false } : undefined;
  });
  return (await Promise.all(asked)).filter((target) => target !== undefined);
}

/** @throws Problem 404, 422 */
function assertCanGet(target: ResendTarget | undefined, event: StoredEvent, about: string | null): void {
  if (target === undefined) throw notFound('webhook');
  if (target.delivery_id !== null) return;
  const pointer = '/webhook_id';
  if (target.id === about) throw invalidBody([{ pointer, detail: 'is what the event is about' }]);
  if (!carriesType(profileOf(target), event.type)) {
    throw invalidBody([{ pointer, detail: `has a profile that does not carry events of this type` }]);
  }
}

async function resend(
  { db, starter, now }: Services,
  account_id: AccountId,
  event: StoredEvent,
  { id: webhook_id, url, delivery_id, is_behind, is_filter_open }: ChosenTarget,
) {
  if (delivery_id !== null && url === null) {
    await requeueDelivery(db, account_id, delivery_id);
    return { id: delivery_id, webhook_id, attempt_id: null };
  }
  // Its turn in its lane comes, and it goes out by itself.
  if (delivery_id !== null && is_behind) return { id: delivery_id, webhook_id, attempt_id: null };
  if (delivery_id !== null) {
    const attempt_id = newId('att');
    await starter.startManualAttempt(delivery_id, attempt_id);
    return { id: delivery_id, webhook_id, attempt_id };
  }
  const added = await addDelivery(
    db,
    { account_id, event_id: event.id, webhook_id, is_filter_open },
    (id) => recoveredWorkflowId(id, now()),
    now(),
  );
  if (added === undefined) return undefined;
  if (added.status === 'pending' && !added.is_behind) {
    await starter
      .startDeliverEvents({
        workflow_id: added.workflow_id,
        event_ids: [event.id],
        webhook_ids: [webhook_id],
        account_ids: [account_id],
      })
      .catch((error: unknown) => {
        // It is stored: the sweep finds it.
        if (!(error instanceof TemporalUnavailable)) throw error;
      });
  }
  return { id: added.id, webhook_id, attempt_id: null };
}

export const resendRoutes: Route[] = [postResend];
