import type { z } from 'zod';
import { listDeliveriesOfEvent } from '../db/deliveries.ts';
import { type EventSummary, findEvent, findEventId, listEvents } from '../db/events.ts';
import { isId, timeOf } from '../db/ids.ts';
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
import { newEvent } from './new-event.ts';
import { conflict, notFound } from './problems.ts';
import { type Reply, type Route, type RouteRequest, route, type Services } from './routes.ts';

const tag = 'Events';

const postEvent = route({
  method: 'post',
  path: '/v1/events',
  name: 'postEvent',
  tag,
  summary: 'Post an event for delivery',
  description:
    'Answered once the event and its deliveries are stored; they go out at once. A repeat, told by `Idempotency-Key` ' +
    'or the event’s own `id`, gets the first answer. Data that does not fit the JSON Schema of its type (see Event types) ' +
    'is refused, and so is a type that is in no catalogue when the account is strict.',
  access: 'account',
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

async function acceptEvent(services: Services, { body, headers, caller }: PostEvent): Promise<Reply> {
  const event = newEvent({
    account_id: caller.account_id,
    type: body.type,
    channel: body.channel ?? null,
    data: body.data,
    client_id: body.id,
    key: headers['Idempotency-Key'],
  });
  if (body.id !== undefined && isId('evt', body.id)) {
    const holder = await findEventId(services.db, caller.account_id, body.id);
    if (holder === body.id) throw idTaken('event_id_taken', 'Another event was given this id here');
  }
  await services.eventTypes.check(caller.account_id, event.type, body.data);
  const acceptance = await services.intake.accept(event);
  if (acceptance.outcome === 'conflict') throw keyConflict(acceptance.key);
  await services.eventTypes.noteSeen(caller.account_id, event.type);
  // Made of what a repeat holds too, so that its answer is the same.
  return {
    status: 202,
    body: {
      id: event.client_id ?? acceptance.event_id,
      type: event.type,
      channel: event.channel,
      created_at: timeOf(acceptance.event_id),
    },
  };
}

function keyConflict(key: string) {
  const detail = 'was used before for an event with other content';
  if (key.startsWith('id:')) return idTaken('idempotency_conflict', detail);
  return conflict(
    'idempotency_conflict',
    'The Idempotency-Key was used before for an event with other content',
    [{ header: 'Idempotency-Key', detail }],
  );
}

function idTaken(code: string, detail: string) {
  return conflict(code, 'The event id was used before for another event', [{ pointer: '/id', detail }]);
}

const getEvents = route({
  method: 'get',
  path: '/v1/events',
  name: 'listEvents',
  tag,
  summary: 'List events, newest first',
  access: 'account',
  query: eventQuery,
  responses: { 200: { description: 'A page of events', schema: eventPageSchema } },
  async handle({ db }, { query, caller }) {
    const page = await listEvents(db, caller.account_id, query, pageOf(query));
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
    return { status: 200, body: { ...shown(event), data: JSON.parse(event.data), deliveries } };
  },
});

function shown({ id, client_id, type, channel, is_test, created_at }: EventSummary) {
  return { id: client_id ?? id, type, channel, is_test, created_at };
}

export const eventRoutes: Route[] = [postEvent, getEvents, getEvent];
