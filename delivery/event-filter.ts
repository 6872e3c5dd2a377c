import { setTimeout as delay } from 'node:timers/promises';
import type { NewEvent } from '../db/accept-events.ts';
import type { FilterQuestion, FilterVerdict } from '../db/event-filters.ts';
import type { Expressions } from './expressions.ts';

/** Events that are taken in wait for filters no longer than this, in ms: what has no verdict by then is asked with its attempt. */
const patienceMs = 500;

/**
 * Asks the filters of webhooks about events that are taken in; answers in the order of the questions. Never rejects. The same
 * question about the same event is asked once.
 */
export function createEventFilter(expressions: Pick<Expressions, 'filter'>) {
  const known = new WeakMap<NewEvent, Map<string, Promise<FilterVerdict>>>();

  function verdictOn(question: FilterQuestion, timeIsUp: Promise<FilterVerdict>): Promise<FilterVerdict> {
    const { event, webhook } = question;
    const ofEvent = known.get(event) ?? new Map<string, Promise<FilterVerdict>>();
    known.set(event, ofEvent);
    const key = `${webhook.id} ${webhook.filter}`;
    const verdict = ofEvent.get(key) ?? Promise.race([ask(question), timeIsUp]);
    ofEvent.set(key, verdict);
    return verdict;
  }

  async function ask({ event, webhook }: FilterQuestion): Promise<FilterVerdict> {
    const { account_id } = event;
    const answer = await expressions.filter({ account_id, expression: webhook.filter, event, patienceMs });
    if ('failure' in answer) return 'open';
    return answer.passes ? 'passes' : 'filtered';
  }

  return async (questions: readonly FilterQuestion[]): Promise<FilterVerdict[]> => {
    const answered = new AbortController();
    const timeIsUp = delay<FilterVerdict>(patienceMs, 'open', { signal: answered.signal }).catch(
      (): FilterVerdict => 'open',
    );
    try {
      return await Promise.all(questions.map((question) => verdictOn(question, timeIsUp)));
    } finally {
      answered.abort();
    }
  };
}
