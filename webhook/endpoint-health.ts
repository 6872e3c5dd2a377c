import { type HealthPolicy, probeDelayMs, warningFailures } from './health-policy.ts';

/** What an attempt said of its endpoint. */
export interface Outcome {
  /** Its place among the endpoint's outcomes, 1, 2, 3…; absent when someone signals one by hand. */
  readonly number?: number;
  readonly succeeded: boolean;
  /** Its delivery had spent its schedule with it, or failed for good. */
  readonly spent_delivery?: boolean;
  /** The endpoint answered 410: it wants no more. */
  readonly gone?: boolean;
  /** It failed its delivery for good, and its webhook's order is to wait for that one. */
  readonly blocks?: boolean;
  /** ISO 8601. */
  readonly at?: string;
  /** Of a failure, in words. */
  readonly reason?: string;
}

/** An endpoint's health with all that is needed to go on counting. Plain JSON: kept by its workflow, stored as a snapshot. */
export interface EndpointHealth {
  readonly state: 'healthy' | 'failing' | 'disabled' | 'probing';
  /** Since when it is in this state (for `probing`: disabled); ISO 8601, as all times here. */
  readonly since: string;
  /** Why it is disabled, in words. */
  readonly reason: string | null;
  readonly disabled_by: 'policy' | 'gone' | 'hand' | null;
  /** Failures in a row, of attempts and of deliveries. */
  readonly failed_attempts: number;
  readonly failed_deliveries: number;
  readonly failing_since: string | null;
  readonly last_failure: { readonly at: string; readonly reason: string } | null;
  /** That half of what disables it is reached was told. */
  readonly has_warned: boolean;
  readonly failed_probes: number;
  readonly next_probe_at: string | null;
  /** Outcomes are counted in the order of their numbers: so far to this one… */
  readonly counted: number;
  /** …and these came early, before one that belongs in front of them. */
  readonly early: readonly Outcome[];
  /** Counts what was told of (disabled, enabled, a warning), so that each is told once. */
  readonly changes: number;
}

/** What people are told of. */
export type HealthChange = 'disabled' | 'enabled' | 'warned';

export interface HealthStep {
  readonly health: EndpointHealth;
  readonly change: HealthChange | null;
}

/** The health of an endpoint that nothing was told of yet. */
export function newEndpointHealth(now: string): EndpointHealth {
  return {
    state: 'healthy',
    since: now,
    reason: null,
    disabled_by: null,
    ...noFailures,
    last_failure: null,
    failed_probes: 0,
    next_probe_at: null,
    counted: 0,
    early: [],
    changes: 0,
  };
}

const noFailures = {
  failed_attempts: 0,
  failed_deliveries: 0,
  failing_since: null,
  has_warned: false,
} as const;

/** The failures in a row that the policy counts. */
export function consecutiveFailures(health: EndpointHealth, { count }: Pick<HealthPolicy, 'count'>): number {
  return count === 'attempts' ? health.failed_attempts : health.failed_deliveries;
}

/** Whether deliveries wait. */
export function isDisabled({ state }: Pick<EndpointHealth, 'state'>): boolean {
  return state === 'disabled' || state === 'probing';
}

/**
 * Takes outcomes in, in whatever order they come and however often: each number is counted once and in its turn, and what
 * comes before its turn waits in `early`. One without a number is counted as it comes. Answers the health after them, and
 * what people are to be told of, in order.
 */
export function takeOutcomes(
  before: EndpointHealth,
  policy: HealthPolicy,
  outcomes: readonly Outcome[],
  now: string,
): { health: EndpointHealth; changes: HealthChange[] } {
  const waiting = new Map(before.early.map((outcome) => [outcome.number, outcome]));
  const changes: HealthChange[] = [];
  let health = before;
  const count = (outcome: Outcome) => {
    const step = countOutcome(health, policy, outcome, now);
    health = step.health;
    if (step.change !== null) changes.push(step.change);
  };
  for (const outcome of outcomes) {
    if (outcome.number === undefined) count(outcome);
    else if (outcome.number > health.counted) waiting.set(outcome.number, outcome);
    for (let next = waiting.get(health.counted + 1); next; next = waiting.get(health.counted + 1)) {
      waiting.delete(next.number);
      health = { ...health, counted: health.counted + 1 };
      count(next);
    }
  }
  return { health: { ...health, early: inOrder([...waiting.values()]) }, changes };
}

/**
 * Counts what has come early although outcomes before it are missing: they are no longer stored. `last` is the number of the
 * last outcome that there is: a higher one was made up by hand and is dropped.
 */
export function skipMissing(
  before: EndpointHealth,
  policy: HealthPolicy,
  { last, now }: { last: number; now: string },
): { health: EndpointHealth; changes: HealthChange[] } {
  const early = before.early.filter(({ number = 0 }) => number <= last);
  const first = early[0]?.number;
  const counted = first === undefined ? before.counted : first - 1;
  return takeOutcomes({ ...before, counted, early: [] }, policy, early, now);
}

