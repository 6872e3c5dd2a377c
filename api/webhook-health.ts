import { findWebhookHealth, type WebhookHealth } from '../db/webhook-health.ts';
import type { WatchedWebhook } from '../temporal/webhook-workflow.ts';
import { effectivePolicy } from '../webhook/health-policy.ts';
import { notFound } from './problems.ts';
import { assertHasUrl } from './pull-settings.ts';
import { type Reply, type Route, route, type Services } from './routes.ts';
import { disableSchema, enableSchema, webhookHealthSchema } from './webhook-health.schemas.ts';
import { profileOf } from './webhook-settings.ts';
import { webhookParams } from './webhooks.schemas.ts';

const tag = 'Webhooks';

const getHealth = route({
  method: 'get',
  path: '/v1/webhooks/{id}/health',
  name: 'getWebhookHealth',
  tag,
  summary: 'Get how a webhook’s endpoint is',
  access: 'account',
  params: webhookParams,
  responses: { 200: { description: 'Its health', schema: webhookHealthSchema } },
  handle: (services, { params, caller }) =>
    showHealth(services, { id: params.id, account_id: caller.account_id }),
});

const postEnable = route({
  method: 'post',
  path: '/v1/webhooks/{id}/enable',
  name: 'enableWebhook',
  tag,
  summary: 'Enable a webhook’s endpoint',
  description:
    'Its failures are counted afresh, and what was held for it goes out, oldest first, at its `recovery_rate`; or it is ' +
    'discarded. Enabling twice is enabling once.',
  access: 'account',
  params: webhookParams,
  body: enableSchema,
  isBodyOptional: true,
  responses: { 200: { description: 'Its health, enabled', schema: webhookHealthSchema } },
  problems: { 409: 'The webhook has no URL', 503: 'Temporal is not available' },
  handle: (services, { params, body, caller }) =>
    change(services, { id: params.id, account_id: caller.account_id }, (webhook) =>
      services.healthStarter.enable(webhook, { ...withoutAbsent(body), by: caller.by.id }),
    ),
});

const postDisable = route({
  method: 'post',
  path: '/v1/webhooks/{id}/disable',
  name: 'disableWebhook',
  tag,
  summary: 'Disable a webhook’s endpoint',
  description:
    'What it would get is held until it is enabled; it is not probed meanwhile. Disabling twice is disabling once.',
  access: 'account',
  params: webhookParams,
  body: disableSchema,
  isBodyOptional: true,
  responses: { 200: { description: 'Its health, disabled', schema: webhookHealthSchema } },
  problems: { 409: 'The webhook has no URL', 503: 'Temporal is not available' },
  handle: (services, { params, body, caller }) =>
    change(services, { id: params.id, account_id: caller.account_id }, (webhook) =>
      services.healthStarter.disable(webhook, { ...withoutAbsent(body), by: caller.by.id }),
    ),
});

/** Asks the endpoint's workflow, which answers once the database says what it then is. */
async function change(
  services: Services,
  webhook: WatchedWebhook,
  ask: (webhook: WatchedWebhook) => Promise<unknown>,
): Promise<Reply> {
  assertHasUrl(await findExisting(services, webhook));
  try {
    await ask(webhook);
  } catch (error) {
    // A webhook that is deleted meanwhile ends its workflow, and so the request.
    await findExisting(services, webhook);
    throw error;
  }
  return showHealth(services, webhook);
}

async function showHealth(services: Services, webhook: WatchedWebhook): Promise<Reply> {
  return { status: 200, body: shownHealth(await findExisting(services, webhook)) };
}

async function findExisting({ db }: Services, { account_id, id }: WatchedWebhook): Promise<WebhookHealth> {
  const health = await findWebhookHealth(db, account_id, id);
  if (health === undefined) throw notFound('webhook');
  return health;
}

function shownHealth({ profile, own_policy, ...health }: WebhookHealth) {
  const { state, consecutive_failures, since, last_failure, next_probe_at, reason, held } = health;
  const policy = effectivePolicy(profileOf({ profile }).health, own_policy);
  return { state, consecutive_failures, since, last_failure, policy, next_probe_at, reason, held };
}

function withoutAbsent<T extends object>(body: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  const given = Object.entries(body).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as { [K in keyof T]: Exclude<T[K], undefined> };
}

export const webhookHealthRoutes: Route[] = [getHealth, postEnable, postDisable];
