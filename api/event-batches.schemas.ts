import { z } from 'zod';
import { acceptedEventSchema, idempotencyKeyField, newEventSchema } from './events.schemas.ts';
import { mostBodyBytes } from './request-body.ts';

export const mostBatchedEvents = 1_000;
/** Of the whole body, in bytes. */
export const mostBatchBytes = 8 * 1024 * 1024;
/** Of one event's data as JSON, in bytes: what a body of its own could hold. */
export const mostEventBytes = mostBodyBytes;

export const batchedEventSchema = newEventSchema
  .extend({
    idempotency_key: idempotencyKeyField.optional().meta({
      description:
        'As the header `Idempotency-Key` of a single event: a repeat with the same key gets the first answer.',
    }),
  })
  .meta({ id: 'BatchedEvent' });

/** The events are checked one by one: what is wrong with one does not affect the others. */
export const batchSchema = z.strictObject({ events: bounded(z.array(z.unknown())) });

export const describedBatchSchema = z
  .strictObject({ events: bounded(z.array(batchedEventSchema)) })
  .meta({ id: 'EventBatch' });

function bounded<Item extends z.ZodType>(list: z.ZodArray<Item>) {
  return list
    .min(1, 'must hold an event at least')
    .max(mostBatchedEvents, `must hold at most ${mostBatchedEvents} events`);
}

const acceptedFields = acceptedEventSchema.shape;

export const batchResultSchema = z
  .object({
    results: z
      .array(
        z.discriminatedUnion('status', [
          z.object({ status: z.enum(['accepted', 'repeated']), ...acceptedFields }),
          z.object({
            status: z.literal('refused'),
            problem: z.unknown().meta({ override: { $ref: '#/components/schemas/Problem' } }),
          }),
        ]),
      )
      .meta({ description: 'One for each event, in their order.' }),
  })
  .meta({ id: 'EventBatchResult' });
