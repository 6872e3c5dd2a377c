import { consecutiveFailures, type EndpointHealth } from '../webhook/endpoint-health.ts';
import type { HealthPolicy } from '../webhook/health-policy.ts';

/** How an endpoint is, as people are shown it. */
export interface Health {
  state: EndpointHealth['state'];
  consecutive_failures: number;
  /** Since when it is in this state; ISO 8601, as all times here. */
  since: string;
  last_failure: { at: string; reason: string } | null;
  policy: HealthPolicy;
  next_probe_at: string | null;
  /** Why it is disabled, in words. */
  reason: string | null;
}

export function healthOf(health: EndpointHealth, policy: HealthPolicy): Health {
  const { state, since, last_failure, next_probe_at, reason } = health;
  const consecutive_failures = consecutiveFailures(health, policy);
  return { state, consecutive_failures, since, last_failure, policy, next_probe_at, reason };
}

/** Markdown for the workflow's page in the Temporal UI. Counts, times and reasons only. */
export function describeHealth({
  state,
  consecutive_failures,
  since,
  last_failure,
  policy,
  next_probe_at,
  reason,
}: Health): string {
  const { failures, count } = policy;
  const lines = [
    `**${state}** since ${since}${reason === null ? '' : `: ${reason}`}`,
    `failures in a row: ${consecutive_failures} (${failures} ${count} in a row disable it)`,
    `last failure: ${last_failure === null ? 'none' : `${last_failure.reason}, at ${last_failure.at}`}`,
  ];
  if (next_probe_at !== null) lines.push(`next probe: ${next_probe_at}`);
  else if (state === 'disabled') lines.push('enabled by hand: signal `enable`, or the API or the dashboard');
  // As list items: the page runs other lines together.
  return lines.map((line) => `- ${line}`).join('\n');
}
