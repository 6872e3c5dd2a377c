import type { LoadedDelivery } from '../db/due-deliveries.ts';
import { idempotencyKeyOf } from '../webhook/idempotency-key.ts';
import type { EventToSend } from '../webhook/profile.ts';

/** An event, as it is stored, in the form in which receivers are shown it. */
export function eventToSend(event: Omit<LoadedDelivery['event'], 'is_test'>): EventToSend {
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
