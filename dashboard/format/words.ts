import type { DeliveryStatus, EndpointState, EventStatus } from '../api/types.ts';

/** How something is drawn: green, red, amber, violet, blue or grey. */
export type Tone = 'good' | 'bad' | 'warn' | 'wait' | 'live' | 'idle';

export const deliveryTones: Record<DeliveryStatus, Tone> = {
  pending: 'live',
  held: 'wait',
  queued: 'wait',
  succeeded: 'good',
  failed: 'bad',
  cancelled: 'idle',
  expired: 'idle',
};

export const deliveryWords: Record<DeliveryStatus, string> = {
  pending: 'Pending',
  held: 'Held',
  queued: 'Queued',
  succeeded: 'Succeeded',
  failed: 'Failed',
  cancelled: 'Cancelled',
  expired: 'Expired',
};

export const eventWords: Record<EventStatus, string> = {
  scheduled: 'Scheduled',
  released: 'Gone out',
  cancelled: 'Cancelled',
};

export const endpointTones: Record<EndpointState, Tone> = {
  healthy: 'good',
  failing: 'warn',
  disabled: 'bad',
  probing: 'wait',
};

export const endpointWords: Record<EndpointState, string> = {
  healthy: 'Healthy',
  failing: 'Failing',
  disabled: 'Disabled',
  probing: 'Probing',
};

const reasonWords: Record<string, string> = {
  http_status: 'Answered with an error',
  redirect: 'Answered with a redirect',
  gone: 'Answered 410 Gone',
  timeout: 'No answer in time',
  connect_timeout: 'No connection in time',
  connection_limit: 'No free connection in time',
  connection_refused: 'Connection refused',
  connection_reset: 'Connection closed',
  unreachable: 'Address cannot be reached',
  dns: 'Host name does not resolve',
  tls: 'TLS not trusted or not made',
  blocked_address: 'Address not permitted',
  url_refused: 'URL not permitted',
  protocol_error: 'Answer was not valid HTTP',
  unsendable: 'Data does not fit the profile',
  no_token: 'No access token',
  certificate_expired: 'Client certificate expired',
  proxy: 'Egress proxy did not connect',
  filter_failed: 'The filter failed',
  transformation_failed: 'The transformation failed',
  expressions_busy: 'Expressions could not be run',
  interrupted: 'Interrupted on our side',
  internal: 'A fault of our own',
};

/** A failure reason, which is for programs, in words for people. */
export function reasonInWords(reason: string): string {
  return reasonWords[reason] ?? reason.replaceAll('_', ' ');
}

/** A sentence's first letter, large. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
