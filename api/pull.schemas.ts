import { z } from 'zod';
import { deliveryStatuses } from '../db/schema.ts';
import { cursorIn, type PullCursor } from '../delivery/pull-cursor.ts';
import { failureReasons } from '../webhook/failure-reasons.ts';
import { momentField, shownId } from './fields.schemas.ts';

const cursorExample = 'd2hfMDFrN3E5dzN2OGU1eGJtMnJ0NG42YzBoemQvNy8xNzM3MTIzNDU2Nzg5';

/** A place in a webhook's queue; whose it is the handler looks at. */
const cursorField = z
  .string()
  .transform((text, context): PullCursor => {
    const cursor = cursorIn(text);
    if (cursor !== undefined) return cursor;
    context.issues.push({ code: 'custom', message: 'is not a cursor of a webhook’s queue', input: text });
    return z.NEVER;
  })
  .meta({ override: { format: 'pull-cursor' }, example: cursorExample });

const shownCursor = z.string().meta({ example: cursorExample });

/** A number from 1 (or 0) to `most`, as a query holds it. */
function numberField({ least, most, usual }: { least: 0 | 1; most: number; usual: number }) {
  return z
    .string()
    .refine(
      (text) => /^(0|[1-9]\d{0,2})$/.test(text) && Number(text) >= least && Number(text) <= most,
      `must be a number from ${least} to ${most}`,
    )
    .transform(Number)
    .default(usual)
    .meta({ override: { type: 'integer', minimum: least, maximum: most, default: usual } });
}

export const pollQuery = z.strictObject({
  cursor: cursorField.optional().meta({
    description:
      'What comes after that place. If absent: from the first that is not done, also what was pulled before.',
  }),
  limit: numberField({ least: 1, most: 250, usual: 50 }),
  wait: numberField({ least: 0, most: 30, usual: 0 }).meta({
    description: 'So many seconds it is waited for a delivery, if there is none.',
  }),
});

const pulledSchema = z
  .object({
    cursor: shownCursor.meta({ description: 'Its place: what is pulled anew gets a new one.' }),
    delivery_id: shownId('dlv'),
    event_id: z.string(),
    event_type: z.string(),
    attempt: z.int().meta({ description: '1 for the first.' }),
    headers: z.record(z.string(), z.string()).meta({
      description: 'As a URL would get them, the signature of exactly this body with them, made just now.',
    }),
    body: z.string().meta({ description: 'What is signed, in UTF-8: to be passed on byte for byte.' }),
  })
  .meta({ id: 'PulledDelivery' });

export const pollSchema = z
  .object({
    data: z.array(pulledSchema),
    cursor: shownCursor.nullable().meta({
      description:
        'The place of the last one, to acknowledge all of them by and to go on after; the one that was asked with when there is ' +
        'none.',
    }),
  })
  .meta({ id: 'PulledDeliveries' });

const mostResults = 100;
const mostResponseCharacters = 64 * 1024;
/** What a receiver's HTTP client takes at most for all of them. */
const mostHeaderCharacters = 16 * 1024;

const resultSchema = z
  .strictObject({
    cursor: cursorField,
    status: z.int().min(100).max(599).optional().meta({ description: 'The answer’s HTTP status.' }),
    headers: z.record(z.string().max(256), z.string().max(mostHeaderCharacters)).optional(),
    body: z.string().max(mostResponseCharacters).optional(),
    body_truncated: z.boolean().optional(),
    error: z
      .enum(failureReasons as [string, ...string[]])
      .optional()
      .meta({ description: 'Why there was no answer, in place of a status.' }),
    duration_ms: z.int().min(0).max(86_400_000).optional(),
  })
  .refine(({ status, error }) => (status === undefined) !== (error === undefined), {
    path: ['status'],
    message: 'is required, or error: one of the two',
  });

export const acknowledgementSchema = z
  .strictObject({
    results: z
      .array(resultSchema)
      .min(1)
      .max(mostResults)
      .optional()
      .meta({
        description:
          'What came of single deliveries. It is judged as the answer of a URL: 2xx is success, anything else is tried again by the ' +
          'webhook’s retry schedule.',
      }),
    cursor: cursorField.optional().meta({
      description: 'All up to this place are done: they end as succeeded. Looked at after the results.',
    }),
  })
  .refine(({ results, cursor }) => results !== undefined || cursor !== undefined, {
    path: ['cursor'],
    message: 'is required, or results',
  })
  .meta({ id: 'Acknowledgement', override: { minProperties: 1 } });

export const acknowledgedSchema = z
  .object({
    acknowledged: z.int().meta({ description: 'How many ended by the cursor; done twice it is none.' }),
    results: z
      .array(
        z.object({
          delivery_id: shownId('dlv').nullable(),
          status: z
            .enum(deliveryStatuses)
            .nullable()
            .meta({
              description:
                'Null when it no longer had this place: someone else said what came of it, it was cancelled, or it expired more than a ' +
                'quarter of an hour ago.',
            }),
          next_attempt_at: momentField.nullable().meta({ description: 'When it can be pulled again.' }),
        }),
      )
      .meta({ description: 'One for each result, in their order.' }),
  })
  .meta({ id: 'Acknowledged' });

const resumeField = cursorField.optional();

export const listenHeaders = z.object({
  'Last-Event-ID': resumeField.meta({ description: 'Goes on after that message.' }),
});

export const listenQuery = z.strictObject({
  cursor: resumeField.meta({ description: 'The same, for those who cannot send the header.' }),
  window: numberField({ least: 1, most: 100, usual: 8 }).meta({
    description: 'So many are sent ahead of what is said of them.',
  }),
});

export type ResultBody = z.output<typeof resultSchema>;
