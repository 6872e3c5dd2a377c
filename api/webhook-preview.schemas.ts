import { z } from 'zod';
import { MAX_URL_CHARS } from '../webhook/url-policy.ts';
import { transformationField } from './expressions.schemas.ts';
import { eventTypeField } from './fields.schemas.ts';
import { authField } from './webhook-access.schemas.ts';
import { headersField, profileField } from './webhooks.schemas.ts';

export const webhookPreviewSchema = z
  .strictObject({
    profile: profileField.optional(),
    event_type: eventTypeField,
    url: z.string().max(MAX_URL_CHARS).optional().meta({ description: 'Shown as it is.' }),
    transformation: transformationField.nullish(),
    headers: headersField.optional(),
    auth: authField.optional(),
  })
  .meta({ id: 'WebhookPreview' });

export const previewedRequestSchema = z
  .object({
    method: z.literal('POST'),
    url: z.string(),
    headers: z.record(z.string(), z.string()),
    body: z.string(),
  })
  .meta({ id: 'PreviewedRequest' });
