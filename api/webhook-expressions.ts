import type { Caller } from '../db/api-keys.ts';
import { findEvent } from '../db/events.ts';
import { newId } from '../db/ids.ts';
import { findWebhook } from '../db/webhooks.ts';
import { eventToSend } from '../delivery/event-to-send.ts';
import type { EventForExpression } from '../delivery/expressions.ts';
import { describeRefusal, type ExpressionKind, isPassing } from '../webhook/expressions.ts';
import type { Profile } from '../webhook/profile.ts';
import { defaultProfileName, profiles } from '../webhook/profiles.ts';
import { UnsendableEventError } from '../webhook/unsendable-event.ts';
import { type FieldError, invalidBody, notFound, unavailable } from './problems.ts';
import { type Route, route, type Services } from './routes.ts';
import {
  type ExpressionTrialBody,
  expressionTrialSchema,
  triedExpressionsSchema,
} from './webhook-expressions.schemas.ts';
import { profileOf } from './webhook-settings.ts';

/** Whoever tries an expression waits for so long at most, in ms, until it is run. */
const patienceMs = 5_000;

/**
 * Whether the expressions that a body names compile.
 * @throws Problem 422 that names the field, 503 when that cannot be said now
 */
export async function assertExpressionsCompile(
  { expressions }: Pick<Services, 'expressions'>,
  { account_id }: Caller,
  body: { filter?: string | null | undefined; transformation?: string | null | undefined },
): Promise<void> {
  const errors: FieldError[] = [];
  for (const kind of ['filter', 'transformation'] as const satisfies ExpressionKind[]) {
    const expression = body[kind];
    if (typeof expression !== 'string') continue;
    const failure = await expressions.check(account_id, kind, expression);
    if (failure === undefined) continue;
    if (isPassing(failure))
      throw unavailable('expression_not_checked', `The ${kind} was not checked: ${failure.message}`);
    errors.push({ pointer: `/${kind}`, detail: describeRefusal(failure) });
  }
  if (errors.length > 0) throw invalidBody(errors);
}

const postTrial = route({
  method: 'post',
  path: '/v1/webhooks/try-expressions',
  name: 'tryExpressions',
  tag: 'Webhooks',
  summary: 'Try a filter and a transformation on an event',
  description:
    'One that was posted, or one made up. Answers what the filter says, and the body before and after the transformation; where an ' +
    'expression fails, or does not compile, the answer says where and why. Nothing is sent, and nothing stored.',
  access: 'account',
  scope: 'webhooks:read',
  body: expressionTrialSchema,
  responses: { 200: { description: 'What came of it', schema: triedExpressionsSchema } },
  problems: { 404: 'There is no such webhook or event, or it is another account’s' },
  async handle(services, { body, caller }) {
    const { account_id } = caller;
    const { profile, filter, transformation } = await expressionsOf(services, caller, body);
    const event = await eventOf(services, caller, body);
    const plain = bodyOf(profile, event);
    const run = { account_id, event, patienceMs };
    const filtered =
      filter === null ? null : await services.expressions.filter({ ...run, expression: filter });
    const transformed =
      transformation === null || plain === null
        ? null
        : await services.expressions.transform({ ...run, expression: transformation, body: plain });
    return {
      status: 200,
      body: {
        event: shownEvent(event),
        filter: filtered && { passes: null, failure: null, ...filtered },
        body: plain,
        transformation: transformed && { body: null, failure: null, ...transformed },
      },
    };
  },
});

/** Those that are given, and where none are, the webhook's. */
async function expressionsOf(services: Services, { account_id }: Caller, body: ExpressionTrialBody) {
  const { webhook_id, filter, transformation } = body;
  const given: Profile | undefined = body.profile && profiles[body.profile];
  if (webhook_id === undefined) {
    const profile = given ?? profiles[defaultProfileName];
    return { profile, filter: filter ?? null, transformation: transformation ?? null };
  }
  const webhook = await findWebhook(services.db, services.sealer, account_id, webhook_id);
  if (webhook === undefined) throw notFound('webhook');
  return {
    profile: given ?? profileOf(webhook),
    filter: filter === undefined ? webhook.filter : filter,
    transformation: transformation === undefined ? webhook.transformation : transformation,
  };
}

async function eventOf(
  { db, now }: Services,
  { account_id }: Caller,
  { event_id, event }: ExpressionTrialBody,
): Promise<EventForExpression> {
  if ((event_id === undefined) === (event === undefined)) {
    throw invalidBody([{ pointer: '/event_id', detail: 'must be given, or else event must be' }]);
  }
  if (event !== undefined) {
    const { type, channel = null, data } = event;
    return {
      id: newId('evt'),
      client_id: null,
      type,
      channel,
      data: JSON.stringify(data),
      created_at: now(),
    };
  }
  const stored = event_id === undefined ? undefined : await findEvent(db, account_id, event_id);
  if (stored === undefined) throw notFound('event');
  return stored;
}

function bodyOf(profile: Profile, event: EventForExpression): string | null {
  try {
    return profile.body(eventToSend(event));
  } catch (error) {
    if (error instanceof UnsendableEventError) return null;
    throw error;
  }
}

function shownEvent({ id, client_id, type, channel, created_at, data }: EventForExpression) {
  return { id: client_id ?? id, type, channel, created_at, data: JSON.parse(data) };
}

export const webhookExpressionRoutes: Route[] = [postTrial];
