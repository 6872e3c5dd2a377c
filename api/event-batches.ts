import { setImmediate as nextTurn } from 'node:timers/promises';
import type { z } from 'zod';
import type { Acceptance, NewEvent } from '../db/accept-events.ts';
import type { Caller } from '../db/api-keys.ts';
import { acceptedEvent, keyConflict, prepareEvent } from './accept-event.ts';
import { assertEventFits } from './account-limits.ts';
import {
  batchedEventSchema,
  batchResultSchema,
  batchSchema,
  describedBatchSchema,
  mostBatchBytes,
  mostBatchedEvents,
  mostEventBytes,
} from './event-batches.schemas.ts';
import { jsonLimitErrors } from './json-limits.ts';
import { type FieldError, invalidBody, Problem, problemDocument } from './problems.ts';
import { type Route, route, type Services } from './routes.ts';
import { parseBody } from './validation.ts';

const postBatch = route({
  method: 'post',
  path: '/v1/events/batch',
  name: 'postEvents',
  tag: 'Events',
  summary: 'Post up to 1,000 events for delivery',
  description:
    `1 to ${mostBatchedEvents} events, each as it would be posted by itself and with its \`idempotency_key\` as a field. ` +
    'Those that are taken are stored in one transaction, and the answer has a result for each, in their order: `accepted`, ' +
    '`repeated` (accepted before, under the same id or key), or `refused` with the problem that it would have been answered ' +
    'with by itself. An event that is refused does not affect the others. A batch may be posted again as a whole: what has an ' +
    'id or a key is not stored twice.',
  access: 'account',
  scope: 'events:write',
  body: batchSchema,
  describedBody: describedBatchSchema,
  mostBodyBytes: mostBatchBytes,
  checksOwnValues: true,
  responses: { 200: { description: 'Every event was judged', schema: batchResultSchema } },
  async handle(services, { body, caller, countEvents }) {
    const judged = await judgeEach(services, caller, body.events);
    const events = judged.flatMap((one) => (one instanceof Problem ? [] : one));
    await countEvents(events.length);
    const acceptances = await services.intake.acceptAll(events);
    await services.eventTypes.noteSeen(caller.account_id, new Set(events.map(({ type }) => type)));
    const results = judged.map((one, index) => {
      if (one instanceof Problem) return refused(one, index);
      const acceptance = acceptances.shift() as Acceptance;
      if (acceptance.outcome === 'conflict') {
        return refused(keyConflict(acceptance.key, { pointer: '/idempotency_key' }), index);
      }
      return { status: acceptance.outcome, ...acceptedEvent(one, acceptance) };
    });
    return { status: 200, body: { results } };
  },
});

/** Events that are checked before other requests have a turn. */
const checkedAtOnce = 50;

/** What each is stored as, or why it is refused. */
async function judgeEach(
  services: Services,
  caller: Caller,
  bodies: readonly unknown[],
): Promise<(NewEvent | Problem)[]> {
  const judged: (NewEvent | Problem)[] = [];
  for (const body of bodies) {
    judged.push(await judge(services, caller, body));
    if (judged.length % checkedAtOnce === 0) await nextTurn();
  }
  return judged;
}

async function judge(services: Services, caller: Caller, body: unknown): Promise<NewEvent | Problem> {
  try {
    const errors = jsonLimitErrors(body);
    if (errors.length > 0) throw invalidBody(errors);
    const { idempotency_key, ...event }: z.output<typeof batchedEventSchema> = parseBody(
      batchedEventSchema,
      body,
    );
    const prepared = await prepareEvent(services, caller.account_id, event, idempotency_key);
    if (Buffer.byteLength(prepared.data) > mostEventBytes) throw tooLarge();
    assertEventFits(() => prepared.data, caller);
    return prepared;
  } catch (error) {
    // What is wrong with us is no result of the event's: then the batch may be posted again.
    if (error instanceof Problem && error.options.status < 500) return error;
    throw error;
  }
}

function tooLarge(): Problem {
  return new Problem({
    status: 413,
    code: 'body_too_large',
    detail: `The data of an event may have at most ${mostEventBytes} bytes`,
    errors: [{ pointer: '/data', detail: `has more than ${mostEventBytes} bytes` }],
  });
}

/** The problem, with pointers into the whole body. */
function refused({ options }: Problem, index: number) {
  const { status, code, detail, errors, members } = options;
  const inBody = (error: FieldError): FieldError =>
    'pointer' in error ? { ...error, pointer: `/events/${index}${error.pointer}` } : error;
  return {
    status: 'refused' as const,
    problem: problemDocument({
      ...{ status, code, detail },
      ...(errors === undefined ? {} : { errors: errors.map(inBody) }),
      ...(members === undefined ? {} : { members }),
    }),
  };
}

export const eventBatchRoutes: Route[] = [postBatch];
