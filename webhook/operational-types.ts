import type { CatalogueEntry } from './profile.ts';

/** The events that Postrider itself tells an account: about its endpoints and its deliveries. */
export const operationalTypes = [
  'webhook.disabled',
  'webhook.enabled',
  'webhook.failing',
  'delivery.failed',
] as const;
export type OperationalType = (typeof operationalTypes)[number];

/** The data of `webhook.disabled`, `webhook.enabled` and `webhook.failing`: how the endpoint is from then on. */
export type EndpointEventData = {
  webhook_id: string;
  /** The webhook's. */
  description: string;
  state: 'healthy' | 'failing' | 'disabled' | 'probing';
  /** Why it is in this state, in words. */
  reason: string | null;
  consecutive_failures: number;
  /** Since when it is in this state; ISO 8601. */
  since: string;
  last_failure: { at: string; reason: string } | null;
  /** Who has asked for it: an API key's id, the name that came with a signal, or `signal`; null when nobody has. */
  by: string | null;
};

/** The data of `delivery.failed`. */
export type FailedDeliveryData = {
  delivery_id: string;
  /** As its receivers know the event. */
  event_id: string;
  event_type: string;
  webhook_id: string;
  /** Attempts that were made of it by then. */
  attempts: number;
  /** Why the last one failed, in words. */
  reason: string | null;
  /** ISO 8601. */
  failed_at: string;
};

/** These fields and no others, in this order, whatever else the endpoint's record holds. */
export function endpointEventData(endpoint: EndpointEventData): EndpointEventData {
  const { webhook_id, description, state, reason, consecutive_failures, since, last_failure, by } = endpoint;
  return {
    ...{ webhook_id, description, state, reason, consecutive_failures, since },
    last_failure: last_failure === null ? null : { at: last_failure.at, reason: last_failure.reason },
    by,
  };
}

const endpoint = {
  webhook_id: 'wh_01k7q9w3v8e5xbm2rt4n6c0hzd',
  description: 'Production webhook endpoint',
};
const last_failure = { at: '2025-01-15T10:25:03.000Z', reason: 'answered 500' };

/** What the catalogue shows of them. The examples are of the very shape that is sent. */
export const operationalCatalogue: readonly (CatalogueEntry & { type: OperationalType })[] = [
  {
    type: 'webhook.disabled',
    description: 'An endpoint was disabled: what it would get is held until it is enabled',
    example: endpointEventData({
      ...endpoint,
      state: 'disabled',
      reason: '5 deliveries in a row have failed',
      consecutive_failures: 5,
      since: '2025-01-15T10:25:03.412Z',
      last_failure,
      by: null,
    }),
  },
  {
    type: 'webhook.enabled',
    description: 'An endpoint that was disabled is enabled again: what was held for it goes out',
    example: endpointEventData({
      ...endpoint,
      state: 'healthy',
      reason: 'the receiver is fixed',
      consecutive_failures: 0,
      since: '2025-01-15T11:02:40.118Z',
      last_failure,
      by: 'key_01k7q9w3v8e5xbm2rt4n6c0hzd',
    }),
  },
  {
    type: 'webhook.failing',
    description: 'An endpoint has failed half as often in a row as disables it',
    example: endpointEventData({
      ...endpoint,
      state: 'failing',
      reason: null,
      consecutive_failures: 3,
      since: '2025-01-15T09:14:55.870Z',
      last_failure,
      by: null,
    }),
  },
  {
    type: 'delivery.failed',
    description:
      'A delivery has failed for good: its retry schedule is spent, or no further attempt would help',
    example: {
      delivery_id: 'dlv_01k7q9w3v8e5xbm2rt4n6c0hzd',
      event_id: 'evt_01k7q9w3v8e5xbm2rt4n6c0hzd',
      event_type: 'message.delivered',
      webhook_id: endpoint.webhook_id,
      attempts: 6,
      reason: 'answered 500',
      failed_at: '2025-01-15T10:25:03.412Z',
    } satisfies FailedDeliveryData,
  },
];
