import type { Webhook, WebhookSettings } from '../db/webhooks.ts';
import { headerProblems } from '../webhook/header-policy.ts';
import type { HealthPolicy } from '../webhook/health-policy.ts';
import type { Profile } from '../webhook/profile.ts';
import { isProfileName, profiles } from '../webhook/profiles.ts';
import { REDACTED } from '../webhook/request.ts';
import type { RetrySchedule } from '../webhook/retry-schedule.ts';
import { parseSecret, SecretFormError } from '../webhook/secrets.ts';
import { canSubscribe } from '../webhook/subscriptions.ts';
import { checkUrl } from '../webhook/url-policy.ts';
import { type FieldError, invalidBody } from './problems.ts';
import { pullErrors } from './pull-settings.ts';
import type { ApiSettings } from './routes.ts';
import { pointerTo } from './validation.ts';
import {
  authErrors,
  chosenAuthorities,
  chosenCertificate,
  shownAuth,
  shownCertificate,
  tlsErrors,
  withKeptCredentials,
  withKeptValues,
} from './webhook-access.ts';
import {
  type NewWebhookBody,
  type OwnPolicyBody,
  type RetryScheduleBody,
  usualRecoveryRate,
  type WebhookChangeBody,
  type WebhookReplacementBody,
} from './webhooks.schemas.ts';

/** What decides whether settings are taken. */
export interface SettingsRules {
  profile: Profile;
  policy: Pick<ApiSettings, 'allowedPrivateCidrs'>;
  /** The webhook as it is, whose secret values `•••` stands for. */
  current?: Webhook;
}

/** What a whole body asks for: what is absent has its default. @throws Problem 422 */
export function settingsOf(
  body: NewWebhookBody | WebhookReplacementBody,
  rules: SettingsRules,
): WebhookSettings {
  const certificate = chosenCertificate(body.client_certificate, rules.current);
  const authorities = chosenAuthorities(body.server_ca, rules.current);
  const settings: WebhookSettings = {
    url: body.url,
    description: body.description ?? '',
    events: [...new Set(body.events)],
    channels: body.channels ? [...new Set(body.channels)] : null,
    filter: body.filter ?? null,
    transformation: body.transformation ?? null,
    retry_schedule: body.retry_schedule ? storedSchedule(body.retry_schedule) : null,
    timeout_ms: body.timeout_ms ?? null,
    // `•••` cannot be sent as a header's value, so where there is nothing to keep it is refused as one.
    headers: withKeptValues(body.headers ?? {}, rules.current?.headers ?? {}),
    auth: withKeptCredentials(body.auth ?? { type: 'none' }, rules.current?.auth),
    client_certificate: certificate.chosen,
    server_ca: authorities.chosen,
    health: storedPolicy(body.health),
    recovery_rate: body.recovery_rate ?? usualRecoveryRate,
    rate_limit: body.rate_limit ?? null,
    max_in_flight: body.max_in_flight ?? null,
    lapses_after_s: body.lapses_after_s ?? null,
    ordering: body.ordering ?? null,
    on_failure: body.on_failure ?? 'skip',
  };
  const errors = [
    ...profileErrors(body.profile, rules),
    ...settingsErrors(settings, body, rules),
    ...pullErrors(settings, rules.current?.url),
    ...certificate.errors,
    ...authorities.errors,
  ];
  if (errors.length > 0) throw invalidBody(errors);
  return settings;
}

/** What a partial body makes of a webhook: what is absent stays. @throws Problem 422 */
export function changedSettings(
  current: Webhook,
  change: WebhookChangeBody,
  rules: Omit<SettingsRules, 'current'>,
): WebhookSettings {
  const { client_certificate_details: _details, ...shown } = shownSettings(current);
  const whole = { ...shown, ...withoutUndefined(change) };
  return settingsOf(whole as WebhookReplacementBody, { ...rules, current });
}

/** A webhook as answers show it: secret values are `•••`. */
export function shownWebhook(webhook: Webhook) {
  const { id, profile, created_at, updated_at } = webhook;
  const { pulled_at, endpoint_state, state_since, state_reason, consecutive_failures } = webhook;
  const { url, description, events, channels, ...rest } = shownSettings(webhook);
  return {
    ...{ id, url, description, events, channels, profile, ...rest },
    ...{ pulled_at, endpoint_state, state_since, state_reason, consecutive_failures },
    ...{ created_at, updated_at },
  };
}

