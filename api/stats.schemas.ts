import { z } from 'zod';
import { momentField } from './fields.schemas.ts';

export const statsRanges = ['1h', '24h', '7d'] as const;

export const statsQuery = z.strictObject({
  range: z.enum(statsRanges).optional().meta({ description: '`24h` if absent.' }),
});

const latencyFields = {
  p50_ms: z
    .int()
    .nullable()
    .meta({ description: 'Half of the attempts took at most so long; right to within a quarter.' }),
  p95_ms: z.int().nullable(),
};

const count = (description: string) => z.int().meta({ description });

const statsFields = {
  range: z.enum(statsRanges),
  bucket_seconds: z.int(),
  buckets: z.array(z.object({ start: momentField, succeeded: z.int(), failed: z.int(), ...latencyFields })),
  totals: z.object({
    attempts: z.int(),
    succeeded: z.int(),
    failed: z.int(),
    success_rate: z.number().nullable().meta({ description: 'From 0 to 1; null when there was no attempt.' }),
    ...latencyFields,
  }),
  deliveries: z.object({
    pending: count('Without a failed attempt so far.'),
    failing: count('Attempted in vain, with a further attempt to come.'),
    held: count('Waiting for their endpoint to be enabled.'),
    queued: count('Waiting for their consumer to pull them.'),
    is_capped: z.boolean().meta({ description: 'There are more than were counted: 10,000.' }),
  }),
  by_reason: z
    .array(z.object({ reason: z.string(), count: z.int() }))
    .meta({ description: 'Why attempts failed, the most frequent first.' }),
};

export const webhookStatsSchema = z.object(statsFields).meta({ id: 'WebhookStats' });

export const accountStatsSchema = z
  .object({
    ...statsFields,
    endpoints: z.object({ healthy: z.int(), failing: z.int(), disabled: z.int(), probing: z.int() }),
  })
  .meta({ id: 'AccountStats' });
