/** Why an attempt failed, each with its words. */
const sentences = {
  /** An answer that is neither 2xx nor one of the two below. */
  http_status: ({ status }) => `answered ${status ?? 'with an error'}`,
  redirect: ({ status }) => `answered ${status ?? '3xx'}, a redirect; redirects are not followed`,
  gone: ({ status }) => `answered ${status ?? 410}: the receiver wants no more events`,
  /** The request was sent and the headers of an answer did not come in time. */
  timeout: ({ timeoutMs }) => `no answer within ${seconds(timeoutMs)}`,
  connect_timeout: ({ timeoutMs }) => `no connection within ${seconds(timeoutMs)}`,
  /** Every connection that may be open to the origin was in use all the time. */
  connection_limit: ({ timeoutMs }) =>
    `no free connection within ${seconds(timeoutMs)}: too many deliveries to this receiver are under way`,
  connection_refused: () => 'the connection was refused',
  connection_reset: () => 'the connection was closed before an answer came',
  unreachable: ({ code }) => `the receiver's address cannot be reached${inBrackets(code)}`,
  dns: ({ code }) => `the host name does not resolve${inBrackets(code)}`,
  tls: ({ code }) => `the TLS connection was not trusted or not made${inBrackets(code)}`,
  /** The URL policy forbids every address that the host has. */
  blocked_address: () => 'the host has no address that webhooks may be sent to',
  /** The URL policy forbids the URL as it is written: the policy is stricter than at registration. */
  url_refused: () => 'the URL is no longer permitted',
  protocol_error: ({ code }) => `the answer was not valid HTTP${inBrackets(code)}`,
  /** The event's data has not the form that the webhook's profile sends. */
  unsendable: () => "the event's data has not the form that this webhook's profile sends",
  /** The client credentials grant: the token endpoint gave none. `cause` is in our words, never in its own. */
  no_token: ({ cause }) => `no access token could be had: ${cause ?? 'the token endpoint gave none'}`,
  certificate_expired: () => "the webhook's client certificate has expired",
  /** The operator's own egress proxy is away or refuses: nothing that the receiver has done. */
  proxy: ({ code }) => `the egress proxy on the side of the sender did not connect${inBrackets(code)}`,
  /** The webhook's own expressions gave no result; an attempt's detail says where and why. */
  filter_failed: () => "the webhook's filter failed",
  transformation_failed: () => "the webhook's transformation failed",
  /** Postrider could not run them now: too much waits to be run, or their process does not start. An attempt's detail says which. */
  expressions_busy: () => "the webhook's expressions were not run on the side of the sender",
  /** Postrider stopped, or the process died, while the attempt was under way. */
  interrupted: () => 'the attempt was interrupted on the side of the sender',
  /** None of these: a fault of our own, to be looked into. */
  internal: ({ code }) => `the attempt could not be made${inBrackets(code)}`,
} satisfies Record<string, (facts: FailureFacts) => string>;

export type FailureReason = keyof typeof sentences;

/** The reasons for which no request was made at all. */
export const unsentReasons = [
  ...(['url_refused', 'unsendable', 'no_token', 'certificate_expired'] as const),
  ...(['filter_failed', 'transformation_failed', 'expressions_busy'] as const),
] as const satisfies FailureReason[];

/** The reasons that say nothing of the endpoint: its health does not count them. */
export const blamelessReasons: readonly FailureReason[] = ['unsendable', 'proxy', 'expressions_busy'];

export function isBlameless(reason: FailureReason): boolean {
  return blamelessReasons.includes(reason);
}

export interface FailureFacts {
  readonly status?: number;
  readonly timeoutMs?: number;
  /** An error's code, such as `ENOTFOUND`: never its message, which may hold what is secret. */
  readonly code?: string | undefined;
  /** In words of our own. */
  readonly cause?: string;
}

/** Every reason that a failed attempt can have. */
export const failureReasons = Object.keys(sentences) as FailureReason[];

/** The reason in words, for people who read an attempt: "answered 500", "no answer within 10 s". */
export function describeFailure(reason: FailureReason, facts: FailureFacts = {}): string {
  return sentences[reason](facts);
}

function seconds(ms: number | undefined): string {
  return ms === undefined ? 'its time' : `${ms / 1000} s`;
}

function inBrackets(code: string | undefined): string {
  return code === undefined ? '' : ` (${code})`;
}
