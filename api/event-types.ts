import { actorOf } from '../db/api-keys.ts';
import {
  deleteEventType,
  findEventType,
  listEventTypes,
  mostEventTypes,
  putEventType,
  type StoredEventType,
} from '../db/event-types.ts';
import type { AccountId } from '../db/ids.ts';
import type { CatalogueEntry } from '../webhook/profile.ts';
import { catalogueEntry, eventCatalogue } from '../webhook/profiles.ts';
import {
  cursorOf,
  eventTypeDescriptionSchema,
  eventTypePageSchema,
  eventTypeParams,
  eventTypeQuery,
  eventTypeSchema,
} from './event-types.schemas.ts';
import { usualPerPage } from './fields.schemas.ts';
import { fieldErrors, SchemaNotUsable } from './json-schema.ts';
import { conflict, invalidBody, notFound } from './problems.ts';
import { type Route, route, type Services } from './routes.ts';
import { LimitExceeded } from './time-limit.ts';

const tag = 'Event types';

const getEventTypes = route({
  method: 'get',
  path: '/v1/event-types',
  name: 'listEventTypes',
  tag,
  summary: 'List event types by name',
  description: 'The built-in ones, the account’s own, and those that were only seen in its events.',
  access: 'account',
  query: eventTypeQuery,
  responses: { 200: { description: 'A page of event types', schema: eventTypePageSchema } },
  async handle({ db }, { query, caller }) {
    const { limit = usualPerPage, cursor: after = '' } = query;
    // A few more, since a built-in one may take the place of one that was seen.
    const most = limit + 1 + eventCatalogue.length;
    const stored = await listEventTypes(db, caller.account_id, { limit: most, after });
    const builtIn = eventCatalogue.filter(({ type }) => type > after).map(shownBuiltIn);
    const described = stored.filter(({ in_catalogue }) => in_catalogue).map(({ name }) => name);
    const builtInNames = builtIn.map(({ name }) => name);
    const rows = [
      ...builtIn.filter(({ name }) => !described.includes(name)),
      ...stored
        .filter(({ name, in_catalogue }) => in_catalogue || !builtInNames.includes(name))
        .map(shownStored),
    ].sort((a, b) => (a.name < b.name ? -1 : 1));
    const data = rows.slice(0, limit);
    const last = data.at(-1);
    const next_cursor = last !== undefined && rows.length > limit ? cursorOf(last.name) : null;
    return { status: 200, body: { data, next_cursor } };
  },
});

const getEventType = route({
  method: 'get',
  path: '/v1/event-types/{name}',
  name: 'getEventType',
  tag,
  summary: 'Get an event type',
  access: 'account',
  params: eventTypeParams,
  responses: { 200: { description: 'The event type', schema: eventTypeSchema } },
  async handle({ db }, { params, caller }) {
    const stored = await findEventType(db, caller.account_id, params.name);
    const builtIn = catalogueEntry(params.name);
    if (builtIn !== undefined && stored?.in_catalogue !== true) {
      return { status: 200, body: shownBuiltIn(builtIn) };
    }
    if (stored === undefined) throw notFound('event type');
    return { status: 200, body: shownStored(stored) };
  },
});

const putOwnEventType = route({
  method: 'put',
  path: '/v1/event-types/{name}',
  name: 'describeEventType',
  tag,
  summary: 'Describe an event type in the account’s own catalogue',
  description:
    'What is absent falls away. Compiling the schema is ended after 1 s, and checking an event by it after 0.2 s; an ' +
    'account whose schema has taken longer has its next checks refused with 503 for 10 s.',
  access: 'account',
  isForKeysOnly: true,
  params: eventTypeParams,
  body: eventTypeDescriptionSchema,
  responses: {
    200: { description: 'The event type as it now is', schema: eventTypeSchema },
    201: { description: 'The event type, which was not in the account’s catalogue', schema: eventTypeSchema },
  },
  problems: { 409: `The account describes ${mostEventTypes} types already` },
  async handle({ db, eventTypes, now }, { params, body, caller }) {
    const example = body.example ?? null;
    const schema = body.schema ?? null;
    if (schema !== null) refuseUnlessUsable(eventTypes, caller.account_id, schema, example);
    const put = await putEventType(
      db,
      caller.account_id,
      {
        name: params.name,
        description: body.description,
        example: example === null ? null : JSON.stringify(example),
        json_schema: schema,
      },
      { actor: actorOf(caller), now: now() },
    );
    if (put === 'full') {
      throw conflict('too_many_event_types', `An account describes at most ${mostEventTypes} event types`);
    }
    eventTypes.forget();
    return { status: put.is_new ? 201 : 200, body: shownStored(put.entry) };
  },
});

/** The schema must compile, and the example fit it. */
function refuseUnlessUsable(
  eventTypes: Services['eventTypes'],
  accountId: AccountId,
  schema: object,
  example: unknown,
): void {
  try {
    const check = eventTypes.compile(accountId, schema);
    const faults = example === null ? [] : check(example);
    if (faults.length > 0) throw invalidBody(fieldErrors(faults, '/example'));
  } catch (error) {
    if (error instanceof SchemaNotUsable) throw invalidBody(fieldErrors([...error.faults], '/schema'));
    if (error instanceof LimitExceeded) {
      throw invalidBody([
        { pointer: '/schema', detail: 'takes too long to compile, or to check the example' },
      ]);
    }
    throw error;
  }
}

const removeEventType = route({
  method: 'delete',
  path: '/v1/event-types/{name}',
  name: 'deleteEventType',
  tag,
  summary: 'Take an event type out of the account’s own catalogue',
  description:
    'A built-in type of that name then holds again; else the type is as if it had never been seen.',
  access: 'account',
  isForKeysOnly: true,
  params: eventTypeParams,
  responses: { 204: { description: 'It is no longer in the account’s own catalogue' } },
  async handle({ db, eventTypes }, { params, caller }) {
    if (!(await deleteEventType(db, caller.account_id, params.name, actorOf(caller))))
      throw notFound('own event type');
    eventTypes.forget();
    return { status: 204 };
  },
});

function shownBuiltIn({ type, description, example, schema = null }: CatalogueEntry) {
  return {
    ...{ name: type, description, example, schema, source: 'built_in' as const },
    ...{ created_at: null, updated_at: null },
  };
}

function shownStored(stored: StoredEventType) {
  const { name, description, json_schema, in_catalogue, created_at, updated_at } = stored;
  return {
    ...{ name, description, example: stored.example === null ? null : JSON.parse(stored.example) },
    ...{ schema: json_schema, source: in_catalogue ? ('own' as const) : ('seen' as const) },
    ...{ created_at, updated_at },
  };
}

export const eventTypeRoutes: Route[] = [getEventTypes, getEventType, putOwnEventType, removeEventType];
