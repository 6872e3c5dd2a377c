import { z } from 'zod';
import { loggedBodyCharacters } from '../db/attempts.ts';
import { endpointStates } from '../db/schema.ts';
import { mostSigningSecrets } from '../db/webhook-secrets.ts';
import { endpointLimitRange } from '../webhook/endpoint-limits.ts';
import type { ProfileName } from '../webhook/profile.ts';
import { defaultProfileName, profileNames } from '../webhook/profiles.ts';
import { completeRegistration } from '../webhook/registration.ts';
import { retryScheduleLimits } from '../webhook/retry-schedule.ts';
import { isPattern } from '../webhook/subscriptions.ts';
import { MAX_URL_CHARS } from '../webhook/url-policy.ts';
import { attemptFields } from './deliveries.schemas.ts';
import { filterField, transformationField } from './expressions.schemas.ts';
import {
  channelField,
  eventTypeField,
  idField,
  momentField,
  pageFields,
  pageSchema,
  shownId,
} from './fields.schemas.ts';
import { onFailureField, orderingField } from './ordering.schemas.ts';
import {
  authField,
  certificateDetailsSchema,
  clientCertificateField,
  serverCaField,
} from './webhook-access.schemas.ts';
import { ownPolicyField } from './webhook-health.schemas.ts';

/** Held deliveries a second, where a webhook says nothing else. */
export const usualRecoveryRate = 20;

/** The shortest and longest time limits of an attempt, in ms. */
const timeoutLimits = { minMs: 1_000, maxMs: 30_000 };

const { maxAttempts, maxDelayMs, minFactor, maxFactor } = retryScheduleLimits;

const delayField = z.int().min(0).max(maxDelayMs);
const jitterField = z.number().min(0).max(1).meta({
  description: 'Each delay is lengthened by a random part of up to this share of itself; 0 if absent.',
});

const retryScheduleField = z
  .union([
    z.strictObject({
      delays_ms: z
        .array(delayField)
        .min(1)
        .max(maxAttempts)
        .meta({ description: 'The delay before each attempt, the first included.' }),
      jitter: jitterField.optional(),
    }),
    z.strictObject({
      initial_ms: delayField,
      factor: z.number().min(minFactor).max(maxFactor),
      max_ms: delayField,
      attempts: z
        .int()
        .min(1)
        .max(maxAttempts)
        .meta({ description: 'In all, the first included, which is made at once.' }),
      jitter: jitterField.optional(),
    }),
  ])
  .meta({ description: 'When attempts are made; null or absent for the profile’s own schedule.' });

export const profileField = z.enum(profileNames as [ProfileName, ...ProfileName[]]);

export const urlField = z.string().meta({
  example: 'https://yourapp.com/webhooks/inbox',
  override: { format: 'uri', maxLength: MAX_URL_CHARS },
});

const urlOrNullField = urlField.nullable().meta({
  description:
    'Null for a webhook without one: its deliveries wait until its consumer pulls them (`GET /v1/webhooks/{id}/poll` and `…/listen`). ' +
    'A webhook cannot change from the one to the other.',
});

const eventsField = z
  .array(z.string().refine(isPattern, 'must be an event type, one with .* after it, or *'))
  .min(1, 'must name at least one event type, or *')
  .max(200)
  .meta({
    description: 'Event types: exact names, `message.*` for all below, or `*` for all.',
    example: ['message.delivered', 'message.read', 'message.failed'],
  });

const recoveryRateField = z
  .int()
  .min(1)
  .max(1_000)
  .meta({
    description: `Held deliveries a second that go out when the endpoint is enabled again; ${usualRecoveryRate} if absent.`,
  });

const rateLimitField = z
  .number()
  .min(endpointLimitRange.minRate)
  .max(endpointLimitRange.maxRate)
  .meta({
    description:
      'Requests a second that the endpoint gets at most, of all its deliveries; null or absent for no limit. What has to wait ' +
      'for it uses up nothing of its retry schedule.',
  });

const maxInFlightField = z.int().min(1).max(endpointLimitRange.maxInFlight).meta({
  description:
    'Requests that the endpoint has under way at most, of all its deliveries; null or absent for no limit.',
});

