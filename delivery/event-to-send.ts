import type { LoadedDelivery } from '../db/due-deliveries.ts';
import { idempotencyKeyOf } from '../webhook/idempotency-key.ts';
import type { EventToSend, Profile } from '../webhook/profile.ts';

type StoredEvent = Omit<LoadedDelivery['event'], 'is_test'>;

interface Made {
  of: StoredEvent;
  event: EventToSend;
  bodies: Map<Profile['body'], string>;
}

/** An event's deliveries begin one after the other: what was made for the first of them serves the others. */
let last: Made | undefined;

/** An event, as it is stored, in the form in which receivers are shown it. */
export function eventToSend(stored: StoredEvent): EventToSend {
  if (last?.of !== stored) last = { of: stored, event: shown(stored), bodies: new Map() };
  return last.event;
}

/**
 * The body that a profile gives the event, made once for those that ask one after the other.
 * @throws UnsendableEventError
 */
export function bodyByProfile({ body }: Pick<Profile, 'body'>, event: EventToSend): string {
  const bodies = last?.event === event ? last.bodies : undefined;
  const known = bodies?.get(body);
  if (known !== undefined) return known;
  const made = body(event);
  bodies?.set(body, made);
  return made;
}

function shown(event: StoredEvent): EventToSend {
  return {
    id: event.client_id ?? event.id,
    type: event.type,
    channel: event.channel,
    createdAt: event.created_at,
    data: JSON.parse(event.data),
    // Few dialects show it.
    idempotencyKey: () => idempotencyKeyOf(event.id),
  };
}
