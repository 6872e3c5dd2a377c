import type { z } from 'zod';
import { actorOf } from '../db/api-keys.ts';
import { listDeliveriesOfEvent } from '../db/deliveries.ts';
import { findEvent, findEventId, type StoredEvent } from '../db/events.ts';
import type { AccountId } from '../db/ids.ts';
import {
  cancelScheduledEvent,
  changeScheduledEvent,
  findScheduledVersion,
  type ScheduledChange,
} from '../db/scheduled-events.ts';
import { assertEventFits } from './account-limits.ts';
import { expiryErrors, timeErrors, yearAfter } from './event-times.ts';
import { eventChangeSchema, eventParams, eventSchema } from './events.schemas.ts';
import { shownEvent } from './events.ts';
import { conflict, type FieldError, invalidBody, notFound, type Problem } from './problems.ts';
import { type Route, type RouteRequest, route, type Services } from './routes.ts';

const tag = 'Events';
const problems = { 409: 'It has gone out, or was cancelled' };
/** Somebody else may change it at the same moment. */
const mostTries = 5;

const patchEvent = route({
  method: 'patch',
  path: '/v1/events/{id}',
  name: 'changeEvent',
  tag,
  summary: 'Change a scheduled event',
  description:
    'When it goes out, when it expires, and its data, for as long as it has not gone out. Another type or channel is another event: ' +
    'cancel this one. A repeat of the request that posted it still gets the first answer.',
  access: 'account',
  scope: 'events:write',
  params: eventParams,
  body: eventChangeSchema,
  responses: { 200: { description: 'The event, changed', schema: eventSchema } },
  problems,
  handle: changeEvent,
});

type PatchEvent = RouteRequest<
  z.output<typeof eventParams>,
  unknown,
  unknown,
  z.output<typeof eventChangeSchema>
>;

async function changeEvent(services: Services, { params, body, caller }: PatchEvent) {
  const { db, eventTypes, timekeeper, now } = services;
  const { account_id } = caller;
  for (let tries = 0; tries < mostTries; tries += 1) {
    const { event, version } = await findScheduled(services, account_id, params.id);
    if (body.data !== undefined) {
      await eventTypes.check(account_id, event.type, body.data);
      assertEventFits(() => JSON.stringify(body.data), caller);
    }
    const change = changeOf(event, body, now());
    const isDone = await changeScheduledEvent(
      db,
      { account_id, id: event.id, client_id: event.client_id, version },
      change,
      { actor: actorOf(caller) },
    );
    if (!isDone) continue;
    timekeeper.lookAt(change.deliver_at);
    return { status: 200, body: await show(services, account_id, params.id) };
  }
  throw conflict('event_changed', 'Others are changing it at this moment: try again');
}

/** What stays is not looked at again: its time may come at this very moment. @throws Problem 422 */
function changeOf(event: StoredEvent, body: PatchEvent['body'], now: Date): ScheduledChange {
  const deliver_at = body.deliver_at === undefined ? (event.deliver_at ?? now) : (body.deliver_at ?? now);
  const expires_at = body.expires_at === undefined ? event.expires_at : body.expires_at;
  const errors = body.deliver_at == null ? [] : timeErrors({ deliver_at }, now);
  if (body.expires_at != null) errors.push(...expiryErrors(body.expires_at, deliver_at, now));
  else if (expires_at !== null && body.deliver_at !== undefined && errors.length === 0) {
    errors.push(...againstExpiry(deliver_at, expires_at));
  }
  if (errors.length > 0) throw invalidBody(errors);
  const data = body.data === undefined ? null : JSON.stringify(body.data);
  return { deliver_at, is_due: body.deliver_at === null, expires_at, data, fields: Object.keys(body) };
}

/** What is wrong with a new time of an event that goes on to expire when it did. */
function againstExpiry(deliver_at: Date, expires_at: Date): FieldError[] {
  const fault =
    expires_at <= deliver_at
      ? 'must be before expires_at'
      : expires_at > yearAfter(deliver_at)
        ? 'must be within a year before expires_at'
        : undefined;
  return fault === undefined ? [] : [{ pointer: '/deliver_at', detail: fault }];
}

const postCancel = route({
  method: 'post',
  path: '/v1/events/{id}/cancel',
  name: 'cancelEvent',
  tag,
  summary: 'Cancel a scheduled event',
  description:
    'It never goes out, and stays listed as `cancelled`. Cancelling twice is cancelling once. Of an event that has gone out, cancel the ' +
    'deliveries that still wait.',
  access: 'account',
  scope: 'events:write',
  params: eventParams,
  responses: { 200: { description: 'The event, cancelled', schema: eventSchema } },
  problems: { 409: 'It has gone out' },
  async handle(services, { params, caller }) {
    const { account_id } = caller;
    const event = await findEvent(services.db, account_id, params.id);
    if (event === undefined) throw notFound('event');
    const change = { actor: actorOf(caller), now: services.now() };
    await cancelScheduledEvent(services.db, { account_id, id: event.id, client_id: event.client_id }, change);
    const shown = await show(services, account_id, params.id);
    if (shown.status !== 'cancelled') throw released();
    return { status: 200, body: shown };
  },
});

/** @throws Problem 404, 409 */
async function findScheduled({ db }: Services, account_id: AccountId, publicId: string) {
  const id = await findEventId(db, account_id, publicId);
  // Before the event itself: what changes in between is noticed by it.
  const version = id === undefined ? undefined : await findScheduledVersion(db, id);
  const event = await findEvent(db, account_id, publicId);
  if (event === undefined) throw notFound('event');
  if (event.status === 'cancelled') throw conflict('event_cancelled', 'The event was cancelled');
  if (event.status !== 'scheduled' || version === undefined) throw released();
  return { event, version };
}

function released(): Problem {
  return conflict('event_released', 'The event has gone out');
}

/** @throws Problem 404 */
async function show({ db }: Services, account_id: AccountId, publicId: string) {
  const event = await findEvent(db, account_id, publicId);
  if (event === undefined) throw notFound('event');
  return shownEvent(event, await listDeliveriesOfEvent(db, account_id, event.id));
}

export const scheduledEventRoutes: Route[] = [patchEvent, postCancel];
