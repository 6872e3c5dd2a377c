import type { components } from '../sdk/client/src/client.ts';
import { lines } from './delivery-columns.ts';
import type { Column } from './table.ts';

type Webhook = components['schemas']['Webhook'];
type Health = components['schemas']['WebhookHealth'];

export const webhookColumns: readonly Column<Webhook>[] = [
  { heading: 'WEBHOOK', text: ({ id }) => id },
  { heading: 'ENDPOINT', text: ({ endpoint_state }) => endpoint_state },
  { heading: 'PROFILE', text: ({ profile }) => profile },
  { heading: 'EVENTS', text: ({ events }) => shortList(events) },
  { heading: 'URL', text: ({ url }) => url ?? 'pulled' },
];

/** A webhook, a line for each thing that is to be known of it. What it says of itself beyond these `--json` shows. */
export function webhookLines(webhook: Webhook, health?: Health): string[] {
  const certificate = webhook.client_certificate_details;
  return lines([
    ['id', webhook.id],
    ['url', webhook.url ?? 'none: it is pulled'],
    ['description', webhook.description],
    ['events', webhook.events.join(', ')],
    ['channels', webhook.channels?.join(', ') ?? null],
    ['profile', webhook.profile],
    ['auth', webhook.auth.type],
    ['certificate', certificate && `${certificate.subject} until ${certificate.not_after}`],
    ['rate limit', webhook.rate_limit === null ? null : `${webhook.rate_limit} a second`],
    ['in flight', webhook.max_in_flight === null ? null : `${webhook.max_in_flight} at most`],
    ['endpoint', `${webhook.endpoint_state} since ${webhook.state_since}`],
    ['why', webhook.state_reason],
    ['failures', webhook.consecutive_failures === 0 ? null : `${webhook.consecutive_failures} in a row`],
    ['held', health === undefined || health.held === 0 ? null : `${health.held} deliveries wait`],
    ['next probe', health?.next_probe_at ?? null],
    ['created', webhook.created_at],
    ['changed', webhook.updated_at],
  ]);
}

function shortList(events: readonly string[]): string {
  const [first = '', ...rest] = events;
  return rest.length === 0 ? first : `${first} +${rest.length}`;
}
