import { z } from 'zod';
import { attemptTriggers, deliveryStatuses } from '../db/schema.ts';
import {
  channelField,
  eventIdField,
  eventTypeField,
  idField,
  momentField,
  pageFields,
  searchedPageSchema,
  searchFields,
  shownId,
} from './fields.schemas.ts';

export const deliverySchema = z
  .object({
    id: shownId('dlv'),
    event_id: z.string(),
    event_type: z.string().nullable().meta({ description: 'Null once the event is no longer kept.' }),
    channel: z.string().nullable().meta({ description: 'The channel that the event came from.' }),
    webhook_id: shownId('wh'),
    webhook_url: z.string().nullable().meta({
      description: 'As it is now; null where its deliveries are pulled.',
    }),
    webhook_description: z.string(),
    workflow_id: z.string().meta({ description: 'The Temporal workflow that owns it.' }),
    status: z.enum(deliveryStatuses),
    attempt_count: z.int(),
    next_attempt_at: momentField.nullable().meta({ description: 'Null, too, when it expires before.' }),
    expires_at: momentField
      .nullable()
      .meta({ description: 'Its event’s: from then on no attempt begins; null for never.' }),
    reason: z
      .string()
      .nullable()
      .meta({ description: 'Why it is where it is: the last failure, for example.' }),
    response_status: z
      .int()
      .nullable()
      .meta({ description: 'What the last attempt was answered; null when it was not, or none was made.' }),
    lane: z.string().nullable().meta({
      description:
        'Deliveries of one webhook that have the same lane go out one after the other; null where they are in no order.',
    }),
    waits_for: shownId('dlv')
      .nullable()
      .meta({ description: 'The delivery of its lane that is to end before; null where it waits for none.' }),
    created_at: momentField,
    ended_at: momentField.nullable(),
  })
  .meta({ id: 'Delivery' });

const headersField = z.record(z.string(), z.string());

export const attemptFields = {
  id: shownId('att'),
  delivery_id: shownId('dlv'),
  webhook_id: shownId('wh'),
  number: z.int().meta({ description: '1…n within its delivery.' }),
  trigger: z.enum(attemptTriggers),
  started_at: momentField,
  duration_ms: z.int(),
  url: z.string().nullable().meta({ description: 'Null where it was pulled.' }),
  request_headers: headersField.meta({ description: 'As sent; secret values are shown as •••.' }),
  succeeded: z.boolean(),
  reason: z.string().nullable().meta({ description: 'Why it failed, for programs.', example: 'timeout' }),
  detail: z.string().nullable().meta({ description: 'Why it failed, for people.' }),
  response_status: z.int().nullable(),
  response_headers: headersField.nullable(),
  response_body: z.string().nullable().meta({ description: 'The first 64 KiB.' }),
  response_truncated: z.boolean(),
};

export const deliveryWithAttemptsSchema = deliverySchema
  .extend({
    attempts: z.array(
      z
        .object({
          ...attemptFields,
          request_body: z.string().nullable().meta({
            description: 'As sent; null when nothing was sent, or the event is no longer kept.',
          }),
        })
        .meta({ id: 'Attempt' }),
    ),
  })
  .meta({ id: 'DeliveryWithAttempts' });

export const deliveryPageSchema = searchedPageSchema(deliverySchema);

const soughtStatuses = [...deliveryStatuses, 'failing'] as const;

const soughtForm = soughtStatuses.join('|');

/** One status or several, with commas between. */
const statusesField = z
  .string()
  .transform((text) => [...new Set(text.split(','))])
  .pipe(z.array(z.enum(soughtStatuses, `must be some of ${soughtStatuses.join(', ')}, with commas between`)))
  .meta({
    description:
      'One, or several with commas between. `failing`: those `pending` ones of which an attempt has failed, as statistics count them.',
    example: 'failed,held',
    override: { type: 'string', pattern: `^(${soughtForm})(,(${soughtForm}))*$` },
  });

export const deliveryParams = z.object({ id: idField('dlv') });

export const deliveryQuery = z.strictObject({
  ...pageFields('dlv'),
  status: statusesField.optional(),
  webhook_id: idField('wh').optional(),
  event_id: eventIdField.optional(),
  type: eventTypeField.optional(),
  channel: channelField.optional(),
  ...searchFields,
});

export const startedAttemptSchema = z
  .object({
    id: shownId('dlv'),
    attempt_id: shownId('att').nullable().meta({
      description:
        'The attempt is listed under this id once it is made; null where the delivery is queued, to be pulled once more.',
    }),
  })
  .meta({ id: 'StartedAttempt' });
