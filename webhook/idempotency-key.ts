import { createHash } from 'node:crypto';

/**
 * The key that receivers of `inbox-components` tell repeats by (seed 002): 64 hex digits, SHA-256 over
 * the event's own `evt_…` id, which never changes and is no other event's.
 */
export function idempotencyKeyOf(internalEventId: string): string {
  return createHash('sha256').update(internalEventId).digest('hex');
}
