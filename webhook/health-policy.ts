/**
 * When an endpoint is disabled, and how it is enabled again. Named as in the API, since it is stored, given to workflows and
 * shown as it is.
 */
export interface HealthPolicy {
  /** What counts: every failed attempt of the schedule, or only deliveries that have spent their schedule. */
  readonly count: 'attempts' | 'deliveries';
  /** So many in a row disable the endpoint. */
  readonly failures: number;
  /** The endpoint is disabled only when it has failed for so long, in ms, without a success in between. */
  readonly min_failing_ms: number;
  /** By hand alone, or by itself when a probe succeeds. */
  readonly reenable: 'manual' | ProbePolicy;
}

/** When a disabled endpoint is probed. */
export interface ProbePolicy {
  /** Before the first probe, in ms. */
  readonly after_ms: number;
  /** Each further wait is so many times as long… */
  readonly backoff: number;
  /** …and at most so long, in ms. */
  readonly max_ms: number;
}

/** What a webhook's own policy may hold. */
export const healthPolicyLimits = {
  maxFailures: 100,
  /** 30 days. */
  maxFailingMs: 30 * 86_400_000,
  minProbeMs: 1_000,
  /** 7 days. */
  maxProbeMs: 7 * 86_400_000,
  maxBackoff: 10,
} as const;

/** The policy that holds for a webhook: its profile's, with what the webhook says otherwise. */
export function effectivePolicy(profile: HealthPolicy, own: Partial<HealthPolicy> | null): HealthPolicy {
  return { ...profile, ...own };
}

/** How long to wait, in ms, before the probe that follows so many failed ones. */
export function probeDelayMs({ after_ms, backoff, max_ms }: ProbePolicy, failedProbes: number): number {
  return Math.min(after_ms * backoff ** failedProbes, Math.max(max_ms, after_ms));
}

/** The policy with every wait before a probe multiplied: by 1 but in tests (`SCHEDULE_SCALE`). */
export function withProbeScale(policy: HealthPolicy, scale: number): HealthPolicy {
  const { reenable } = policy;
  if (reenable === 'manual') return policy;
  const { after_ms, max_ms } = reenable;
  return { ...policy, reenable: { ...reenable, after_ms: after_ms * scale, max_ms: max_ms * scale } };
}

/** How many failures in a row make an endpoint worth a warning (`webhook.failing`): half of what disables it. */
export function warningFailures({ failures }: Pick<HealthPolicy, 'failures'>): number {
  return Math.ceil(failures / 2);
}
