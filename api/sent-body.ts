import type { SentEvent } from '../db/deliveries.ts';
import { eventToSend } from '../delivery/event-to-send.ts';
import { UnsendableEventError } from '../webhook/unsendable-event.ts';
import { profileOf } from './webhook-settings.ts';

/** The body that every attempt of a delivery sent, made anew; null when its profile cannot express the event. */
export function sentBody({ profile, event }: SentEvent): string | null {
  try {
    return profileOf({ profile }).body(eventToSend(event));
  } catch (error) {
    if (error instanceof UnsendableEventError) return null;
    throw error;
  }
}
