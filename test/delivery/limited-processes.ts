import type { Demand, EndpointAllowance, Grant } from '../../delivery/endpoint-allowance.ts';
import { createEndpointAllowance } from '../../delivery/endpoint-allowance.ts';
import type { EndpointLimits } from '../../webhook/endpoint-limits.ts';

/** What a simulated process goes through; times in ms. */
export interface ProcessPlan {
  /** Requests that come in each further step; the last goes on. */
  arrivals: number[];
  /** For so long it does nothing at all, again and again. */
  stalls: { at: number; ms: number }[];
  /** From then on it is gone, with what it holds. */
  diesAt: number;
  /** A question and its answer take so long. */
  roundTripMs: number;
  /** Until a request has ended. */
  requestMs: number;
}

export type Ask = (process: string, demand: Demand, nowMs: number) => Grant;

/** When requests began, and the most that were under way at once. */
export interface Observed {
  begun: number[];
  /** How many of each process. */
  begunBy: number[];
  mostUnderWay: number;
  statements: number;
}

const stepMs = 5;
const arrivalStepMs = 250;

/** Lets processes work on one endpoint, on a clock of their own, and notes when requests begin. */
export function simulate(
  limits: EndpointLimits,
  plans: readonly ProcessPlan[],
  ask: Ask,
  forMs: number,
): Observed {
  let seed = 1;
  // Always the same, so that what fails can be run again.
  const random = () => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const processes = plans.map((plan, index) => ({
    plan,
    index,
    name: `p${index}`,
    allowance: createEndpointAllowance(limits, random),
    waiting: 0,
    ends: [] as number[],
    question: undefined as
      | { demand: Demand; arrivesAt: number; grant?: Grant; answeredAt: number }
      | undefined,
  }));
  const observed: Observed = { begun: [], begunBy: plans.map(() => 0), mostUnderWay: 0, statements: 0 };

  for (let now = 0; now < forMs; now += stepMs) {
    for (const process of processes) {
      const { plan, question } = process;
      // Sent before it died: the database does not know better.
      if (question !== undefined && question.grant === undefined && now >= question.arrivesAt) {
        observed.statements += 1;
        question.grant = ask(process.name, question.demand, now);
      }
      process.ends = process.ends.filter((end) => {
        if (end > now) return true;
        if (now < plan.diesAt) process.allowance.leave();
        return false;
      });
      const isStalled = plan.stalls.some(({ at, ms }) => now >= at && now < at + ms);
      if (now >= plan.diesAt || isStalled) continue;
      if (now % arrivalStepMs === 0) arrive(process, now);
      if (question?.grant !== undefined && now >= question.answeredAt) {
        process.allowance.granted(question.grant, now);
        process.question = undefined;
      }
      work(process, now);
    }
    const alive = processes.filter(({ plan }) => now < plan.diesAt);
    const underWay = alive.reduce((sum, { ends }) => sum + ends.length, 0);
    observed.mostUnderWay = Math.max(observed.mostUnderWay, underWay);
  }
  return observed;

  function arrive(process: (typeof processes)[number], now: number) {
    const { arrivals } = process.plan;
    const count = arrivals[Math.min(arrivals.length - 1, now / arrivalStepMs)] ?? 0;
    process.waiting = Math.min(process.waiting + count, 5_000);
    for (let n = 0; n < count; n += 1) process.allowance.arrived();
  }

  function work(process: (typeof processes)[number], now: number) {
    const { allowance, plan } = process;
    while (process.waiting > 0 && allowance.enter(now)) {
      process.waiting -= 1;
      process.ends.push(now + plan.requestMs);
      observed.begun.push(now);
      observed.begunBy[process.index] = (observed.begunBy[process.index] ?? 0) + 1;
    }
    askIfDue(process, allowance, now);
  }

  function askIfDue(process: (typeof processes)[number], allowance: EndpointAllowance, now: number) {
    const demand = allowance.demand(now, process.waiting);
    if (demand === null) return;
    allowance.asked(now, demand);
    const { roundTripMs } = process.plan;
    process.question = { demand, arrivesAt: now + roundTripMs / 2, answeredAt: now + roundTripMs };
  }
}

/** The most of these moments within any so many ms. */
export function mostWithin(moments: readonly number[], ms: number): number {
  const sorted = [...moments].sort((a, b) => a - b);
  let most = 0;
  for (let from = 0, to = 0; from < sorted.length; from += 1) {
    while (to < sorted.length && (sorted[to] as number) < (sorted[from] as number) + ms) to += 1;
    most = Math.max(most, to - from);
  }
  return most;
}
