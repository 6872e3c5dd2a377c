import { isJsonObject } from '../json.ts';
import type { Profile } from '../profile.ts';
import { UnsendableEventError } from '../unsendable-event.ts';
import { inboxRetrySchedule } from './inbox.ts';

/** Seed 004: the data's own fields stand beside `event`, so the data must be an object. */
export const omnichannel: Profile = {
  name: 'omnichannel',
  body: ({ type, data }) => {
    if (!isJsonObject(data)) throw new UnsendableEventError('data is not an object');
    // Named twice so that `event` comes first and a field of that name in the data cannot replace the type.
    return JSON.stringify({ ...{ event: type }, ...data, event: type });
  },
  signs: ['standard-webhooks'],
  retrySchedule: inboxRetrySchedule,
  timeoutMs: 10_000,
  neverRetried: {},
  carries: 'any',
  httpsOnly: false,
  authTypes: ['none', 'basic', 'bearer', 'oauth2'],
  health: { count: 'deliveries', failures: 5, min_failing_ms: 0, reenable: 'manual' },
  catalogue: [
    {
      type: 'newMessage',
      description: 'A new message came into a channel',
      example: {
        message: {
          sender: { name: 'Message Sender', authUser: false, lastActivity: '2022-01-29T07:27:52.676Z' },
          externalId: null,
          content: 'Hello World!',
          contentType: 'TEXT',
          imageUrl: null,
          videoUrl: null,
          documentUrl: null,
          audioUrl: null,
          quoted_message_id: null,
          conversation_id: 'bf9d96d9-e495-489a-a22a-206b0ea44d90',
        },
        conversation: {
          id: 'bf9d96d9-e495-489a-a22a-206b0ea44d90',
          subject: null,
          agent: null,
          customer: { name: 'Customer name', email: 'customer@mail.com' },
          lastMessageAt: '2022-01-29T07:27:52.793Z',
          status: 'in-queue',
          country: 'NG',
          read: false,
          createdAt: '2022-01-29T07:18:58.172Z',
          updatedAt: '2022-01-29T07:27:52.794Z',
          agent_id: null,
          Channel: {
            id: '8bad2edc-2973-4cec-8f33-a17c54dc0686',
            phone: null,
            identifier: 'Identifier',
            medium: 'WHATSAPP',
            credentials: null,
            description: 'Whatsapp Channel',
            name: 'Channel name',
            type: 'CUSTOM',
            provider: null,
            country: 'NG',
            env: 'LIVE',
            status: 'ACTIVE',
            webhookUrl: 'https://webhook.url',
          },
        },
      },
    },
  ],
};
