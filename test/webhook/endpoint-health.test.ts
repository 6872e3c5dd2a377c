import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  consecutiveFailures,
  countAfter,
  disable,
  type EndpointHealth,
  enable,
  newEndpointHealth,
  type Outcome,
  outcomesIn,
  probeFailed,
  skipMissing,
  takeOutcomes,
  withPolicy,
} from '../../webhook/endpoint-health.ts';
import type { HealthPolicy } from '../../webhook/health-policy.ts';

const start = '2026-01-01T00:00:00.000Z';
const at = (seconds: number) => new Date(Date.parse(start) + seconds * 1_000).toISOString();
const policyOf = (changes: Partial<HealthPolicy> = {}): HealthPolicy => ({
  count: 'attempts',
  failures: 5,
  min_failing_ms: 0,
  reenable: 'manual',
  ...changes,
});
const healthy = newEndpointHealth(start);
const fails = (number: number, more: Partial<Outcome> = {}): Outcome => ({
  number,
  succeeded: false,
  reason: 'answered 500',
  at: at(number),
  ...more,
});
const succeeds = (number: number): Outcome => ({ number, succeeded: true, at: at(number) });
const take = (outcomes: Outcome[], policy = policyOf(), from: EndpointHealth = healthy) =>
  takeOutcomes(from, policy, outcomes, at(1_000));
const failing = (count: number, more: Partial<Outcome> = {}) =>
  Array.from({ length: count }, (_, index) => fails(index + 1, more));

describe('counting', () => {
  it('disables an endpoint at the fifth failure in a row, with the reason in words', () => {
    expect(take(failing(4)).health).toMatchObject({ state: 'failing', failed_attempts: 4, since: at(1) });
    const { health, changes } = take(failing(5));
    expect(health).toMatchObject({ state: 'disabled', reason: '5 attempts in a row failed' });
    expect(changes).toEqual(['warned', 'disabled']);
  });

  it('starts again after a success in between', () => {
    const { health } = take([...failing(4), succeeds(5), ...[6, 7, 8, 9].map((number) => fails(number))]);
    expect(health).toMatchObject({
      state: 'failing',
      failed_attempts: 4,
      since: at(6),
      failing_since: at(6),
    });
    expect(take([...failing(4), succeeds(5)]).health).toMatchObject({
      state: 'healthy',
      since: at(5),
      failed_attempts: 0,
    });
  });

  it('warns once at half of what disables, and again after a recovery', () => {
    expect(take(failing(4)).changes).toEqual(['warned']);
    const again = [...failing(3), succeeds(4), ...[5, 6, 7].map((number) => fails(number))];
    expect(take(again).changes).toEqual(['warned', 'warned']);
  });

  it('counts only deliveries that have spent their schedule where the policy says so', () => {
    const policy = policyOf({ count: 'deliveries', failures: 2 });
    const attempts = failing(20);
    expect(take(attempts, policy).health).toMatchObject({ state: 'failing', failed_deliveries: 0 });
    const spent = [...attempts, fails(21, { spent_delivery: true }), fails(22, { spent_delivery: true })];
    expect(take(spent, policy).health).toMatchObject({
      state: 'disabled',
      reason: '2 deliveries in a row failed',
    });
  });

  it('waits for the least time of failing, too', () => {
    const policy = policyOf({ failures: 2, min_failing_ms: 60_000 });
    const outcomes = [fails(1, { at: at(0) }), fails(2, { at: at(30) }), fails(3, { at: at(59) })];
    expect(take(outcomes, policy).health.state).toBe('failing');
    expect(take([...outcomes, fails(4, { at: at(60) })], policy).health.state).toBe('disabled');
  });

  it('disables at once on 410 and never probes after it', () => {
    const policy = policyOf({ reenable: { after_ms: 1_000, backoff: 2, max_ms: 10_000 } });
    const { health, changes } = take([fails(1, { gone: true })], policy);
    expect(health).toMatchObject({ state: 'disabled', reason: 'it answered 410 Gone', next_probe_at: null });
    expect(changes).toEqual(['disabled']);
    const later = take([...failing(5), fails(6, { gone: true })], policy).health;
    expect(later.next_probe_at).toBeNull();
  });

  it('counts what someone signals by hand, without a number, as it comes', () => {
    expect(take([{ succeeded: false }, { succeeded: false }]).health).toMatchObject({
      failed_attempts: 2,
      last_failure: { reason: 'failed' },
      counted: 0,
    });
  });

  it('makes sense of whatever was typed, or of nothing', () => {
    expect(outcomesIn(undefined)).toEqual([]);
    expect(outcomesIn('x')).toEqual([]);
    expect(outcomesIn({ succeeded: false })).toEqual([{ succeeded: false }]);
    expect(
      outcomesIn([{ succeeded: 'no' }, null, { succeeded: true, number: -1 }, { succeeded: true }]),
    ).toEqual([{ succeeded: true }]);
  });
});

