import { actorOf, type Caller } from '../db/api-keys.ts';
import { listAttemptsOfWebhook } from '../db/attempts.ts';
import type { WebhookId } from '../db/ids.ts';
import {
  createWebhook,
  deleteWebhook,
  findWebhook,
  listWebhooks,
  updateWebhook,
  type Webhook,
  type WebhookSettings,
} from '../db/webhooks.ts';
import { defaultProfileName, profiles } from '../webhook/profiles.ts';
import { generateSecret } from '../webhook/secrets.ts';
import { pageOf } from './fields.schemas.ts';
import { invalidBody, notFound } from './problems.ts';
import { type Reply, type Route, route, type Services } from './routes.ts';
import { loadActivity } from './webhook-activity.ts';
import { assertExpressionsCompile } from './webhook-expressions.ts';
import { changedSettings, profileOf, secretErrors, settingsOf, shownWebhook } from './webhook-settings.ts';
import {
  createdWebhookSchema,
  newWebhookSchema,
  type WebhookChangeBody,
  webhookChangeSchema,
  webhookLogPageSchema,
  webhookLogQuery,
  webhookPageSchema,
  webhookParams,
  webhookQuery,
  webhookReplacementSchema,
  webhookSchema,
} from './webhooks.schemas.ts';

const tag = 'Webhooks';

const postWebhook = route({
  method: 'post',
  path: '/v1/webhooks',
  name: 'createWebhook',
  tag,
  summary: 'Register a webhook',
  access: 'account',
  body: newWebhookSchema,
  responses: {
    201: { description: 'The webhook; its secret is shown here only', schema: createdWebhookSchema },
  },
  problems: { 409: 'The account has as many webhooks as it may have' },
  async handle(services, { body, caller }) {
    const { db, sealer, settings, watcher } = services;
    const profile = profiles[body.profile ?? defaultProfileName];
    const wanted = settingsOf(body, { profile, policy: settings });
    const secret = body.secret ?? generateSecret();
    const errors = secretErrors(secret, profile);
    if (errors.length > 0) throw invalidBody(errors);
    await assertExpressionsCompile(services, caller, wanted);
    const { account_id } = caller;
    const registration = { ...wanted, account_id, profile: profile.name, secret };
    const webhook = await createWebhook(db, sealer, registration, actorOf(caller));
    if (webhook.url !== null) watcher.watch({ id: webhook.id, account_id });
    return {
      status: 201,
      body: { ...shownWebhook(webhook), secret },
      headers: { Location: `/v1/webhooks/${webhook.id}` },
      logged: { webhook_id: webhook.id },
    };
  },
});

const getWebhooks = route({
  method: 'get',
  path: '/v1/webhooks',
  name: 'listWebhooks',
  tag,
  summary: 'List webhooks, newest first',
  access: 'account',
  query: webhookQuery,
  responses: { 200: { description: 'A page of webhooks', schema: webhookPageSchema } },
  async handle({ db, sealer, now }, { query, caller }) {
    const page = await listWebhooks(db, sealer, caller.account_id, pageOf(query));
    if (query.include === undefined) {
      return { status: 200, body: { ...page, data: page.data.map(shownWebhook) } };
    }
    const activity = await loadActivity(db, caller.account_id, page.data, now());
    const data = page.data.map((webhook) => ({ ...shownWebhook(webhook), activity: activity(webhook) }));
    return { status: 200, body: { ...page, data } };
  },
});

const getWebhook = route({
  method: 'get',
  path: '/v1/webhooks/{id}',
  name: 'getWebhook',
  tag,
  summary: 'Get a webhook',
  access: 'account',
  params: webhookParams,
  responses: { 200: { description: 'The webhook', schema: webhookSchema } },
  async handle({ db, sealer }, { params, caller }) {
    const webhook = await findWebhook(db, sealer, caller.account_id, params.id);
    if (webhook === undefined) throw notFound('webhook');
    return { status: 200, body: shownWebhook(webhook) };
  },
});

