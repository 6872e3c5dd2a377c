import { actorOf } from '../db/api-keys.ts';
import { recordAuditEntry } from '../db/audit-log.ts';
import { countHeld } from '../db/held-deliveries.ts';
import { findWebhook, type Webhook } from '../db/webhooks.ts';
import type { WatchedWebhook } from '../temporal/webhook-workflow.ts';
import { recoverWorkflowId } from '../temporal/workflow-ids.ts';
import { notFound } from './problems.ts';
import { assertHasUrl } from './pull-settings.ts';
import { type Route, route, type Services } from './routes.ts';
import {
  cancelledRecoverySchema,
  recoveryProgressSchema,
  recoverySchema,
  startedRecoverySchema,
} from './webhook-recovery.schemas.ts';
import { webhookParams } from './webhooks.schemas.ts';

const tag = 'Webhooks';

const postRecover = route({
  method: 'post',
  path: '/v1/webhooks/{id}/recover',
  name: 'recoverWebhook',
  tag,
  summary: 'Send again what has failed',
  description:
    'All deliveries that ended like that in that time go out once more, oldest first, at the webhook’s `recovery_rate`, each ' +
    'with its whole retry schedule; test events do not. Asked twice, nothing is sent twice: what is on its way no longer is ' +
    '`failed`, and a request joins the same one while that is under way. While the endpoint is disabled they are held.',
  access: 'account',
  params: webhookParams,
  body: recoverySchema,
  responses: { 202: { description: 'They are on their way', schema: startedRecoverySchema } },
  problems: { 409: 'The webhook has no URL', 503: 'Temporal is not available' },
  async handle(services, { params, body, caller }) {
    const webhook = await existing(services, { id: params.id, account_id: caller.account_id }, assertHasUrl);
    const { since, until = null, status = 'failed' } = body;
    await services.recoveryStarter.recover(webhook, {
      since: since.toISOString(),
      ...(until === null ? {} : { until: until.toISOString() }),
      status,
      asked_at: services.now().toISOString(),
    });
    await recordAuditEntry(services.db, {
      ...{ account_id: webhook.account_id, actor: actorOf(caller), subject_id: webhook.id },
      action: 'webhook.recovered',
      details: { since, until, status },
    });
    return {
      status: 202,
      body: { webhook_id: webhook.id, workflow_id: recoverWorkflowId(webhook.id), since, until, status },
      headers: { Location: `/v1/webhooks/${webhook.id}/recovery` },
    };
  },
});

const getRecovery = route({
  method: 'get',
  path: '/v1/webhooks/{id}/recovery',
  name: 'getWebhookRecovery',
  tag,
  summary: 'Get how far a webhook’s recovery has come',
  description: 'The one under way, or the last one that Temporal still knows.',
  access: 'account',
  params: webhookParams,
  responses: { 200: { description: 'Its progress', schema: recoveryProgressSchema } },
  problems: { 503: 'Temporal is not available' },
  async handle(services, { params, caller }) {
    const webhook = await existing(services, { id: params.id, account_id: caller.account_id });
    const progress = await services.recoveryStarter.progress(webhook);
    const left = await countHeld(services.db, webhook.id);
    const ids = { webhook_id: webhook.id, workflow_id: recoverWorkflowId(webhook.id) };
    return {
      status: 200,
      body: progress === undefined ? { ...ids, ...none, left } : { ...ids, ...progress, left },
    };
  },
});

const none = { state: 'none', since: null, marked: 0, taken_back: 0, sent: 0, succeeded: 0, failed: 0 };

const postCancel = route({
  method: 'post',
  path: '/v1/webhooks/{id}/recovery/cancel',
  name: 'cancelWebhookRecovery',
  tag,
  summary: 'Stop sending again what had ended',
  description:
    'What is not yet sent has its former status again. What was held because the endpoint was disabled still goes out: to ' +
    'stop that, disable the endpoint.',
  access: 'account',
  params: webhookParams,
  responses: { 200: { description: 'It is taken back', schema: cancelledRecoverySchema } },
  problems: { 503: 'Temporal is not available' },
  async handle(services, { params, caller }) {
    const webhook = await existing(services, { id: params.id, account_id: caller.account_id });
    const takenBack = await services.recoveryStarter.cancel(webhook);
    await recordAuditEntry(services.db, {
      ...{ account_id: webhook.account_id, actor: actorOf(caller), subject_id: webhook.id },
      action: 'webhook.recovery_cancelled',
      details: { taken_back: takenBack },
    });
    return { status: 200, body: { webhook_id: webhook.id, taken_back: takenBack } };
  },
});

async function existing(
  { db, sealer }: Services,
  webhook: WatchedWebhook,
  assertRight: (found: Webhook) => void = () => {},
): Promise<WatchedWebhook> {
  const found = await findWebhook(db, sealer, webhook.account_id, webhook.id);
  if (found === undefined) throw notFound('webhook');
  assertRight(found);
  return webhook;
}

export const webhookRecoveryRoutes: Route[] = [postRecover, getRecovery, postCancel];
