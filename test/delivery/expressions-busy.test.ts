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
  const probed = await attempter.probe(deliveryWith(() => ({ transformation: 'data' })));
  expect(probed.is_own_fault).toBe(expected[1] === busy);
});

test('what else was attempted of a delivery makes it wait no longer, and uses up nothing', async () => {
  const failure = expressionFailure('not_available');
  const expressions = { filter: async () => ({ failure }), transform: async () => ({ failure }) };
  const counts: Record<string, number> = {};
  const countBeside = async (id: string) => {
    const count = counts[id];
    if (count === undefined) throw new Error('the database is away');
    return count;
  };
  const { attempter, records } = attempterAlone({ expressions, countBeside });
  const probed = { attempt_count: 120, scheduled_attempts: 2 };
  for (const count of [0, 1, 100, undefined]) {
    const delivery = deliveryWith(() => ({ transformation: 'data' }), probed);
    if (count !== undefined) counts[delivery.id] = count;
    await attempter.attempt(delivery);
  }
  expect(records.map(({ is_beside }) => is_beside)).toEqual([true, true, false, true]);
  for (const [index, seconds] of [
    [0, 10],
    [1, 20],
    [3, 10],
  ] as const) {
    const { started_at, next_attempt_at } = records[index] as (typeof records)[number];
    const waitMs = (next_attempt_at?.getTime() ?? 0) - started_at.getTime();
    expect(waitMs).toBeGreaterThanOrEqual(seconds * 1_000);
    expect(waitMs).toBeLessThan(seconds * 1_200 + 5_000);
  }
});
