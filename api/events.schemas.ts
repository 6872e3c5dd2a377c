import { z } from 'zod';
import { eventStatuses } from '../db/schema.ts';
import { deliverySchema } from './deliveries.schemas.ts';
import { deliverAtField, expiresAtField } from './event-times.ts';
import {
  channelField,
  eventIdField,
  eventTypeField,
  momentField,
  pageFields,
  searchedPageSchema,
  searchFields,
  shownId,
} from './fields.schemas.ts';

/** A JSON object of any kind: kept as it is, fields in the order in which they came. */
export const jsonObjectField = z.custom<Readonly<Record<string, unknown>>>(
  (value) => typeof value === 'object' && value !== null && !Array.isArray(value),
  'must be a JSON object',
);

/** The event's data. */
const dataField = jsonObjectField.meta({
  description:
    'A JSON object. Numbers are doubles, as in I-JSON (RFC 7493): send larger integers, such as ids, as strings.',
  example: { message_id: 'msg_1234567890', to: '+15551234567' },
  override: { type: 'object', additionalProperties: true },
});

export const newEventSchema = z
  .strictObject({
    type: eventTypeField,
    data: dataField,
    channel: channelField.nullish(),
    id: eventIdField.optional().meta({
      description:
        'The producer’s own id of the event. Receivers see it, and a repeat with the same id is the same event. ' +
        'No full stop, since it becomes part of what is signed (Standard Webhooks).',
    }),
    deliver_at: deliverAtField.nullish(),
    expires_at: expiresAtField.nullish(),
  })
  .meta({ id: 'NewEvent' });

export const idempotencyKeyField = z
  .string('must be given once')
  .regex(/^[\x20-\x7e]{1,255}$/, 'must be 1 to 255 printable ASCII characters');

export const idempotencyHeaders = z.object({
  'Idempotency-Key': idempotencyKeyField.optional().meta({
    description:
      'A repeat with the same key gets the first answer; with other content it is refused with 409.',
  }),
});

const timeFields = {
  deliver_at: momentField
    .nullable()
    .meta({ description: 'When it goes out, or went; null where that was at once.' }),
  expires_at: momentField.nullable().meta({ description: 'From then on no attempt begins; null for never.' }),
};

export const acceptedEventSchema = z
  .object({
    id: z.string(),
    type: z.string(),
    channel: z.string().nullable(),
    ...timeFields,
    created_at: momentField,
  })
  .meta({ id: 'AcceptedEvent' });

const eventFields = {
  id: z.string(),
  type: z.string(),
  channel: z.string().nullable(),
  is_test: z.boolean(),
  status: z.enum(eventStatuses).meta({
    description:
      '`scheduled` until its `deliver_at`; `cancelled` when it was called off before; otherwise `released`, to the webhooks that subscribed to it then.',
  }),
  ...timeFields,
  created_at: momentField,
};

export const eventSchema = z
  .object({
    ...eventFields,
    data: z.unknown().meta({ override: { type: 'object', additionalProperties: true } }),
    deliveries: z.array(deliverySchema).meta({ description: 'Newest first; at most 1,000.' }),
    filtered_out: z.array(shownId('wh')).meta({
      description: 'Webhooks that subscribed to it and whose `filter` kept it from them.',
    }),
  })
  .meta({ id: 'Event' });

export const eventPageSchema = searchedPageSchema(
  z.object(eventFields).meta({ id: 'EventSummary', description: 'An event without its data.' }),
);

export const eventChangeSchema = z
  .strictObject({
    deliver_at: deliverAtField.nullish(),
    expires_at: expiresAtField.nullish(),
    data: dataField.optional(),
  })
  .meta({ id: 'EventChange', description: 'What is absent stays. `deliver_at: null` sends it at once.' });

export const eventParams = z.object({ id: eventIdField });

export const eventQuery = z.strictObject({
  ...pageFields('evt'),
  type: eventTypeField.optional(),
  channel: channelField.optional(),
  status: z.enum(eventStatuses, `must be one of ${eventStatuses.join(', ')}`).optional(),
  ...searchFields,
});
