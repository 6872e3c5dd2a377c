import { proxyActivities } from '@temporalio/workflow';
import type { HealthActivities, ProbeResult } from '../activities/health-activities.ts';
import {
  countAfter,
  disable,
  type EndpointHealth,
  enable,
  type HealthChange,
  isDisabled,
  type Outcome,
  probeFailed,
  skipMissing,
  takeOutcomes,
  withPolicy,
} from '../webhook/endpoint-health.ts';
import { type HealthPolicy, withProbeScale } from '../webhook/health-policy.ts';
import type { EndpointRequest } from './endpoint-request.ts';

/** What is known of an endpoint. */
export interface Endpoint {
  readonly webhook_id: string;
  readonly health: EndpointHealth;
  readonly policy: HealthPolicy;
  /** Multiplies the waits before probes: 1 but in tests. */
  readonly probe_scale: number;
  /** When the database was told last, in ms since 1970, and whether it knows all. */
  readonly saved_at: number;
  readonly is_saved: boolean;
}

/**
 * Failures that go on and change nothing are told to the database the less often, the longer the endpoint has been failing: each time costs an activity.
 * After this part of that time and within these bounds, with a signal; without one it costs a timer as well, and comes after so many times as long.
 */
const saves = { part: 1 / 4, shortestMs: 1_000, longestMs: 10_000, timesWithoutSignal: 2 };
/** So long an outcome that is missing in the order may be on its way; then it is looked up. The workers gather what they tell for up to half as long as failures go on. */
const missing = { part: 1 / 2, shortestMs: 8_000, longestMs: 40_000 };

const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s' } as const;
// None is a local one: what was loaded or stored is in the history before anything else is counted, and tasks stay short while
// signals come in.
const { loadHealth, loadOutcomes, saveHealth } = proxyActivities<HealthActivities>({
  // Short, since a worker that died is noticed by it. They may be repeated.
  startToCloseTimeout: '5s',
  retry,
});
const { discardHeld, recoverHeld } = proxyActivities<HealthActivities>({
  startToCloseTimeout: '1 hour',
  heartbeatTimeout: '10s',
  retry,
});
const { probeEndpoint } = proxyActivities<HealthActivities>({
  startToCloseTimeout: '1 day',
  heartbeatTimeout: '10s',
  retry,
});

/** The endpoint as the database knows it, with what was not counted yet; null when its webhook is deleted. */
export async function loadEndpoint(webhookId: string): Promise<Endpoint | null> {
  const loaded = await loadHealth(webhookId);
  return loaded === null
    ? null
    : countMissing({ webhook_id: webhookId, ...loaded, saved_at: 0, is_saved: true });
}

/** Counts what workers have signalled, and tells the database, at once where it is more than another failure. */
export async function countOutcomes(
  endpoint: Endpoint,
  outcomes: readonly Outcome[],
): Promise<Endpoint | null> {
  const { health, changes } = takeOutcomes(endpoint.health, paced(endpoint), outcomes, now());
  const isOneMore = changes.length === 0 && health.state === endpoint.health.state;
  if (isOneMore && Date.now() < endpoint.saved_at + saveEveryMs(endpoint))
    return { ...endpoint, health, is_saved: false };
  return keep(endpoint, health, { changes });
}

/** When the database is to be told what it does not know yet, in ms since 1970; null when it knows all. */
export function saveDueAt(endpoint: Endpoint): number | null {
  return endpoint.is_saved ? null : endpoint.saved_at + saves.timesWithoutSignal * saveEveryMs(endpoint);
}

function saveEveryMs(endpoint: Endpoint): number {
  return partOfFailing(endpoint, endpoint.saved_at, saves);
}

/** When an outcome that is missing since then is looked up; both in ms since 1970. */
export function missingDueAt(endpoint: Endpoint, since: number): number {
  return since + partOfFailing(endpoint, since, missing);
}

function partOfFailing(
  { health: { failing_since } }: Endpoint,
  at: number,
  { part, shortestMs, longestMs }: { part: number; shortestMs: number; longestMs: number },
): number {
  const failingMs = failing_since === null ? 0 : at - Date.parse(failing_since);
  return Math.min(Math.max(part * failingMs, shortestMs), longestMs);
}

