import { findWebhook } from '../db/webhooks.ts';
import { carriesType } from '../webhook/subscriptions.ts';
import { newEvent } from './new-event.ts';
import { invalidBody, notFound } from './problems.ts';
import { type Route, route } from './routes.ts';
import { exampleOf } from './webhook-preview.ts';
import { profileOf } from './webhook-settings.ts';
import { startedTestSchema, webhookTestSchema } from './webhooks.schemas.ts';

const testWebhook = route({
  method: 'post',
  path: '/v1/webhooks/test',
  name: 'testWebhook',
  tag: 'Webhooks',
  summary: 'Send a webhook an example event',
  description:
    'Goes to this webhook alone, whether it subscribed to the type or not, in a single attempt. The data is the ' +
    'example of the account’s own catalogue, else the built-in one, else a plain one.',
  access: 'account',
  body: webhookTestSchema,
  responses: { 202: { description: 'The event is on its way', schema: startedTestSchema } },
  problems: { 404: 'There is no such webhook, or it is another account’s' },
  async handle({ db, sealer, intake }, { body, caller }) {
    const webhook = await findWebhook(db, sealer, caller.account_id, body.webhook_id);
    if (webhook === undefined) throw notFound('webhook');
    const profile = profileOf(webhook);
    if (!carriesType(profile, body.event_type)) {
      const detail = `the profile ${profile.name} does not carry events of this type`;
      throw invalidBody([{ pointer: '/event_type', detail }]);
    }
    const acceptance = await intake.accept(
      newEvent({
        account_id: caller.account_id,
        type: body.event_type,
        channel: null,
        data: await exampleOf({ db }, { account_id: caller.account_id, type: body.event_type, profile }),
        only_webhook: webhook.id,
      }),
    );
    const delivery = acceptance.outcome === 'accepted' ? acceptance.deliveries[0] : undefined;
    // Deleted since it was found.
    if (acceptance.outcome !== 'accepted' || delivery === undefined) throw notFound('webhook');
    return {
      status: 202,
      body: {
        event_id: acceptance.event_id,
        delivery_id: delivery.id,
        webhook_id: webhook.id,
        event_type: body.event_type,
      },
    };
  },
});

export const webhookTestRoutes: Route[] = [testWebhook];