const putWebhook = route({
  method: 'put',
  path: '/v1/webhooks/{id}',
  name: 'replaceWebhook',
  tag,
  summary: 'Replace a webhook’s settings',
  description: 'What is absent gets its default. Id, profile and secret stay.',
  access: 'account',
  params: webhookParams,
  body: webhookReplacementSchema,
  responses: { 200: { description: 'The webhook as it now is', schema: webhookSchema } },
  handle: (services, { params, body, caller }) =>
    update(services, { id: params.id, caller }, body, (current) =>
      settingsOf(body, { profile: profileOf(current), policy: services.settings, current }),
    ),
});

const patchWebhook = route({
  method: 'patch',
  path: '/v1/webhooks/{id}',
  name: 'changeWebhook',
  tag,
  summary: 'Change some of a webhook’s settings',
  description: 'What is absent stays as it is; null gives a setting that can be null its default.',
  access: 'account',
  params: webhookParams,
  body: webhookChangeSchema,
  responses: { 200: { description: 'The webhook as it now is', schema: webhookSchema } },
  handle: (services, { params, body, caller }) =>
    update(services, { id: params.id, caller }, body, (current) =>
      changedSettings(current, body, { profile: profileOf(current), policy: services.settings }),
    ),
});

async function update(
  services: Services,
  { id, caller }: { id: WebhookId; caller: Caller },
  body: WebhookChangeBody,
  change: (current: Webhook) => WebhookSettings,
): Promise<Reply> {
  const { db, sealer, watcher, now } = services;
  await assertExpressionsCompile(services, caller, body);
  const { account_id } = caller;
  const updated = await updateWebhook(db, sealer, account_id, id, change, {
    actor: actorOf(caller),
    now: now(),
  });
  if (updated === undefined) throw notFound('webhook');
  if (updated.changed.includes('health')) watcher.tellChanged({ id, account_id });
  return { status: 200, body: shownWebhook(updated.webhook) };
}

const removeWebhook = route({
  method: 'delete',
  path: '/v1/webhooks/{id}',
  name: 'deleteWebhook',
  tag,
  summary: 'Delete a webhook',
  description:
    'Its waiting deliveries are cancelled; what was sent to it stays readable under its deliveries.',
  access: 'account',
  params: webhookParams,
  responses: { 204: { description: 'It is deleted' } },
  async handle({ db, starter, watcher, now }, { params, caller }) {
    const { account_id } = caller;
    const change = { actor: actorOf(caller), now: now() };
    const deleted = await deleteWebhook(db, account_id, params.id, change);
    if (deleted === undefined) throw notFound('webhook');
    void tellEnded(starter, deleted.cancelled);
    watcher.tellChanged({ id: params.id, account_id });
    return { status: 204 };
  },
});

/** Tells the workflows of deliveries that they have ended: one after the other, beside the answer, for there may be thousands. */
export async function tellEnded(
  starter: Services['starter'],
  cancelled: NonNullable<Awaited<ReturnType<typeof deleteWebhook>>>['cancelled'],
): Promise<void> {
  for (const { id, workflow_id } of cancelled) await starter.tellDeliveryEnded(workflow_id, id);
}

const getLogs = route({
  method: 'get',
  path: '/v1/webhooks/{id}/logs',
  name: 'listWebhookLogs',
  tag,
  summary: 'List what was sent to a webhook, newest first',
  access: 'account',
  params: webhookParams,
  query: webhookLogQuery,
  responses: { 200: { description: 'A page of attempts', schema: webhookLogPageSchema } },
  async handle({ db, sealer }, { params, query, caller }) {
    const webhook = await findWebhook(db, sealer, caller.account_id, params.id);
    if (webhook === undefined) throw notFound('webhook');
    const page = await listAttemptsOfWebhook(db, caller.account_id, params.id, pageOf(query));
    return { status: 200, body: page };
  },
});

export const webhookRoutes: Route[] = [
  postWebhook,
  getWebhooks,
  getWebhook,
  putWebhook,
  patchWebhook,
  removeWebhook,
  getLogs,
];
