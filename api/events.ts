import type { z } from 'zod';
import { type Delivery, listDeliveriesOfEvent } from '../db/deliveries.ts';
import { type EventSummary, findEvent, type StoredEvent } from '../db/events.ts';
import { searchEvents } from '../db/search-events.ts';
import { acceptedEvent, keyConflict, prepareEvent } from './accept-event.ts';
import { assertEventFits } from './account-limits.ts';
import { withinDeadline } from './deadline.ts';
import {
  acceptedEventSchema,
  eventPageSchema,
  eventParams,
  eventQuery,
  eventSchema,
  idempotencyHeaders,
  newEventSchema,
} from './events.schemas.ts';
import { pageOf } from './fields.schemas.ts';
import { notFound } from './problems.ts';
import { type Reply, type Route, type RouteRequest, route, type Services } from './routes.ts';

const tag = 'Events';

/** How long the database is waited for where the account's event types are not known any more. */
const rulesDeadlineMs = 1_000;

const postEvent = route({
  method: 'post',
  path: '/v1/events',
  name: 'postEvent',
  tag,
  summary: 'Post an event for delivery',
  description:
    'Answered once the event and its deliveries are stored; they go out at once. A repeat, told by `Idempotency-Key` ' +
    'or the event’s own `id`, gets the first answer. Data that does not fit the JSON Schema of its type (see Event types) ' +
    'is refused, and so is a type that is in no catalogue when the account is strict. With `deliver_at` it waits until then, and ' +
    'can be changed and cancelled; after `expires_at` nothing of it is sent. After a 503 the event may be stored or ' +
    'not: post it again, with the same key or id.',
  access: 'account',
  scope: 'events:write',
  headers: idempotencyHeaders,
  body: newEventSchema,
  responses: { 202: { description: 'The event is stored', schema: acceptedEventSchema } },
  problems: { 409: 'The key or the id was used for another event' },
  handle: acceptEvent,
});

type PostEvent = RouteRequest<
  unknown,
  unknown,
  z.output<typeof idempotencyHeaders>,
  z.output<typeof newEventSchema>
>;

async function acceptEvent(
  services: Services,
  { body, headers, caller, countEvents }: PostEvent,
): Promise<Reply> {
  const prepared = prepareEvent(services, caller.account_id, body, headers['Idempotency-Key']);
  const event = await withinDeadline(prepared, rulesDeadlineMs);
  assertEventFits(() => event.data, caller);
  await countEvents(1);
  const acceptance = await services.intake.accept(event);
  if (acceptance.outcome === 'conflict') throw keyConflict(acceptance.key, { header: 'Idempotency-Key' });
  await services.eventTypes.noteSeen(caller.account_id, [event.type]);
  const { event_id } = acceptance;
  return { status: 202, body: acceptedEvent(event, acceptance), logged: { event_id } };
}

const getEvents = route({
  method: 'get',
  path: '/v1/events',
  name: 'listEvents',
  tag,
  summary: 'List events, newest first',
  description:
    'What is looked for may be rare: a request looks at some ten thousand events at most, and says with `searched_until` how far ' +
    'it came when there are more.',
  access: 'account',
  query: eventQuery,
  responses: { 200: { description: 'A page of events', schema: eventPageSchema } },
  async handle({ db }, { query, caller, hasLeft }) {
    const { type, channel, status, since, until, q } = query;
    const filter = { type, channel, status, since, until, q };
    const page = await searchEvents(db, caller.account_id, filter, pageOf(query), hasLeft);
    return { status: 200, body: { ...page, data: page.data.map(shown) } };
  },
});

const getEvent = route({
  method: 'get',
  path: '/v1/events/{id}',
  name: 'getEvent',
  tag,
  summary: 'Get an event with its deliveries',
  access: 'account',
  params: eventParams,
  responses: { 200: { description: 'The event', schema: eventSchema } },
  async handle({ db }, { params, caller }) {
    const event = await findEvent(db, caller.account_id, params.id);
    if (event === undefined) throw notFound('event');
    const deliveries = await listDeliveriesOfEvent(db, caller.account_id, event.id);
    return { status: 200, body: shownEvent(event, deliveries) };
  },
});

/** An event as it is shown by itself. */
export function shownEvent(event: StoredEvent, deliveries: readonly Delivery[]) {
  const { data, filtered_out } = event;
  return { ...shown(event), data: JSON.parse(data), deliveries, filtered_out: filtered_out ?? [] };
}

function shown(event: EventSummary) {
  const { id, client_id, type, channel, is_test, status, deliver_at, expires_at, created_at } = event;
  return { id: client_id ?? id, type, channel, is_test, status, deliver_at, expires_at, created_at };
}

export const eventRoutes: Route[] = [postEvent, getEvents, getEvent];
