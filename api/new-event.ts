import { createHash } from 'node:crypto';
import type { NewEvent } from '../db/accept-events.ts';
import { type AccountId, newId, timeOf, type WebhookId } from '../db/ids.ts';

/** What a producer, or someone who tests a webhook, asks to be delivered. */
export interface EventRequest {
  account_id: AccountId;
  type: string;
  channel: string | null;
  data: unknown;
  client_id?: string | undefined;
  /** The Idempotency-Key header. */
  key?: string | undefined;
  only_webhook?: WebhookId;
  deliver_at?: Date | undefined;
  expires_at?: Date | undefined;
}

/** Names and times an event. With `only_webhook` it is a test event. */
export function newEvent({
  account_id,
  type,
  channel,
  data,
  client_id,
  key,
  only_webhook,
  deliver_at,
  expires_at,
}: EventRequest): NewEvent {
  const id = newId('evt');
  const idempotencyKeys = [
    ...(client_id === undefined ? [] : [`id:${client_id}`]),
    ...(key === undefined ? [] : [`key:${key}`]),
  ];
  const times =
    deliver_at === undefined && expires_at === undefined
      ? []
      : [deliver_at?.toISOString() ?? null, expires_at?.toISOString() ?? null];
  return {
    id,
    account_id,
    client_id: client_id ?? null,
    type,
    channel,
    data: JSON.stringify(data),
    is_test: only_webhook !== undefined,
    created_at: timeOf(id),
    only_webhook: only_webhook ?? null,
    about_webhook: null,
    idempotency_keys: idempotencyKeys,
    request_hash:
      idempotencyKeys.length === 0 ? '' : hashOf([client_id ?? null, type, channel, data, ...times]),
    ...(deliver_at === undefined ? {} : { deliver_at }),
    ...(expires_at === undefined ? {} : { expires_at }),
  };
}

/** SHA-256 over the JSON with the fields of objects sorted: some producers write them in another order each time. */
function hashOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(value)))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.entries(value)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, item]) => [name, sorted(item)]);
}
