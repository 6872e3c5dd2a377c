import { actorOf, type Caller } from '../db/api-keys.ts';
import {
  deleteSettingsWebhook,
  findSettingsWebhook,
  putSettingsWebhook,
  type SettingsPage,
} from '../db/settings-webhooks.ts';
import { omnichannel } from '../webhook/profiles/omnichannel.ts';
import { generateSecret } from '../webhook/secrets.ts';
import { notFound } from './problems.ts';
import { type Reply, type Route, route, type Services } from './routes.ts';
import { channelParams, webhookUrlSchema } from './settings-webhooks.schemas.ts';
import { settingsOf, shownWebhook } from './webhook-settings.ts';
import { createdWebhookSchema, webhookSchema } from './webhooks.schemas.ts';
import { tellEnded } from './webhooks.ts';

// The settings pages of seed 004: a URL for the account, and one for each channel.

const tag = 'Webhooks';
const eventType = 'newMessage';

/** A settings page, and who uses it. */
interface UsedPage extends SettingsPage {
  caller: Caller;
}

const pageOf = (caller: Caller, channel: string | null): UsedPage => ({
  caller,
  account_id: caller.account_id,
  profile: omnichannel.name,
  event_type: eventType,
  channel,
});

const putResponses = {
  200: { description: 'The webhook, which has that URL now', schema: webhookSchema },
  201: { description: 'The new webhook; its secret is shown here only', schema: createdWebhookSchema },
  204: { description: 'There is none any more' },
};
const getResponses = { 200: { description: 'The webhook', schema: webhookSchema } };
const deleteResponses = { 204: { description: 'It is deleted' } };
const putProblems = { 409: 'The account has as many webhooks as it may have' };
const putDescription =
  'Makes a webhook of the profile omnichannel for newMessage, or changes the URL of the one that there is. It is a ' +
  'webhook like others, and listed with them.';

async function putUrl(services: Services, page: UsedPage, url: string | null): Promise<Reply> {
  if (url === null) {
    await remove(services, page);
    return { status: 204 };
  }
  const { db, sealer, settings: policy, watcher, now } = services;
  const channels = page.channel === null ? null : [page.channel];
  const settings = settingsOf({ url, events: [page.event_type], channels }, { profile: omnichannel, policy });
  const secret = generateSecret();
  const { webhook, is_new } = await putSettingsWebhook(db, sealer, page, {
    settings,
    secret,
    actor: actorOf(page.caller),
    now: now(),
  });
  if (!is_new) return { status: 200, body: shownWebhook(webhook) };
  watcher.watch({ id: webhook.id, account_id: page.account_id });
  return {
    status: 201,
    body: { ...shownWebhook(webhook), secret },
    headers: { Location: `/v1/webhooks/${webhook.id}` },
  };
}

async function show({ db, sealer }: Services, page: SettingsPage): Promise<Reply> {
  const webhook = await findSettingsWebhook(db, sealer, page);
  if (webhook === undefined) throw notFound('webhook');
  return { status: 200, body: shownWebhook(webhook) };
}

/** False when there is none. */
async function remove({ db, sealer, starter, watcher, now }: Services, page: UsedPage): Promise<boolean> {
  const change = { actor: actorOf(page.caller), now: now() };
  const deleted = await deleteSettingsWebhook(db, sealer, page, change);
  if (deleted === undefined) return false;
  void tellEnded(starter, deleted.cancelled);
  watcher.tellChanged({ id: deleted.id, account_id: page.account_id });
  return true;
}

async function removeExisting(services: Services, page: UsedPage): Promise<Reply> {
  if (!(await remove(services, page))) throw notFound('webhook');
  return { status: 204 };
}

const accountPath = '/v1/account/webhook';

const putAccountWebhook = route({
  method: 'put',
  path: accountPath,
  name: 'putAccountWebhook',
  tag,
  summary: 'Set the URL that gets the new messages of all channels',
  description: putDescription,
  access: 'account',
  body: webhookUrlSchema,
  responses: putResponses,
  problems: putProblems,
  handle: (services, { body, caller }) => putUrl(services, pageOf(caller, null), body.url),
});

const getAccountWebhook = route({
  method: 'get',
  path: accountPath,
  name: 'getAccountWebhook',
  tag,
  summary: 'Get the webhook that gets the new messages of all channels',
  access: 'account',
  responses: getResponses,
  problems: { 404: 'There is none' },
  handle: (services, { caller }) => show(services, pageOf(caller, null)),
});

const deleteAccountWebhook = route({
  method: 'delete',
  path: accountPath,
  name: 'deleteAccountWebhook',
  tag,
  summary: 'Delete the webhook that gets the new messages of all channels',
  access: 'account',
  responses: deleteResponses,
  problems: { 404: 'There is none' },
  handle: (services, { caller }) => removeExisting(services, pageOf(caller, null)),
});

const channelPath = '/v1/channels/{id}/webhook';

const putChannelWebhook = route({
  method: 'put',
  path: channelPath,
  name: 'putChannelWebhook',
  tag,
  summary: 'Set the URL that gets the new messages of a channel',
  description: `${putDescription} An event of the channel goes to the account’s webhook as well.`,
  access: 'account',
  params: channelParams,
  body: webhookUrlSchema,
  responses: putResponses,
  problems: putProblems,
  handle: (services, { params, body, caller }) => putUrl(services, pageOf(caller, params.id), body.url),
});

const getChannelWebhook = route({
  method: 'get',
  path: channelPath,
  name: 'getChannelWebhook',
  tag,
  summary: 'Get the webhook that gets the new messages of a channel',
  access: 'account',
  params: channelParams,
  responses: getResponses,
  handle: (services, { params, caller }) => show(services, pageOf(caller, params.id)),
});

const deleteChannelWebhook = route({
  method: 'delete',
  path: channelPath,
  name: 'deleteChannelWebhook',
  tag,
  summary: 'Delete the webhook that gets the new messages of a channel',
  access: 'account',
  params: channelParams,
  responses: deleteResponses,
  handle: (services, { params, caller }) => removeExisting(services, pageOf(caller, params.id)),
});

export const settingsWebhookRoutes: Route[] = [
  putAccountWebhook,
  getAccountWebhook,
  deleteAccountWebhook,
  putChannelWebhook,
  getChannelWebhook,
  deleteChannelWebhook,
];