/** Looks up outcomes that were not signalled, or came without those before them, and counts them. */
export async function countMissing(endpoint: Endpoint): Promise<Endpoint | null> {
  const { outcomes, last } = await loadOutcomes(endpoint.webhook_id, endpoint.health.counted);
  const found = takeOutcomes(endpoint.health, paced(endpoint), outcomes, now());
  const rest = skipMissing(found.health, paced(endpoint), { last, now: now() });
  return keep(endpoint, rest.health, { changes: [...found.changes, ...rest.changes] });
}

/** Has the database say what the endpoint's state is now, and takes the policy that it has. */
export function refreshPolicy(endpoint: Endpoint): Promise<Endpoint | null> {
  return keep(endpoint, endpoint.health);
}

export async function disableOnRequest(
  endpoint: Endpoint,
  { reason, by }: EndpointRequest,
): Promise<Endpoint | null> {
  const words = reason ?? 'disabled by hand';
  const step = disable(endpoint.health, endpoint.policy, { by: 'hand', reason: words, now: now() });
  return keep(endpoint, step.health, { changes: changesOf(step.change), by: by ?? 'signal', reason });
}

/** Enables the endpoint; what waited for it goes out, or is discarded before. */
export async function enableOnRequest(
  endpoint: Endpoint,
  { reason, by, held }: EndpointRequest,
): Promise<Endpoint | null> {
  if (held === 'discard') await discardHeld(endpoint.webhook_id);
  return enableEndpoint(endpoint, { by: by ?? 'signal', reason });
}

/** From now on one delivery is out to see whether the endpoint is well. */
export function beginProbe(endpoint: Endpoint): Promise<Endpoint | null> {
  return keep(endpoint, { ...endpoint.health, state: 'probing' });
}

/** One waiting delivery, attempted. */
export function probe(endpoint: Endpoint): Promise<ProbeResult> {
  return probeEndpoint(endpoint.webhook_id);
}

export async function takeProbeResult(endpoint: Endpoint, result: ProbeResult): Promise<Endpoint | null> {
  const { health } = endpoint;
  // Someone enabled it meanwhile.
  if (!isDisabled(health)) return endpoint;
  if (result.outcome === 'succeeded') {
    return enableEndpoint(endpoint, { by: null, reason: 'a probe succeeded' });
  }
  if (result.outcome === 'failed') return keep(endpoint, probeFailed(health, paced(endpoint), result));
  const waiting = { ...health, state: 'disabled' as const, next_probe_at: null };
  return keep(endpoint, withPolicy(waiting, paced(endpoint), now()));
}

async function enableEndpoint(
  endpoint: Endpoint,
  { by, reason }: { by: string | null; reason: string | null },
): Promise<Endpoint | null> {
  const step = enable(endpoint.health, now());
  const kept = await keep(endpoint, step.health, {
    changes: changesOf(step.change),
    by,
    reason,
    enables: true,
  });
  await recoverHeld(endpoint.webhook_id);
  return kept;
}

/** Stores the health and tells people of its changes; null when the webhook is deleted. */
async function keep(
  endpoint: Endpoint,
  health: EndpointHealth,
  what: { changes?: HealthChange[]; by?: string | null; reason?: string | null; enables?: boolean } = {},
): Promise<Endpoint | null> {
  const { changes = [], by = null, reason = null, enables = false } = what;
  const { webhook_id } = endpoint;
  const saved = await saveHealth({ webhook_id, health, changes, by, reason, enables });
  if (saved === null) return null;
  const kept: Endpoint = {
    ...endpoint,
    policy: saved.policy,
    saved_at: Date.now(),
    is_saved: true,
    health: enables ? countAfter(health, saved.last) : health,
  };
  const due = withPolicy(kept.health, paced(kept), now());
  return due.next_probe_at === health.next_probe_at ? kept : keep(kept, due);
}

function paced({ policy, probe_scale }: Endpoint): HealthPolicy {
  return withProbeScale(policy, probe_scale);
}

function changesOf(change: HealthChange | null): HealthChange[] {
  return change === null ? [] : [change];
}

function now(): string {
  return new Date().toISOString();
}
