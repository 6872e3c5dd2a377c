import { setTimeout as delay } from 'node:timers/promises';
import type { NewEvent } from '../db/accept-events.ts';
import type { FilterQuestion, FilterVerdict, VerdictOn } from '../db/event-filters.ts';
import type { Expressions } from './expressions.ts';

/** Asks the filters of webhooks about events that are taken in. */
export interface EventFilter {
  /** Resolves when all have their verdicts. Never rejects. What has its verdict on the same event is not asked again. */
  ask(questions: readonly FilterQuestion[]): Promise<void>;
  verdictOn: VerdictOn;
}

/** Events that are taken in wait for filters no longer than this, in ms: what has no verdict by then is asked with its attempt. */
const patienceMs = 500;
/** And no more often than so, where filters change all the while: after that, what has no verdict is open. */
const mostAsks = 2;

interface Asked {
  times: number;
  /** By webhook and filter. */
  verdicts: Map<string, FilterVerdict>;
}

export function createEventFilter(expressions: Pick<Expressions, 'filter'>): EventFilter {
  const known = new WeakMap<NewEvent, Asked>();

  async function ask({ event, webhook }: FilterQuestion): Promise<FilterVerdict> {
    const { account_id } = event;
    const answer = await expressions.filter({ account_id, expression: webhook.filter, event, patienceMs });
    if ('failure' in answer) return 'open';
    return answer.passes ? 'passes' : 'filtered';
  }

  const verdictOn: VerdictOn = (question) => {
    const asked = known.get(question.event);
    return asked?.verdicts.get(keyOf(question)) ?? ((asked?.times ?? 0) >= mostAsks ? 'open' : undefined);
  };

  return {
    async ask(all) {
      const questions = all.filter((question) => verdictOn(question) === undefined);
      if (questions.length === 0) return;
      for (const event of new Set(questions.map((question) => question.event))) {
        const { times, verdicts } = known.get(event) ?? { times: 0, verdicts: new Map() };
        known.set(event, { times: times + 1, verdicts });
      }
      const answered = new AbortController();
      const timeIsUp = delay<FilterVerdict>(patienceMs, 'open', { signal: answered.signal }).catch(
        (): FilterVerdict => 'open',
      );
      try {
        await Promise.all(
          questions.map(async (question) => {
            const verdict = await Promise.race([ask(question), timeIsUp]);
            known.get(question.event)?.verdicts.set(keyOf(question), verdict);
          }),
        );
      } finally {
        answered.abort();
      }
    },

    verdictOn,
  };
}

function keyOf({ webhook }: FilterQuestion): string {
  return `${webhook.id} ${webhook.filter}`;
}
