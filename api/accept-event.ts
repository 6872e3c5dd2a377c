import type { z } from 'zod';
import type { Acceptance, NewEvent } from '../db/accept-events.ts';
import { isRepeat } from '../db/claim-keys.ts';
import { findEventId } from '../db/events.ts';
import { type AccountId, isId, timeOf } from '../db/ids.ts';
import { timeErrors } from './event-times.ts';
import type { newEventSchema } from './events.schemas.ts';
import { newEvent } from './new-event.ts';
import { conflict, invalidBody, type Problem } from './problems.ts';
import type { Services } from './routes.ts';

/**
 * Makes an event of what a producer posted, if the account takes it.
 * @throws Problem 409 for an id that is another event's here, 422 for a time at which it cannot go out or expire, and what the account's
 * event types refuse it with
 */
export async function prepareEvent(
  { db, eventTypes, now }: Pick<Services, 'db' | 'eventTypes' | 'now'>,
  account_id: AccountId,
  body: z.output<typeof newEventSchema>,
  key: string | undefined,
): Promise<NewEvent> {
  if (body.id !== undefined && isId('evt', body.id)) {
    const holder = await findEventId(db, account_id, body.id);
    if (holder === body.id) throw idTaken('event_id_taken', 'Another event was given this id here');
  }
  await eventTypes.check(account_id, body.type, body.data);
  const event = newEvent({
    account_id,
    type: body.type,
    channel: body.channel ?? null,
    data: body.data,
    client_id: body.id,
    key,
    deliver_at: body.deliver_at ?? undefined,
    expires_at: body.expires_at ?? undefined,
  });
  const errors = timeErrors(event, now());
  // A repeat gets the first answer, also when its time has come since.
  if (errors.length > 0 && !(await isRepeat(db, event))) throw invalidBody(errors);
  return event;
}

/** What a producer is told of an event that was accepted, now or before: made of what a repeat holds too. */
export function acceptedEvent(event: NewEvent, { event_id }: Exclude<Acceptance, { outcome: 'conflict' }>) {
  return {
    id: event.client_id ?? event_id,
    type: event.type,
    channel: event.channel,
    deliver_at: event.deliver_at ?? null,
    expires_at: event.expires_at ?? null,
    created_at: timeOf(event_id),
  };
}

/** The problem of a key that was used for another event: the event's id, or the key that came in `keyField`. */
export function keyConflict(key: string, keyField: { header: string } | { pointer: string }): Problem {
  const detail = 'was used before for an event with other content';
  if (key.startsWith('id:')) return idTaken('idempotency_conflict', detail);
  return conflict(
    'idempotency_conflict',
    'The idempotency key was used before for an event with other content',
    [{ ...keyField, detail }],
  );
}

function idTaken(code: string, detail: string): Problem {
  return conflict(code, 'The event id was used before for another event', [{ pointer: '/id', detail }]);
}
