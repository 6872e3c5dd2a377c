import { expect, test } from 'vitest';
import type { FilterQuestion } from '../../db/event-filters.ts';
import { newId } from '../../db/ids.ts';
import { createEventFilter } from '../../delivery/event-filter.ts';

function questionsOf(...filters: string[]): FilterQuestion[] {
  const event = { account_id: newId('acct') } as FilterQuestion['event'];
  return filters.map((filter, n) => ({
    event,
    webhook: { id: `wh_${n}`, filter } as unknown as FilterQuestion['webhook'],
  }));
}

test('a filter that has said something of an event is not asked again, however often it is taken in', async () => {
  const asked: string[] = [];
  const filter = createEventFilter({
    filter: async ({ expression }) => {
      asked.push(expression);
      return { passes: expression === 'one' };
    },
  });
  const questions = questionsOf('one', 'two', 'three', 'four');
  const [one, two, three, four] = questions as [
    FilterQuestion,
    FilterQuestion,
    FilterQuestion,
    FilterQuestion,
  ];
  for (let time = 0; time < 5; time += 1) await filter.ask([one, two]);
  expect(asked).toEqual(['one', 'two']);
  expect([one, two, three].map(filter.verdictOn)).toEqual(['passes', 'filtered', undefined]);
  for (let time = 0; time < 5; time += 1) await filter.ask([one, two, three]);
  // It was asked twice now.
  await filter.ask([one, four]);
  expect(asked).toEqual(['one', 'two', 'three']);
  expect(questions.map(filter.verdictOn)).toEqual(['passes', 'filtered', 'filtered', 'open']);
});
