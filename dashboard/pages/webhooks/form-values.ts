import type { ProfileName, Webhook, WebhookChange } from '../../api/types.ts';
import { type AccessValues, accessBodyOf, accessOf, emptyAccess } from './access-values.ts';
import { durationsInText, textOfDurations } from './durations.ts';

type Order = 'none' | 'fifo' | 'fifo_by';

/** What the form holds, as people type it. */
export interface FormValues extends AccessValues {
  /** Whether its deliveries are pulled: it has no URL then. */
  isPulled: boolean;
  url: string;
  description: string;
  events: readonly string[];
  /** One a line; none for all. */
  channels: string;
  profile: ProfileName;
  /** JSONata; empty for none. */
  filter: string;
  transformation: string;
  /** "0 s, 30 s, 2 min"; empty for the profile's own. */
  delays: string;
  timeoutSeconds: string;
  healthCount: '' | 'attempts' | 'deliveries';
  healthFailures: string;
  recoveryRate: string;
  order: Order;
  /** For `fifo_by`. */
  orderPointer: string;
  onFailure: Webhook['on_failure'];
  headers: readonly { id: number; name: string; value: string }[];
}

export const profileNotes: Record<ProfileName, string> = {
  inbox: 'id, type, created_at, data; signed by X-Inbox-Signature',
  'inbox-components': 'id, event, data; Standard Webhooks, https only',
  'app-inbox': 'A contact’s available messages; Basic authentication',
  omnichannel: 'event, message, conversation',
  standard: 'Standard Webhooks 1.0: type, timestamp, data',
};

export const profileNames = Object.keys(profileNotes) as ProfileName[];

/** The one event type that App Inbox lists travel as. */
export const appInboxEvent = 'inbox.messages';

export const emptyForm: FormValues = {
  isPulled: false,
  url: '',
  description: '',
  events: [],
  channels: '',
  profile: 'inbox',
  filter: '',
  transformation: '',
  delays: '',
  timeoutSeconds: '',
  healthCount: '',
  healthFailures: '',
  recoveryRate: '',
  order: 'none',
  orderPointer: '',
  onFailure: 'skip',
  ...emptyAccess,
  headers: [],
};

/** A webhook as the form shows it. Secret values are •••, which sent again keeps them. */
export function formOf(webhook: Webhook): FormValues {
  const { health, retry_schedule: schedule } = webhook;
  return {
    isPulled: webhook.url === null,
    url: webhook.url ?? '',
    description: webhook.description,
    events: webhook.events,
    channels: (webhook.channels ?? []).join('\n'),
    profile: webhook.profile as ProfileName,
    filter: webhook.filter ?? '',
    transformation: webhook.transformation ?? '',
    delays: schedule !== null && 'delays_ms' in schedule ? textOfDurations(schedule.delays_ms) : '',
    timeoutSeconds: webhook.timeout_ms === null ? '' : String(webhook.timeout_ms / 1_000),
    healthCount: health?.count ?? '',
    healthFailures: health?.failures === undefined ? '' : String(health.failures),
    recoveryRate: String(webhook.recovery_rate),
    ...orderOf(webhook),
    onFailure: webhook.on_failure,
    ...accessOf(webhook),
    headers: Object.entries(webhook.headers).map(([name, value], id) => ({ id, name, value })),
  };
}

/** What the API is asked for. What the form does not show (a schedule that grows, how it is probed) stays as it is. */
export function bodyOf(
  values: FormValues,
  current?: Webhook,
): WebhookChange & { url: string | null; events: string[]; auth: Webhook['auth'] } {
  const delays = durationsInText(values.delays);
  const keepsSchedule =
    values.delays.trim() === '' && current?.retry_schedule && !('delays_ms' in current.retry_schedule);
  const channels = values.channels
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
  return {
    url: values.isPulled ? null : values.url.trim(),
    description: values.description,
    events: [...values.events],
    channels: channels.length === 0 ? null : channels,
    filter: values.filter.trim() === '' ? null : values.filter,
    transformation: values.transformation.trim() === '' ? null : values.transformation,
    ...(keepsSchedule ? {} : { retry_schedule: delays.length === 0 ? null : { delays_ms: delays } }),
    timeout_ms: values.timeoutSeconds === '' ? null : Math.round(Number(values.timeoutSeconds) * 1_000),
    health: values.isPulled ? null : healthOf(values, current),
    recovery_rate: values.recoveryRate === '' ? null : Number(values.recoveryRate),
    ordering: values.isPulled ? null : orderingOf(values),
    on_failure: values.isPulled ? 'skip' : values.onFailure,
    ...accessBodyOf(values.isPulled ? emptyAccess : values),
    headers: Object.fromEntries(
      (values.isPulled ? [] : values.headers)
        .filter(({ name }) => name.trim() !== '')
        .map(({ name, value }) => [name.trim(), value]),
    ),
  };
}

function orderOf({ ordering }: Webhook): Pick<FormValues, 'order' | 'orderPointer'> {
  if (ordering === null || ordering === 'fifo') return { order: ordering ?? 'none', orderPointer: '' };
  return { order: 'fifo_by', orderPointer: ordering.fifo_by };
}

function orderingOf({ order, orderPointer }: FormValues): Webhook['ordering'] {
  if (order === 'none') return null;
  return order === 'fifo' ? 'fifo' : { fifo_by: orderPointer.trim() };
}

function healthOf({ healthCount, healthFailures }: FormValues, current?: Webhook): WebhookChange['health'] {
  const { count: _count, failures: _failures, ...rest } = current?.health ?? {};
  const own = {
    ...rest,
    ...(healthCount === '' ? {} : { count: healthCount }),
    ...(healthFailures === '' ? {} : { failures: Number(healthFailures) }),
  };
  return Object.keys(own).length === 0 ? null : own;
}