const lapsesField = z.int().min(60).max(2_592_000).meta({
  description:
    'For a webhook without a URL: it is deleted when nobody has pulled for so many seconds; null or absent for never.',
});

export const headersField = z.record(z.string(), z.string()).meta({
  description: 'Sent with every request. Read back, values are •••, which sent again keeps them.',
});

/** What may be changed and has a default. */
const optionalFields = {
  description: z.string().max(1_000).optional().meta({ example: 'Production webhook endpoint' }),
  channels: z
    .array(channelField)
    .min(1, 'must name at least one channel; null is for all')
    .max(1_000)
    .nullish()
    .meta({ description: 'Only events of these channels; null or absent for all events.' }),
  filter: filterField.nullish(),
  transformation: transformationField.nullish(),
  retry_schedule: retryScheduleField.nullish(),
  timeout_ms: z
    .int()
    .min(timeoutLimits.minMs)
    .max(timeoutLimits.maxMs)
    .nullish()
    .meta({ description: 'How long an attempt may take; null or absent for the profile’s own limit.' }),
  headers: headersField.optional(),
  auth: authField.optional(),
  client_certificate: clientCertificateField.nullish(),
  server_ca: serverCaField.nullish(),
  health: ownPolicyField.nullish(),
  recovery_rate: recoveryRateField.nullish(),
  rate_limit: rateLimitField.nullish(),
  max_in_flight: maxInFlightField.nullish(),
  lapses_after_s: lapsesField.nullish(),
  ordering: orderingField.nullish(),
  on_failure: onFailureField.nullish(),
};

const signingSecretField = z.string().meta({ override: { format: 'signing-secret' } });

const wholeRegistrationSchema = z
  .strictObject({
    url: urlOrNullField,
    events: eventsField,
    ...optionalFields,
    profile: profileField.optional().meta({
      description: `The wire dialect; ${defaultProfileName} if absent. It cannot be changed later.`,
    }),
    secret: signingSecretField.optional().meta({
      description: 'The signing secret: whsec_ (HMAC) or whsk_ (ed25519) and base64. Made when absent.',
    }),
  })
  .meta({
    id: 'NewWebhook',
    description:
      'With the profile app-inbox `events` may be absent. The form of its document, `url` and `auth` alone, registers such ' +
      'a webhook as well.',
    override: { required: ['url'] },
  });

/** As in its profile's own document, or in general. */
export const newWebhookSchema = z.preprocess((body, context) => {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return body;
  const registration = completeRegistration(body as Record<string, unknown>);
  if ('body' in registration) return registration.body;
  const { path, detail } = registration.problem;
  context.issues.push({ code: 'custom', path: [...path], message: detail, input: body });
  return z.NEVER;
}, wholeRegistrationSchema);

const unchangeableFields = {
  profile: profileField
    .optional()
    .meta({ description: 'Must be the profile it has: that cannot be changed.' }),
};

export const webhookReplacementSchema = z
  .strictObject({ url: urlOrNullField, events: eventsField, ...optionalFields, ...unchangeableFields })
  .meta({ id: 'WebhookReplacement' });

export const webhookChangeSchema = z
  .strictObject({
    url: urlOrNullField.optional(),
    events: eventsField.optional(),
    ...optionalFields,
    ...unchangeableFields,
  })
  .meta({ id: 'WebhookChange' });

export const webhookSchema = z
  .object({
    id: shownId('wh'),
    url: z.string().nullable(),
    description: z.string(),
    events: z.array(z.string()),
    channels: z.array(z.string()).nullable(),
    profile: z.string(),
    filter: filterField.nullable(),
    transformation: transformationField.nullable(),
    retry_schedule: retryScheduleField.nullable(),
    timeout_ms: z.int().nullable(),
    headers: z.record(z.string(), z.string()),
    auth: authField,
    client_certificate: clientCertificateField
      .omit({ passphrase: true })
      .meta({ id: 'ShownClientCertificate' })
      .nullable(),
    client_certificate_details: certificateDetailsSchema.nullable(),
    server_ca: z.string().nullable(),
    health: ownPolicyField.nullable(),
    recovery_rate: recoveryRateField,
    rate_limit: rateLimitField.nullable(),
    max_in_flight: maxInFlightField.nullable(),
    lapses_after_s: lapsesField.nullable(),
    pulled_at: momentField.nullable().meta({
      description: 'Without a URL: when its consumer was last there, to within some seconds.',
    }),
    ordering: orderingField.nullable(),
    on_failure: onFailureField,
    endpoint_state: z.enum(endpointStates),
    state_since: momentField.meta({ description: 'Since when the endpoint is in this state.' }),
    state_reason: z.string().nullable().meta({ description: 'Why it is in this state, in words.' }),
    consecutive_failures: z.int().meta({ description: 'As its health policy counts them.' }),
    created_at: momentField,
    updated_at: momentField,
  })
  .meta({ id: 'Webhook' });

