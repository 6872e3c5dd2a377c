import { z } from 'zod';
import { endpointStates } from '../db/schema.ts';
import { healthPolicyLimits } from '../webhook/health-policy.ts';
import { momentField, peoplesText } from './fields.schemas.ts';

const { maxFailures, maxFailingMs, minProbeMs, maxProbeMs, maxBackoff } = healthPolicyLimits;

const probeDelayField = z.int().min(minProbeMs).max(maxProbeMs);

const countField = z.enum(['attempts', 'deliveries']).meta({
  description:
    'What counts: every failed attempt, or only deliveries that have failed for good (their retry schedule is spent).',
});
const failuresField = z.int().min(1).max(maxFailures).meta({
  description: 'So many in a row disable the endpoint; half of them are told as `webhook.failing`.',
});
const minFailingField = z
  .int()
  .min(0)
  .max(maxFailingMs)
  .meta({ description: 'It is disabled only when it has failed for so long, in ms, without a success.' });

const probesField = z
  .strictObject({
    after_ms: probeDelayField.meta({ description: 'Before the first probe.' }),
    backoff: z
      .number()
      .min(1)
      .max(maxBackoff)
      .meta({ description: 'Each further wait is so many times as long…' }),
    max_ms: probeDelayField.meta({ description: '…and at most so long.' }),
  })
  .refine(({ after_ms, max_ms }) => max_ms >= after_ms, {
    path: ['max_ms'],
    message: 'must not be less than after_ms',
  });

const reenableField = z.union([z.literal('manual'), probesField]).meta({
  description:
    'How a disabled endpoint is enabled again: by hand alone, or also by itself, when one delivery that waits is tried and ' +
    'succeeds. One that answered 410 is never tried.',
});

/** What a webhook says otherwise than its profile's policy. */
export const ownPolicyField = z
  .strictObject({
    count: countField.optional(),
    failures: failuresField.optional(),
    min_failing_ms: minFailingField.optional(),
    reenable: reenableField.optional(),
  })
  .meta({
    id: 'OwnHealthPolicy',
    description:
      'When the endpoint is disabled and how it is enabled again; what is absent is as in the profile. Null or absent for the ' +
      'profile’s policy.',
  });

const policySchema = z
  .object({
    count: countField,
    failures: failuresField,
    min_failing_ms: minFailingField,
    reenable: reenableField,
  })
  .meta({
    id: 'HealthPolicy',
    description: 'The policy that holds: the profile’s, with what the webhook says otherwise.',
  });

export const webhookHealthSchema = z
  .object({
    state: z.enum(endpointStates),
    consecutive_failures: z.int().meta({ description: 'As the policy counts them.' }),
    since: momentField.meta({ description: 'Since when it is in this state.' }),
    last_failure: z
      .object({ at: z.string(), reason: z.string() })
      .nullable()
      .meta({ description: 'The last failure that counted.' }),
    policy: policySchema,
    next_probe_at: momentField.nullable(),
    reason: z.string().nullable().meta({ description: 'Why it is in this state, in words.' }),
    held: z.int().meta({ description: 'Deliveries that wait until it is enabled.' }),
  })
  .meta({ id: 'WebhookHealth' });

const reasonField = peoplesText(500)
  .optional()
  .meta({ description: 'Shown with the state, in the audit log and in the Temporal UI.' });

export const disableSchema = z.strictObject({ reason: reasonField }).meta({ id: 'Disabling' });

export const enableSchema = z
  .strictObject({
    held: z.enum(['deliver', 'discard']).optional().meta({
      description: 'What becomes of the deliveries that wait: `deliver` if absent.',
      example: 'deliver',
    }),
    reason: reasonField,
  })
  .meta({ id: 'Enabling' });