/** The profile that a stored webhook has. */
export function profileOf({ profile }: Pick<Webhook, 'profile'>): Profile {
  if (!isProfileName(profile)) throw new Error(`a webhook is stored with the unknown profile ${profile}`);
  return profiles[profile];
}

/** What is wrong with a signing secret that was given for a webhook of the profile. */
export function secretErrors(secret: string, profile: Profile): FieldError[] {
  const pointer = '/secret';
  try {
    const { kind } = parseSecret(secret);
    if (kind === 'hmac' || !profile.signs.includes('x-inbox-signature')) return [];
    return [{ pointer, detail: `must be a whsec_ secret: the profile ${profile.name} signs with HMAC` }];
  } catch (error) {
    if (error instanceof SecretFormError) return [{ pointer, detail: error.message }];
    throw error;
  }
}

function profileErrors(named: string | undefined, { profile, current }: SettingsRules): FieldError[] {
  if (current === undefined || named === undefined || named === profile.name) return [];
  const detail = `is ${profile.name} and cannot be changed: a repeat of a delivery must be the same request`;
  return [{ pointer: '/profile', detail }];
}

function settingsErrors(
  settings: WebhookSettings,
  { events }: Pick<NewWebhookBody, 'events'>,
  { profile, policy }: SettingsRules,
): FieldError[] {
  const { url, headers, auth } = settings;
  const { httpsOnly } = profile;
  const { allowedPrivateCidrs } = policy;
  const urlCheck = url === null ? null : checkUrl(url, { httpsOnly, allowedPrivateCidrs });
  return [
    ...(urlCheck === null || urlCheck.ok ? [] : [{ pointer: '/url', detail: urlCheck.problem.detail }]),
    ...events.flatMap((pattern, index) =>
      canSubscribe(profile, pattern)
        ? []
        : [
            {
              pointer: `/events/${index}`,
              detail: `the profile ${profile.name} does not carry events of this type`,
            },
          ],
    ),
    ...headerProblems(headers).map(({ name, detail }) => ({
      pointer: pointerTo(name === null ? ['headers'] : ['headers', name]),
      detail,
    })),
    ...authErrors(auth, { profile, policy }),
    ...tlsErrors(settings),
  ];
}

function shownSettings(webhook: WebhookSettings) {
  return {
    url: webhook.url,
    description: webhook.description,
    events: webhook.events,
    channels: webhook.channels,
    filter: webhook.filter,
    transformation: webhook.transformation,
    retry_schedule: webhook.retry_schedule === null ? null : shownSchedule(webhook.retry_schedule),
    timeout_ms: webhook.timeout_ms,
    headers: Object.fromEntries(Object.keys(webhook.headers).map((name) => [name, REDACTED])),
    auth: shownAuth(webhook.auth),
    ...shownCertificate(webhook.client_certificate),
    server_ca: webhook.server_ca,
    health: webhook.health,
    recovery_rate: webhook.recovery_rate,
    rate_limit: webhook.rate_limit,
    max_in_flight: webhook.max_in_flight,
    lapses_after_s: webhook.lapses_after_s,
    ordering: webhook.ordering,
    on_failure: webhook.on_failure,
  };
}

/** A policy that says nothing is none. */
function storedPolicy(body: OwnPolicyBody | null | undefined): Partial<HealthPolicy> | null {
  const policy = withoutUndefined(body ?? {}) as Partial<HealthPolicy>;
  return Object.keys(policy).length === 0 ? null : policy;
}

function storedSchedule(body: RetryScheduleBody): RetrySchedule {
  const jitter = body.jitter ?? 0;
  if ('delays_ms' in body) return { delaysMs: body.delays_ms, jitter };
  const { initial_ms, factor, max_ms, attempts } = body;
  return { initialMs: initial_ms, factor, maxMs: max_ms, attempts, jitter };
}

function shownSchedule(schedule: RetrySchedule): RetryScheduleBody {
  const { jitter } = schedule;
  if ('delaysMs' in schedule) return { delays_ms: [...schedule.delaysMs], jitter };
  const { initialMs, factor, maxMs, attempts } = schedule;
  return { initial_ms: initialMs, factor, max_ms: maxMs, attempts, jitter };
}

function withoutUndefined<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, item]) => item !== undefined)) as Partial<T>;
}
