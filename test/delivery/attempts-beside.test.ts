import { expect, test } from 'vitest';
import { newId } from '../../db/ids.ts';
import { attemptsBeside } from '../../delivery/attempts-beside.ts';
import { type FailureReason, failureReasons } from '../../webhook/failure-reasons.ts';
import { ownFaults } from '../../webhook/own-faults.ts';

/** What is answered, and how often the database was asked. */
async function ask(counts: { attempt_count: number; scheduled_attempts: number }, reason: FailureReason) {
  const id = newId('dlv');
  const asked: string[] = [];
  const answer = await attemptsBeside({ id, ...counts }, reason, async (of) => {
    asked.push(of);
    return 7;
  });
  expect(asked.every((of) => of === id)).toBe(true);
  return [answer, asked.length];
}

test('the database is asked after a fault of ours alone, and only where attempts beside the schedule were made', async () => {
  for (const reason of failureReasons) {
    const expected = ownFaults.includes(reason) ? [7, 1] : [0, 0];
    expect(await ask({ attempt_count: 5, scheduled_attempts: 2 }, reason)).toEqual(expected);
    expect(await ask({ attempt_count: 5, scheduled_attempts: 5 }, reason)).toEqual([0, 0]);
  }
});
