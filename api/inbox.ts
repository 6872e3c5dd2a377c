import { newUuid } from '../db/ids.ts';
import { listAvailableMessages } from '../db/inbox-lists.ts';
import {
  findInboxMessage,
  type InboxMessage,
  InboxMessageConflict,
  type NewInboxMessage,
  setInboxMessageStatus,
  storeInboxMessages,
} from '../db/inbox-messages.ts';
import { mayBecome } from '../webhook/inbox-message-status.ts';
import { assertEventFits } from './account-limits.ts';
import {
  inboxContactParams,
  inboxListSchema,
  inboxMessageParams,
  inboxMessageSchema,
  inboxStatusSchema,
  type NewInboxMessageBody,
  newInboxMessagesSchema,
  storedInboxMessagesSchema,
} from './inbox.schemas.ts';
import { conflict, notFound } from './problems.ts';
import { type Route, route } from './routes.ts';

const tag = 'App Inbox';

const postMessages = route({
  method: 'post',
  path: '/v1/inbox/messages',
  name: 'postInboxMessages',
  tag,
  summary: 'Post a message of a contact, or a list of them',
  description:
    'All are stored, or none. The list of each contact goes out within seconds, once for all messages of a second, to the ' +
    'webhooks that subscribed to inbox.messages. A repeat of a message, told by its `id`, is left as it is.',
  access: 'account',
  scope: 'events:write',
  body: newInboxMessagesSchema,
  mostBodyBytes: 4 * 1024 * 1024,
  responses: {
    202: {
      description: 'The message, or the list of messages, as stored',
      schema: storedInboxMessagesSchema,
    },
  },
  problems: { 409: 'An id was used before for another message' },
  async handle({ db, announcer, now }, { body, caller, countEvents }) {
    const isList = Array.isArray(body);
    const asked = (isList ? body : [body]).map((message) => newMessage(message, now()));
    for (const [index, message] of asked.entries()) {
      assertEventFits(() => JSON.stringify(message), caller, isList ? `/${index}` : '');
    }
    await countEvents(asked.length);
    const { messages, changed } = await storeInboxMessages(db, caller.account_id, asked, now()).catch(
      (error: unknown) => {
        throw error instanceof InboxMessageConflict ? idConflict(error, isList) : error;
      },
    );
    announcer.announce(changed);
    const stored = messages.map(shownMessage);
    return { status: 202, body: isList ? stored : stored[0] };
  },
});

const getMessage = route({
  method: 'get',
  path: '/v1/inbox/messages/{id}',
  name: 'getInboxMessage',
  tag,
  summary: 'Get a message with its status',
  access: 'account',
  params: inboxMessageParams,
  responses: { 200: { description: 'The message', schema: inboxMessageSchema } },
  async handle({ db }, { params, caller }) {
    const message = await findInboxMessage(db, caller.account_id, params.id);
    if (message === undefined) throw notFound('message');
    return { status: 200, body: shownMessage(message) };
  },
});

const putStatus = route({
  method: 'put',
  path: '/v1/inbox/messages/{id}/status',
  name: 'setInboxMessageStatus',
  tag,
  summary: 'Set a message’s status',
  description:
    'From available to delivered to read, never back; deleted and expired are final, and such a message is no longer ' +
    'available, so that its contact’s list goes out again. The status that it has already changes nothing.',
  access: 'account',
  scope: 'events:write',
  params: inboxMessageParams,
  body: inboxStatusSchema,
  responses: { 200: { description: 'The message as it now is', schema: inboxMessageSchema } },
  problems: { 409: 'The message has a status that this one cannot follow' },
  async handle({ db, announcer, now }, { params, body, caller }) {
    const wanted = { status: body.status, now: now() };
    const result = await setInboxMessageStatus(db, caller.account_id, params.id, wanted, mayBecome);
    if (result === undefined) throw notFound('message');
    const { message, is_refused, changed } = result;
    if (is_refused) {
      const detail = `The message is ${message.status}: it cannot become ${body.status}`;
      throw conflict('status_conflict', detail, [
        { pointer: '/status', detail: `cannot follow ${message.status}` },
      ]);
    }
    announcer.announce(changed);
    return { status: 200, body: shownMessage(message) };
  },
});

const getList = route({
  method: 'get',
  path: '/v1/inbox/contacts/{externalCustomerId}/messages',
  name: 'listInboxMessages',
  tag,
  summary: 'List a contact’s available messages as webhooks get them',
  description: 'Newest first, at most the account’s `inbox_message_limit`: all in one answer, without pages.',
  access: 'account',
  params: inboxContactParams,
  responses: { 200: { description: 'What webhooks would be sent now', schema: inboxListSchema } },
  async handle({ db }, { params, caller }) {
    const messages = await listAvailableMessages(db, caller.account_id, params.externalCustomerId);
    return { status: 200, body: messages };
  },
});

export const inboxRoutes: Route[] = [postMessages, getMessage, putStatus, getList];

function newMessage(body: NewInboxMessageBody, now: Date): NewInboxMessage {
  return {
    externalCustomerId: body.externalCustomerId ?? undefined,
    id: body.id ?? newUuid(),
    createdDate: body.createdDate ?? now.getTime(),
    title: body.title ?? undefined,
    content: body.content ?? undefined,
    image: body.image ?? undefined,
    link: body.link ?? undefined,
    category: body.category ?? undefined,
    customData: body.customData ?? undefined,
    is_dated: typeof body.createdDate === 'number',
  };
}

function idConflict({ indexes }: InboxMessageConflict, isList: boolean) {
  return conflict(
    'message_id_conflict',
    'An id was used before for another message; nothing was stored',
    indexes.map((index) => ({
      pointer: isList ? `/${index}/id` : '/id',
      detail: 'was used before for a message with other content',
    })),
  );
}

function shownMessage({ is_available, ...message }: InboxMessage) {
  const { status, ...fields } = message;
  const sent = message.externalCustomerId !== undefined;
  return { ...fields, status, available: is_available, sent, reason: reasonOf(message, is_available) };
}

/** Why a message is not available, or else why nothing is sent. */
function reasonOf(message: Omit<InboxMessage, 'is_available'>, isAvailable: boolean): string | null {
  if (message.status === 'deleted' || message.status === 'expired') return `the message is ${message.status}`;
  if (!isAvailable) {
    return 'the contact has as many newer messages as the account’s limit permits to be available';
  }
  if (message.externalCustomerId === undefined) {
    return 'the contact has no externalCustomerId: messages are sent only for contacts that have one';
  }
  return null;
}