export const createdWebhookSchema = webhookSchema
  .extend({ secret: z.string().meta({ description: 'The signing secret.' }) })
  .meta({ id: 'CreatedWebhook' });

const activitySchema = z.object({
  buckets: z.array(z.object({ succeeded: z.int(), failed: z.int() })).meta({
    description:
      'Attempts in each of the last 24 hours, the current one last; the last few seconds may be missing.',
  }),
  last_failure: z.object({ at: z.string(), reason: z.string() }).nullable(),
});

export const webhookPageSchema = pageSchema(
  webhookSchema
    .extend({ activity: activitySchema.optional().meta({ description: 'With `include=activity`.' }) })
    .meta({ id: 'ListedWebhook' }),
);

export const webhookParams = z.object({ id: idField('wh') });

export const webhookQuery = z.strictObject({
  ...pageFields('wh'),
  include: z.literal('activity', 'must be activity').optional(),
});

export const webhookLogQuery = z.strictObject(pageFields('att'));

const secretFields = {
  secret: z.string(),
  public_key: z
    .string()
    .optional()
    .meta({ description: 'What receivers verify with (whpk_), for an ed25519 secret (whsk_).' }),
};

export const webhookSecretSchema = z.object(secretFields).meta({ id: 'WebhookSecret' });

const overlapLimits = { most: 604_800, usual: 86_400 };

export const secretRotationSchema = z
  .strictObject({
    secret: signingSecretField.optional().meta({
      description:
        'The new secret: whsec_ (HMAC) or whsk_ (ed25519) and base64. Made, of the same kind, when absent.',
    }),
    overlap_seconds: z
      .int()
      .min(0)
      .max(overlapLimits.most)
      .default(overlapLimits.usual)
      .meta({
        description:
          'For how long the secret that is current until now goes on signing beside the new one; with 0 the new one is at ' +
          'once the only one.',
      }),
  })
  .meta({ id: 'SecretRotation' });

export const rotatedSecretSchema = z
  .object({
    ...secretFields,
    previous_expires_at: momentField
      .nullable()
      .meta({ description: 'When the secret before stops signing; null when it has.' }),
    signing: z.int().meta({ description: `How many secrets sign now; at most ${mostSigningSecrets}.` }),
  })
  .meta({ id: 'RotatedSecret' });

export const webhookTestSchema = z
  .strictObject({ webhook_id: idField('wh'), event_type: eventTypeField })
  .meta({ id: 'WebhookTest' });

export const startedTestSchema = z
  .object({
    event_id: shownId('evt'),
    delivery_id: shownId('dlv'),
    webhook_id: shownId('wh'),
    event_type: z.string(),
  })
  .meta({ id: 'StartedTest' });

export const webhookLogPageSchema = pageSchema(
  z
    .object({
      ...attemptFields,
      response_body: z
        .string()
        .nullable()
        .meta({ description: `The first ${loggedBodyCharacters} characters; the delivery shows more.` }),
      event_id: z.string().nullable(),
      event_type: z.string().nullable(),
    })
    .meta({ id: 'LoggedAttempt' }),
);

export type NewWebhookBody = z.output<typeof newWebhookSchema>;
export type WebhookReplacementBody = z.output<typeof webhookReplacementSchema>;
export type WebhookChangeBody = z.output<typeof webhookChangeSchema>;
export type RetryScheduleBody = z.output<typeof retryScheduleField>;
export type OwnPolicyBody = z.output<typeof ownPolicyField>;
