import { expect, test } from 'vitest';
import { type ExpressionFailureCode, expressionFailure } from '../../webhook/expressions.ts';
import { isBlameless } from '../../webhook/failure-reasons.ts';
import { attempterAlone, deliveryWith } from './attempter-alone.ts';

const busy = 'expressions_busy';
const cases: [ExpressionFailureCode, filter: string, transformation: string][] = [
  ['not_available', busy, busy],
  ['not_run_in_time', busy, busy],
  ['paused', 'filter_failed', 'transformation_failed'],
  ['too_long', 'filter_failed', 'transformation_failed'],
];

test.each(cases)('whose fault it is that an expression gave no result: %s', async (code, ...expected) => {
  const failure = expressionFailure(code);
  const expressions = { filter: async () => ({ failure }), transform: async () => ({ failure }) };
  const { attempter, records, sent } = attempterAlone({ expressions });
  await attempter.attempt(deliveryWith(() => ({ filter: 'true' }), { is_filter_open: true }));
  await attempter.attempt(deliveryWith(() => ({ transformation: 'data' })));
  expect(records.map(({ reason }) => reason)).toEqual(expected);
  expect(records.every(({ detail }) => detail?.endsWith(failure.message))).toBe(true);
  for (const { reason, next_attempt_at } of records) {
    expect(isBlameless(reason as typeof busy)).toBe(reason === busy);
    expect(next_attempt_at).not.toBeNull();
  }
  expect(records.map(({ is_beside }) => is_beside)).toEqual(expected.map((reason) => reason === busy));
  expect(sent).toEqual([]);
});
