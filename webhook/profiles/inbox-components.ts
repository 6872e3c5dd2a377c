import { isJsonObject } from '../json.ts';
import type { JsonValue, Profile } from '../profile.ts';

/** Seed 002. Its envelope's `id` is the id of what the event is about, where the data has one. */
export const inboxComponents: Profile = {
  name: 'inbox-components',
  body: ({ id, type, data, idempotencyKey }) =>
    JSON.stringify({
      id: idOf(data) ?? id,
      event: type,
      data,
      idempotency_key: idempotencyKey(),
    }),
  signs: ['standard-webhooks'],
  // "up to 5 times with exponential backoff" gives no figures: 30 s, 2 min, 8 min, 32 min, 2 h.
  retrySchedule: { initialMs: 30_000, factor: 4, maxMs: 7_200_000, attempts: 6, jitter: 0 },
  timeoutMs: 10_000,
  neverRetried: {},
  carries: 'any',
  httpsOnly: true,
  authTypes: ['none', 'basic', 'bearer', 'oauth2'],
  health: { count: 'attempts', failures: 5, min_failing_ms: 0, reenable: 'manual' },
  catalogue: [
    { type: 'message.sent', description: 'A new message was sent', example: exampleMessage(true) },
    { type: 'message.received', description: 'A message was received', example: exampleMessage(false) },
  ],
};

function idOf(data: JsonValue): string | number | undefined {
  const id = isJsonObject(data) ? data.id : undefined;
  return typeof id === 'string' || typeof id === 'number' ? id : undefined;
}

function exampleMessage(isSent: boolean): JsonValue {
  return {
    conversation_id: '0195f0b1-5f4c-7bbe-8826-de31472446d0',
    id: '0195f17d-0031-7b10-ac8b-454e0f57a85d',
    modified_at: 1743513255,
    date: 1743513245,
    type: 'whatsapp',
    metadata: [],
    attachments: [],
    is_sent: isSent,
    is_hidden: false,
    is_event: false,
    event_type: null,
    account_id: '01951e90-1435-7169-8388-37827397b7a2',
    inline_attachments: [],
    body: 'test',
    from: [{ name: 'Micheal Scott', profilePicture: 'example.com/picture.jpg' }],
    snippet: 'test',
    is_supported: true,
    reactions: [],
    quote: null,
    deleted: false,
    provider_id: 'rhfds2435rasdd',
    custom: [],
  };
}