function countOutcome(
  before: EndpointHealth,
  policy: HealthPolicy,
  outcome: Outcome,
  now: string,
): HealthStep {
  // Attempts that were under way when it was disabled; but after a 410 it is not probed either.
  if (isDisabled(before)) {
    const health = outcome.gone ? { ...before, disabled_by: 'gone' as const, next_probe_at: null } : before;
    return { health, change: null };
  }
  if (outcome.succeeded) {
    if (before.state === 'healthy') return { health: before, change: null };
    const health = { ...before, ...noFailures, state: 'healthy' as const, since: outcome.at ?? now };
    return { health, change: null };
  }
  const at = outcome.at ?? now;
  const failing: EndpointHealth = {
    ...before,
    state: 'failing',
    since: before.state === 'failing' ? before.since : at,
    failing_since: before.failing_since ?? at,
    failed_attempts: before.failed_attempts + 1,
    failed_deliveries: before.failed_deliveries + (outcome.spent_delivery ? 1 : 0),
    last_failure: { at, reason: outcome.reason ?? 'failed' },
  };
  if (outcome.gone) {
    return disable(failing, policy, { by: 'gone', reason: 'it answered 410 Gone', now });
  }
  if (outcome.blocks) {
    const reason = `a delivery failed for good (${outcome.reason ?? 'failed'}), and those after it wait for it`;
    return disable(failing, policy, { by: 'policy', reason, now });
  }
  const failures = consecutiveFailures(failing, policy);
  const failingMs = Date.parse(at) - Date.parse(failing.failing_since ?? at);
  if (failures >= policy.failures && failingMs >= policy.min_failing_ms) {
    const reason = `${failures} ${policy.count} in a row failed`;
    return disable(failing, policy, { by: 'policy', reason, now });
  }
  if (failures >= warningFailures(policy) && !failing.has_warned) {
    return {
      health: { ...failing, has_warned: true, changes: failing.changes + 1 },
      change: 'warned',
    };
  }
  return { health: failing, change: null };
}

/**
 * Disables the endpoint. One that someone disabled by hand is never probed, nor one that answered 410. Disabling one that is
 * disabled changes nothing, save that by hand ends its probing.
 */
export function disable(
  before: EndpointHealth,
  policy: HealthPolicy,
  { by, reason, now }: { by: 'policy' | 'gone' | 'hand'; reason: string; now: string },
): HealthStep {
  if (isDisabled(before)) {
    if (by !== 'hand' || before.disabled_by === 'hand') return { health: before, change: null };
    return {
      health: { ...before, state: 'disabled', disabled_by: 'hand', next_probe_at: null },
      change: null,
    };
  }
  const disabled: EndpointHealth = {
    ...before,
    state: 'disabled',
    since: now,
    reason,
    disabled_by: by,
    failed_probes: 0,
    changes: before.changes + 1,
  };
  return { health: withPolicy(disabled, policy, now), change: 'disabled' };
}

/** Enables the endpoint with a clean sheet. */
export function enable(before: EndpointHealth, now: string): HealthStep {
  const wasDisabled = isDisabled(before);
  const health: EndpointHealth = {
    ...before,
    ...noFailures,
    state: 'healthy',
    since: before.state === 'healthy' ? before.since : now,
    reason: null,
    disabled_by: null,
    failed_probes: 0,
    next_probe_at: null,
    changes: before.changes + (wasDisabled ? 1 : 0),
  };
  return { health, change: wasDisabled ? 'enabled' : null };
}

/** Counts only what comes after that number: what ended before the endpoint was enabled, however late it is told, no longer does. */
export function countAfter(before: EndpointHealth, number: number): EndpointHealth {
  return {
    ...before,
    counted: Math.max(before.counted, number),
    early: before.early.filter((outcome) => (outcome.number ?? 0) > number),
  };
}

/** A probe failed: the next one waits longer, and after a 410 there is none. */
export function probeFailed(
  before: EndpointHealth,
  policy: HealthPolicy,
  failure: { at: string; reason: string; gone: boolean },
): EndpointHealth {
  if (!isDisabled(before)) return before;
  const { gone, ...last_failure } = failure;
  const disabled: EndpointHealth = {
    ...before,
    state: 'disabled',
    last_failure,
    failed_probes: before.failed_probes + 1,
    next_probe_at: null,
    ...(gone ? { disabled_by: 'gone' as const, reason: 'it answered 410 Gone' } : {}),
  };
  return withPolicy(disabled, policy, last_failure.at);
}

/** When the next probe is due under the policy as it now is: a changed policy holds for an endpoint that is disabled, too. */
export function withPolicy(before: EndpointHealth, policy: HealthPolicy, now: string): EndpointHealth {
  if (!isDisabled(before) || before.disabled_by !== 'policy' || policy.reenable === 'manual') {
    return before.next_probe_at === null ? before : { ...before, next_probe_at: null };
  }
  if (before.next_probe_at !== null) return before;
  const dueMs = Date.parse(now) + probeDelayMs(policy.reenable, before.failed_probes);
  return { ...before, next_probe_at: new Date(dueMs).toISOString() };
}

/** Outcomes in whatever form someone typed them: a list or a single one; what says nothing of success is left out. */
export function outcomesIn(input: unknown): Outcome[] {
  const list = Array.isArray(input) ? input : [input];
  return list.filter(isOutcome);
}

function isOutcome(value: unknown): value is Outcome {
  if (typeof value !== 'object' || value === null) return false;
  const { succeeded, number, at } = value as Record<string, unknown>;
  return (
    typeof succeeded === 'boolean' &&
    (number === undefined || (Number.isSafeInteger(number) && (number as number) > 0)) &&
    (at === undefined || (typeof at === 'string' && !Number.isNaN(Date.parse(at))))
  );
}

function inOrder(outcomes: Outcome[]): Outcome[] {
  return outcomes.sort((a, b) => (a.number ?? 0) - (b.number ?? 0));
}
