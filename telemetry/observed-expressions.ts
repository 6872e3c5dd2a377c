import type { Expressions } from '../delivery/expressions.ts';
import type { ExpressionKind } from '../webhook/expressions.ts';
import type { Meters } from './meters.ts';

/** The same expressions, with those that were run counted and timed; what is tried out or only checked is not. */
export function observeExpressions(
  expressions: Expressions,
  meters: Pick<Meters, 'expressions' | 'expressionDuration'>,
): Expressions {
  async function observed<T extends object>(
    kind: ExpressionKind,
    run: Promise<T>,
    resultOf: (answer: T) => string,
  ): Promise<T> {
    const begunAt = performance.now();
    const answer = await run;
    meters.expressionDuration.observe({ kind }, (performance.now() - begunAt) / 1000);
    meters.expressions.inc({ kind, result: 'failure' in answer ? 'failed' : resultOf(answer) });
    return answer;
  }

  return {
    ...expressions,
    filter: (run) =>
      observed('filter', expressions.filter(run), (answer) =>
        'passes' in answer && answer.passes ? 'passed' : 'filtered',
      ),
    transform: (run) => observed('transformation', expressions.transform(run), () => 'shaped'),
  };
}