/** What the endpoint should be: the outcomes in their order, one after the other, each once. */
function model(outcomes: readonly Outcome[], { count, failures }: HealthPolicy) {
  let attempts = 0;
  let deliveries = 0;
  for (const outcome of outcomes) {
    attempts = outcome.succeeded ? 0 : attempts + 1;
    deliveries = outcome.succeeded ? 0 : deliveries + (outcome.spent_delivery ? 1 : 0);
    const inRow = count === 'attempts' ? attempts : deliveries;
    if (inRow >= failures) return { state: 'disabled', inRow };
  }
  return {
    state: attempts === 0 ? 'healthy' : 'failing',
    inRow: count === 'attempts' ? attempts : deliveries,
  };
}

const outcomesArbitrary = fc
  .array(fc.record({ succeeded: fc.boolean(), spent: fc.boolean() }), { maxLength: 60 })
  .map((list) =>
    list.map(({ succeeded, spent }, index) =>
      succeeded ? succeeds(index + 1) : fails(index + 1, { spent_delivery: spent }),
    ),
  );
const policyArbitrary = fc.record({
  count: fc.constantFrom('attempts' as const, 'deliveries' as const),
  failures: fc.integer({ min: 1, max: 8 }),
});

describe('the count of many workers', () => {
  it('agrees with a simple model in whatever order, batches and repeats outcomes come', () => {
    fc.assert(
      fc.property(
        outcomesArbitrary.chain((outcomes) =>
          fc.record({
            outcomes: fc.constant(outcomes),
            // Every outcome at least once, some more often, in any order, in batches.
            arrivals: fc
              .shuffledSubarray([...outcomes, ...outcomes, ...outcomes], { minLength: outcomes.length * 2 })
              .map((some) => [...some, ...outcomes]),
            cuts: fc.array(fc.integer({ min: 1, max: 10 }), { minLength: 1 }),
          }),
        ),
        policyArbitrary,
        ({ outcomes, arrivals, cuts }, changes) => {
          const policy = policyOf(changes);
          let health = healthy;
          const told: string[] = [];
          for (let index = 0, batch = 0; index < arrivals.length; batch += 1) {
            const size = cuts[batch % cuts.length]!;
            const step = takeOutcomes(health, policy, arrivals.slice(index, index + size), at(0));
            health = step.health;
            told.push(...step.changes);
            index += size;
          }
          const expected = model(outcomes, policy);
          expect(health.state).toBe(expected.state);
          expect(consecutiveFailures(health, policy)).toBe(expected.inRow);
          expect(health.counted).toBe(outcomes.length);
          expect(health.early).toEqual([]);
          expect(told.filter((change) => change === 'disabled')).toHaveLength(
            expected.state === 'disabled' ? 1 : 0,
          );
        },
      ),
    );
  });

  it('waits with what comes early, until it is known that what is missing is gone', () => {
    const { health } = take([fails(1), fails(3), fails(4)]);
    expect(health).toMatchObject({ counted: 1, failed_attempts: 1 });
    expect(health.early).toHaveLength(2);
    const skipped = skipMissing(health, policyOf(), { last: 4, now: at(9) });
    expect(skipped.health).toMatchObject({ counted: 4, failed_attempts: 3, early: [] });
  });

  it('drops a number that was made up by hand', () => {
    const { health } = take([fails(1), fails(999_999_999)]);
    expect(skipMissing(health, policyOf(), { last: 1, now: at(9) }).health).toMatchObject({
      counted: 1,
      failed_attempts: 1,
      early: [],
    });
  });
});

