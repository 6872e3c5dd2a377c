import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { shareLeaseMs } from '../../db/endpoint-limits.ts';
import { createEndpointAllowance } from '../../delivery/endpoint-allowance.ts';
import type { EndpointLimits } from '../../webhook/endpoint-limits.ts';
import { givenLimits } from './given-limits.ts';
import { mostWithin, type ProcessPlan, simulate } from './limited-processes.ts';

const windowMs = 10_000;
const never = Number.POSITIVE_INFINITY;
const busy: ProcessPlan = { arrivals: [500], stalls: [], diesAt: never, roundTripMs: 20, requestMs: 40 };
const limitsOf = (rate_limit: number | null, max_in_flight: number | null): EndpointLimits => ({
  rate_limit,
  max_in_flight,
});

/** Often at work, often held up while it has turns or a share, and then back at once. */
const anyProcess: fc.Arbitrary<ProcessPlan> = fc.record({
  arrivals: fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 5 }), fc.constant(400)), {
    minLength: 1,
    maxLength: 40,
  }),
  stalls: fc.array(
    fc.record({ at: fc.integer({ min: 0, max: 14_000 }), ms: fc.integer({ min: 20, max: 3_000 }) }),
    { maxLength: 10 },
  ),
  diesAt: fc.oneof({ weight: 4, arbitrary: fc.constant(never) }, fc.integer({ min: 0, max: 14_000 })),
  roundTripMs: fc.oneof(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 1_000 })),
  requestMs: fc.integer({ min: 5, max: 2_000 }),
});
const processes = fc.array(anyProcess, { minLength: 1, maxLength: 5 });
const rate = fc.oneof(
  fc.double({ min: 0.1, max: 10, noNaN: true }),
  fc.double({ min: 10, max: 400, noNaN: true }),
);

describe('processes that share an endpoint’s limits', () => {
  it('never exceed its rate by more than 5 % in 10 s, whatever comes in, stalls, dies or is late', () => {
    fc.assert(
      fc.property(rate, processes, (rate_limit, plans) => {
        const { begun } = simulate(limitsOf(rate_limit, null), plans, givenLimits(), 15_000);
        expect(mostWithin(begun, windowMs)).toBeLessThanOrEqual((rate_limit * windowMs * 1.05) / 1_000 + 1);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it('never have more under way than may be', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 12 }), processes, (most, plans) => {
        const { mostUnderWay } = simulate(limitsOf(null, most), plans, givenLimits(), 15_000);
        expect(mostUnderWay).toBeLessThanOrEqual(most);
      }),
      { numRuns: 300 },
    );
  }, 60_000);

  it.each([0.5, 3, 50, 400, 2_000])(
    'reach %d a second when there is enough to send',
    (rate_limit) => {
      const little = { ...busy, arrivals: [1] };
      for (const plans of [[busy], [busy, busy], [busy, little], [busy, busy, little, busy]]) {
        const { begun, statements } = simulate(limitsOf(rate_limit, null), plans, givenLimits(), 21_000);
        const count = begun.filter((at) => at >= 1_000).length;
        expect(count).toBeGreaterThanOrEqual(rate_limit * 20 * 0.95 - 1);
        expect(statements / 21 / plans.length).toBeLessThan(10);
      }
    },
    60_000,
  );

  it('cost few statements where there is less to send than may be', () => {
    const { begun, statements } = simulate(
      limitsOf(1_000, null),
      [{ ...busy, arrivals: [50] }],
      givenLimits(),
      10_000,
    );
    expect(begun.length).toBeGreaterThan(1_900);
    expect(statements / 10).toBeLessThan(10);
  });

  it.each([1, 2, 5, 40])(
    'reach %d under way, and each process gets its part',
    (most) => {
      for (const plans of [[busy], [busy, busy], [busy, { ...busy, arrivals: [1] }, busy]]) {
        const { begun, begunBy, mostUnderWay } = simulate(limitsOf(null, most), plans, givenLimits(), 10_000);
        expect(mostUnderWay).toBe(most);
        // 25 a second and request under way, less what is lost while it goes from one process to the other.
        expect(begun.length).toBeGreaterThan(most * 10 * 25 * (plans.length === 1 ? 0.8 : 0.5));
        if (plans.length === 2) expect(Math.min(...begunBy)).toBeGreaterThan(begun.length / 4);
      }
    },
    60_000,
  );

  it('begin nothing with a share that may have gone to others by now', () => {
    const allowance = createEndpointAllowance(limitsOf(null, 2));
    const demand = allowance.demand(0, 2)!;
    expect(demand).toMatchObject({ max_in_flight: 2, wanted: 2, keep: 0 });
    allowance.asked(0, demand);
    allowance.granted(givenLimits()('p', demand, 0), 100);
    expect(allowance.enter(shareLeaseMs - 600)).toBe(true);
    expect(allowance.enter(shareLeaseMs - 100)).toBe(false);
    // It still counts what is under way, and no more.
    expect(allowance.demand(shareLeaseMs, 1)).toMatchObject({ keep: 1, wanted: 2 });
  });

  it('count requests that are made whatever the limits say, without keeping them', () => {
    const allowance = createEndpointAllowance(limitsOf(10, 1));
    const ask = givenLimits();
    allowance.force(0);
    for (let now = 0; now <= 1_000; now += 100) {
      const demand = allowance.demand(now, 1);
      if (demand === null) continue;
      allowance.asked(now, demand);
      allowance.granted(ask('p', demand, now), now);
      expect(allowance.enter(now)).toBe(false);
    }
    allowance.leave();
    expect(allowance.enter(1_000)).toBe(true);
  });
});
