import { z } from 'zod';
import { channelField } from './fields.schemas.ts';
import { urlField } from './webhooks.schemas.ts';

export const webhookUrlSchema = z
  .strictObject({ url: urlField.nullable().meta({ description: 'Null removes the webhook.' }) })
  .meta({ id: 'WebhookUrl' });

export const channelParams = z.object({ id: channelField });
