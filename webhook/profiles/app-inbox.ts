import { isJsonObject } from '../json.ts';
import type { JsonValue, Profile } from '../profile.ts';
import { UnsendableEventError } from '../unsendable-event.ts';
import { inboxRetrySchedule } from './inbox.ts';

/** The one event type of this dialect; its data is `{externalCustomerId, messages}`. */
export const inboxMessagesType = 'inbox.messages';

/** A contact's message, its fields as the documents name them. Those that a message may lack are absent, not null. */
export interface AppInboxMessage {
  externalCustomerId: string;
  /** A UUID, the interaction id: it is what a status is set by. */
  id: string;
  /** In ms since 1970. */
  createdDate: number;
  title?: string | undefined;
  content?: string | undefined;
  image?: string | undefined;
  link?: string | undefined;
  category?: string | undefined;
  customData?: string | undefined;
}

/** A message's fields in the order in which seed 000 lists them, with their JSON types. */
const fields = {
  externalCustomerId: 'string',
  id: 'string',
  createdDate: 'integer',
  title: 'string',
  content: 'string',
  image: 'string',
  link: 'string',
  category: 'string',
  customData: 'string',
} as const satisfies Record<keyof AppInboxMessage, string>;

/**
 * Seeds 000 and 001. The body is the list of a contact's available messages, as the caller limited and
 * sorted it; fields that the documents do not name are left out, and so are those that a message lacks.
 */
export const appInbox: Profile = {
  name: 'app-inbox',
  body: ({ data }) => JSON.stringify(messagesOf(data).map(documentedFields)),
  signs: ['standard-webhooks'],
  retrySchedule: inboxRetrySchedule,
  timeoutMs: 10_000,
  neverRetried: { 400: 'the receiver could not process the payload, and such requests are not retried' },
  carries: [inboxMessagesType],
  httpsOnly: false,
  authTypes: ['none', 'basic'],
  registration: {
    fields: ['url', 'auth'],
    authTypes: ['basic'],
    authRefusal: 'Supported basic type only',
  },
  health: { count: 'deliveries', failures: 5, min_failing_ms: 0, reenable: 'manual' },
  catalogue: [
    {
      type: inboxMessagesType,
      description: "The list of a contact's available App Inbox messages changed",
      example: {
        externalCustomerId: 'customer-42',
        messages: [
          {
            externalCustomerId: 'customer-42',
            id: '5f2d1c1e-8a0b-4b57-9c3e-2f6f0d9a7b11',
            createdDate: 1736936703000,
            title: 'Your order is on its way',
            content: 'Order A-123 left our warehouse today.',
            image: 'https://example.com/images/parcel.png',
            link: 'https://example.com/orders/A-123',
            category: 'orders',
            customData: '{"order_id":"A-123"}',
          },
        ],
      },
      schema: {
        type: 'object',
        required: ['externalCustomerId', 'messages'],
        properties: {
          externalCustomerId: { type: 'string', minLength: 1 },
          messages: {
            type: 'array',
            items: {
              type: 'object',
              required: ['externalCustomerId', 'id', 'createdDate'],
              properties: Object.fromEntries(Object.entries(fields).map(([name, type]) => [name, { type }])),
            },
          },
        },
      },
    },
  ],
};

function messagesOf(data: JsonValue): readonly JsonValue[] {
  const messages = isJsonObject(data) ? data.messages : undefined;
  if (!Array.isArray(messages)) throw new UnsendableEventError('data.messages is not a list');
  return messages;
}

function documentedFields(message: JsonValue): JsonValue {
  if (!isJsonObject(message))
    throw new UnsendableEventError('data.messages holds something else than messages');
  return Object.fromEntries(
    Object.keys(fields).flatMap((name) => {
      const value = Object.hasOwn(message, name) ? message[name] : undefined;
      return value === undefined ? [] : [[name, value]];
    }),
  );
}
