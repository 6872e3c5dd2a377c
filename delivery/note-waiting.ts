import { isLimited } from '../webhook/endpoint-limits.ts';
import type { EndpointLimiter, LimitedWebhook } from './endpoint-limiter.ts';
import type { EndpointSlots } from './endpoint-slots.ts';

/** For so long, in ms, it is sure that what has just been put off waits, or what is being sent. */
export const waitingKnownMs = 1_000;

/** Tells whoever gives out an endpoint's turns that deliveries wait for it in the database; for `forMs` that is sure. */
export function noteWaiting(
  {
    limiter,
    slots,
  }: { limiter: Pick<EndpointLimiter, 'noteWaiting'>; slots: Pick<EndpointSlots, 'noteWaiting'> },
  webhook: LimitedWebhook,
  forMs: number,
): void {
  if (isLimited(webhook)) limiter.noteWaiting(webhook, forMs);
  else slots.noteWaiting(webhook.id, forMs);
}
