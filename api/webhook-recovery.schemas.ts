import { z } from 'zod';
import { momentField, shownId, timeField } from './fields.schemas.ts';

const statusField = z.enum(['failed', 'cancelled']);

export const recoverySchema = z
  .strictObject({
    since: timeField.meta({ description: 'What ended from then on.' }),
    until: timeField.nullish().meta({
      description: 'What ended until then; until now if null or absent, and never what ends later.',
    }),
    status: statusField.optional().meta({ description: 'How it ended: `failed` if absent.' }),
  })
  .refine(({ since, until }) => until === undefined || until === null || !(until < since), {
    path: ['until'],
    message: 'must not be before since',
  })
  .meta({ id: 'Recovery' });

export const startedRecoverySchema = z
  .object({
    webhook_id: shownId('wh'),
    workflow_id: z.string().meta({ description: 'The Temporal workflow that sends it.' }),
    since: momentField,
    until: momentField.nullable(),
    status: statusField,
  })
  .meta({ id: 'StartedRecovery' });

const count = (description: string) => z.int().meta({ description });

export const recoveryProgressSchema = z
  .object({
    webhook_id: shownId('wh'),
    workflow_id: z.string(),
    state: z.enum(['none', 'running', 'paused', 'done', 'cancelled']).meta({
      description: 'It is `paused` while the endpoint is disabled, and `none` when there was none of late.',
    }),
    since: momentField.nullable().meta({ description: 'When it began.' }),
    marked: count('Deliveries that had ended and that it was asked to send again.'),
    taken_back: count('Of these, how many were given their former status back before they were sent.'),
    sent: count('Deliveries of which it has made an attempt.'),
    succeeded: count('Of those sent, how many succeeded at that.'),
    failed: count(
      'Of those sent, how many ended otherwise. The rest have further attempts by their schedule.',
    ),
    left: count('Deliveries that are held now.'),
  })
  .meta({ id: 'RecoveryProgress' });

export const cancelledRecoverySchema = z
  .object({
    webhook_id: shownId('wh'),
    taken_back: count('Deliveries that have their former status again.'),
  })
  .meta({ id: 'CancelledRecovery' });