describe('disabling and enabling', () => {
  const disabled = take(failing(5)).health;

  it('enables with a clean sheet: attempts that ended before no longer count, however late they are told', () => {
    const { health, change } = enable(disabled, at(100));
    expect(change).toBe('enabled');
    const enabled = countAfter(health, 9);
    expect(enabled).toMatchObject({ state: 'healthy', since: at(100), reason: null, counted: 9 });
    const late = [6, 7, 8, 9].map((number) => fails(number));
    expect(take(late, policyOf(), enabled).health).toMatchObject({ state: 'healthy', failed_attempts: 0 });
    expect(take([fails(10)], policyOf(), enabled).health).toMatchObject({
      state: 'failing',
      failed_attempts: 1,
    });
  });

  it('ignores what attempts under way come to while it is disabled', () => {
    const { health, changes } = take([fails(6), succeeds(7)], policyOf(), disabled);
    expect(health).toMatchObject({ state: 'disabled', counted: 7, failed_attempts: 5 });
    expect(changes).toEqual([]);
  });

  it('is once however often it is asked for', () => {
    const byHand = { by: 'hand', reason: 'maintenance', now: at(7) } as const;
    const { health, change } = disable(healthy, policyOf(), byHand);
    expect(change).toBe('disabled');
    expect(disable(health, policyOf(), byHand)).toEqual({ health, change: null });
    const enabled = enable(health, at(8)).health;
    expect(enable(enabled, at(9))).toEqual({ health: enabled, change: null });
  });
});

describe('probing', () => {
  const policy = policyOf({ reenable: { after_ms: 60_000, backoff: 2, max_ms: 200_000 } });
  const now = at(1_000);
  const disabled = take(failing(5), policy).health;

  it('is due after its delay, which grows with each failed probe up to its longest', () => {
    expect(disabled.next_probe_at).toBe(at(1_060));
    const waits: number[] = [];
    let health = disabled;
    for (let probe = 0; probe < 4; probe += 1) {
      health = probeFailed(health, policy, { at: now, reason: 'answered 500', gone: false });
      waits.push(Date.parse(health.next_probe_at!) - Date.parse(now));
    }
    expect(waits).toEqual([120_000, 200_000, 200_000, 200_000]);
  });

  it('ends with a 410', () => {
    const health = probeFailed(disabled, policy, { at: now, reason: 'answered 410', gone: true });
    expect(health).toMatchObject({ state: 'disabled', next_probe_at: null, reason: 'it answered 410 Gone' });
    expect(withPolicy(health, policy, now).next_probe_at).toBeNull();
  });

  it('never happens to an endpoint that was disabled by hand', () => {
    const byHand = { by: 'hand', reason: 'maintenance', now } as const;
    expect(disable(healthy, policy, byHand).health.next_probe_at).toBeNull();
    expect(disable(disabled, policy, byHand).health.next_probe_at).toBeNull();
  });

  it('begins and ends with a changed policy', () => {
    expect(withPolicy(disabled, policyOf(), now).next_probe_at).toBeNull();
    const manual = take(failing(5)).health;
    expect(withPolicy(manual, policy, now).next_probe_at).toBe(at(1_060));
  });
});
