import type { BenchOptions } from './command-line.ts';
import type { Scenario } from './scenarios.ts';
import type { Variant } from './system/system.ts';

export type Step =
  | {
      readonly kind: 'scenario';
      readonly name: string;
      readonly variant: Variant;
      readonly scenario: Scenario;
    }
  | {
      readonly kind: 'limit';
      readonly name: string;
      readonly variant: Variant;
      readonly fanOut: number;
      readonly seconds: number;
      readonly warmUpSeconds: number;
    };

/** What starting, stopping and looking at the machine take. */
const startSeconds: Readonly<Record<Variant, number>> = { embedded: 10, server: 15 };
const limitStartSeconds = 5;
/** On a machine of two cores. */
const storedPerSecond: Readonly<Record<Variant, number>> = { embedded: 5_000, server: 15_000 };
const mostLimitSeconds = 10;

/**
 * What is done, in order, and how long it takes if everything arrives at once. A round has each scenario once, and before
 * the first that needs it the limit of its variant and fan-out; repeats are further rounds, so that whatever else the
 * machine does falls on all alike.
 */
export function planOf({
  scenarios,
  variants,
  seconds,
  warmUpSeconds,
  repeat,
  measuresLimit,
}: Pick<BenchOptions, 'scenarios' | 'variants' | 'seconds' | 'warmUpSeconds' | 'repeat' | 'measuresLimit'>): {
  steps: Step[];
  seconds: number;
} {
  const round = variants.flatMap((variant) => {
    const limited = new Set<number>();
    return scenarios.flatMap((scenario): Step[] => {
      const step: Step = { kind: 'scenario', name: scenario.name, variant, scenario };
      const { fanOut } = scenario.layout;
      if (!measuresLimit || scenario.load.loop === 'open' || limited.has(fanOut)) return [step];
      limited.add(fanOut);
      const limit: Step = {
        kind: 'limit',
        name: `limit 1 → ${fanOut}`,
        variant,
        fanOut,
        seconds: Math.min(seconds, mostLimitSeconds),
        warmUpSeconds: Math.min(warmUpSeconds, mostLimitSeconds),
      };
      return [limit, step];
    });
  });
  const secondsOf = (step: Step) =>
    step.kind === 'limit'
      ? limitStartSeconds + step.warmUpSeconds + step.seconds
      : startSeconds[step.variant] +
        warmUpSeconds +
        seconds +
        step.scenario.stored / storedPerSecond[step.variant];
  return {
    steps: Array.from({ length: repeat }, () => round).flat(),
    seconds: repeat * round.reduce((sum, step) => sum + secondsOf(step), 0),
  };
}
