import {
  appInboxMessage,
  inboxComponentsEvents,
  inboxEvents,
  newMessage,
  registration,
} from './documents.ts';

/** How a receiver answers: a status, or nothing until the sender's patience is over. */
export type Behaviour = number | 'timeout';

/** A webhook to register, and how its receiver behaves: `answers` in turn, then 200. */
export interface DemoWebhook {
  readonly name: string;
  readonly path: string;
  /** The body of `POST /v1/webhooks`, but for the URL. */
  readonly request: { readonly events: readonly string[]; readonly [field: string]: unknown };
  readonly answers: readonly Behaviour[];
  readonly basicAuth?: { readonly username: string; readonly password: string };
  /** Whether the dialect's own signature, `X-Inbox-Signature`, is on every request. */
  readonly signsAsInbox: boolean;
}

/** An event to post, and the body that must arrive. */
export interface DemoEvent {
  readonly request: { readonly type: string; readonly data: unknown; readonly id?: string };
  readonly webhook: DemoWebhook;
  /** As it stands in the document. */
  readonly body: unknown;
  /** The fields of the body that Postrider makes itself, each with the form that the document gives it. */
  readonly made: Readonly<Record<string, RegExp>>;
}

const basicAuth = { username: 'postrider', password: 'only-for-the-demo' };

const inbox: DemoWebhook = {
  name: 'inbox',
  path: '/webhooks/inbox',
  request: registration,
  answers: [],
  signsAsInbox: true,
};

const inboxThatFails: DemoWebhook = {
  name: 'inbox, answers 500 twice',
  path: '/webhooks/inbox-that-fails',
  request: { events: ['message.action'] },
  answers: [500, 500],
  signsAsInbox: true,
};

const inboxComponents: DemoWebhook = {
  name: 'inbox-components',
  path: '/webhooks/inbox-components',
  request: { profile: 'inbox-components', events: ['message.sent', 'message.received'] },
  answers: [],
  signsAsInbox: false,
};

const omnichannelThatHangs: DemoWebhook = {
  name: 'omnichannel, times out once',
  path: '/webhooks/omnichannel',
  request: { profile: 'omnichannel', events: ['newMessage'], timeout_ms: 1_000 },
  answers: ['timeout'],
  signsAsInbox: false,
};

const appInbox: DemoWebhook = {
  name: 'app-inbox',
  path: '/webhooks/app-inbox',
  request: { profile: 'app-inbox', events: ['inbox.messages'], auth: { type: 'basic', ...basicAuth } },
  answers: [],
  basicAuth,
  signsAsInbox: false,
};

export const demoWebhooks: readonly DemoWebhook[] = [
  inbox,
  inboxThatFails,
  inboxComponents,
  omnichannelThatHangs,
  appInbox,
];

const { event: newMessageType, ...newMessageData } = newMessage;

export const demoEvents: readonly DemoEvent[] = [
  ...inboxEvents.map(
    (document): DemoEvent => ({
      request: { id: document.id, type: document.type, data: document.data },
      webhook: document.type === 'message.action' ? inboxThatFails : inbox,
      body: document,
      made: { created_at: /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/ },
    }),
  ),
  ...inboxComponentsEvents.map(
    (document): DemoEvent => ({
      request: { type: document.event, data: document.data },
      webhook: inboxComponents,
      body: document,
      made: { idempotency_key: /^[0-9a-f]{64}$/ },
    }),
  ),
  {
    request: { type: newMessageType, data: newMessageData },
    webhook: omnichannelThatHangs,
    body: newMessage,
    made: {},
  },
  {
    request: {
      type: 'inbox.messages',
      data: { externalCustomerId: appInboxMessage.externalCustomerId, messages: [appInboxMessage] },
    },
    webhook: appInbox,
    body: [appInboxMessage],
    made: {},
  },
];
