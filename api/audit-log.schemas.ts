import { z } from 'zod';
import { auditActors } from '../db/schema.ts';
import { idField, momentField, pageFields, pageSchema, shownId } from './fields.schemas.ts';

export const auditEntrySchema = z
  .object({
    id: shownId('aud'),
    created_at: momentField,
    actor: z
      .object({
        kind: z.enum(auditActors).meta({
          description:
            '`api_key`: a request with that key; `portal_link`: someone who came by that link; `signal`: someone who signalled a ' +
            'workflow; `postrider`: Postrider itself, by its rules.',
        }),
        id: z.string().nullable().meta({ description: 'The API key’s id, or the portal link’s.' }),
        name: z
          .string()
          .nullable()
          .meta({ description: 'The API key’s name, or the one that came with the signal.' }),
      })
      .meta({ id: 'Actor' }),
    action: z.string().meta({
      description: 'What was done, in the past tense.',
      examples: ['webhook.changed', 'webhook.disabled', 'delivery.retried'],
    }),
    subject_id: z.string().meta({ description: 'The id, or the name, of what it was done to.' }),
    reason: z.string().nullable(),
    details: z
      .record(z.string(), z.unknown())
      .nullable()
      .meta({ description: 'Which settings changed, for example; never their values.' }),
  })
  .meta({ id: 'AuditEntry' });

export const auditEntryPageSchema = pageSchema(auditEntrySchema);

export const auditLogQuery = z.strictObject({
  ...pageFields('aud'),
  action: z
    .string()
    .regex(/^[a-z_]{1,32}\.[a-z_]{1,32}$/, 'must be like webhook.disabled')
    .optional()
    .meta({ example: 'webhook.disabled' }),
  subject_id: z
    .string()
    .regex(/^[A-Za-z0-9_.-]{1,128}$/, 'must be an id, or the name of an event type')
    .optional()
    .meta({ example: 'wh_01k7q9w3v8e5xbm2rt4n6c0hzd' }),
  actor_id: idField('key').optional(),
});
