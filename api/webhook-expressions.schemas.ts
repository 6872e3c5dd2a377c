import { z } from 'zod';
import { jsonObjectField } from './events.schemas.ts';
import { filterField, transformationField } from './expressions.schemas.ts';
import { channelField, eventIdField, eventTypeField, idField } from './fields.schemas.ts';
import { profileField } from './webhooks.schemas.ts';

export const expressionTrialSchema = z
  .strictObject({
    webhook_id: idField('wh').optional().meta({
      description: 'Its expressions are tried where none are given, and with its profile where none is.',
    }),
    profile: profileField.optional().meta({ description: 'The profile whose body `$body` is.' }),
    filter: filterField.nullish(),
    transformation: transformationField.nullish(),
    event_id: eventIdField.optional().meta({ description: 'An event that was posted; or `event`.' }),
    event: z
      .strictObject({
        type: eventTypeField,
        channel: channelField.nullish(),
        data: jsonObjectField.meta({ override: { type: 'object', additionalProperties: true } }),
      })
      .optional()
      .meta({ description: 'An event made up for this; or `event_id`.' }),
  })
  .meta({ id: 'ExpressionTrial' });

const failureSchema = z
  .object({
    code: z.string().meta({ description: 'JSONata’s own, or Postrider’s.', example: 'T2001' }),
    position: z
      .int()
      .nullable()
      .meta({ description: 'How many characters of the expression had been read where it failed.' }),
    message: z.string(),
  })
  .meta({ id: 'ExpressionFailure' });

export const triedExpressionsSchema = z
  .object({
    event: z.unknown().meta({
      description: 'As the expressions see it.',
      override: { type: 'object', additionalProperties: true },
    }),
    filter: z
      .object({ passes: z.boolean().nullable(), failure: failureSchema.nullable() })
      .nullable()
      .meta({ description: 'Null where there is no filter.' }),
    body: z.string().nullable().meta({
      description: 'What would be sent without the transformation; null when the profile cannot send it.',
    }),
    transformation: z
      .object({ body: z.string().nullable(), failure: failureSchema.nullable() })
      .nullable()
      .meta({ description: 'Null where there is no transformation.' }),
  })
  .meta({ id: 'TriedExpressions' });

export type ExpressionTrialBody = z.output<typeof expressionTrialSchema>;
