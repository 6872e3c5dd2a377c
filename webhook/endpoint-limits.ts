/** What an endpoint gets at most, of deliveries; null for no limit. */
export interface EndpointLimits {
  /** Requests a second. */
  readonly rate_limit: number | null;
  /** Requests under way. */
  readonly max_in_flight: number | null;
}

/** What a webhook's settings may say. */
export const endpointLimitRange = {
  minRate: 0.1,
  maxRate: 10_000,
  maxInFlight: 1_000,
} as const;

/** Most endpoints have no limits, and nothing is done about them. */
export function isLimited({ rate_limit, max_in_flight }: EndpointLimits): boolean {
  return rate_limit !== null || max_in_flight !== null;
}

/** Why a delivery waits for its endpoint, in words. */
export function waitingReason({ rate_limit, max_in_flight }: EndpointLimits): string {
  if (rate_limit !== null) return 'waits for the endpoint’s rate limit';
  if (max_in_flight !== null) return 'waits until fewer requests are under way at the endpoint';
  return 'waits its turn at its endpoint';
}
