import type { NewEvent } from './accept-events.ts';
import type { AccountSubscriptions, Subscription } from './subscriptions.ts';
import { isForLater } from './timed-acceptance.ts';

/** An event, and a webhook that subscribes to it and has a filter. */
export interface FilterQuestion {
  event: NewEvent;
  webhook: Subscription & { filter: string };
}

/** Whether an event passes a filter; `open` where that gave no result. */
export type FilterVerdict = 'passes' | 'filtered' | 'open';

/** What a filter has said of an event; undefined while it was not asked. */
export type VerdictOn = (question: FilterQuestion) => FilterVerdict | undefined;

export type VerdictOf = (event: NewEvent, webhook: Subscription) => FilterVerdict;

/** Filters of webhooks that were just loaded have to be asked first: nothing was stored. */
export class FiltersUnasked extends Error {
  override readonly name = 'FiltersUnasked';
  readonly questions: readonly FilterQuestion[];

  constructor(questions: readonly FilterQuestion[]) {
    super('filters have not been asked');
    this.questions = questions;
  }
}

/** What the filters of the known accounts' webhooks are to be asked. Who is named alone gets its event whatever its filter says. */
export function filterQuestions(
  newEvents: readonly NewEvent[],
  known: readonly AccountSubscriptions[],
  subscribes: (webhook: Subscription, event: NewEvent) => boolean,
): FilterQuestion[] {
  const filtering = known.filter(({ has_filters }) => has_filters);
  if (filtering.length === 0) return [];
  const webhooks = new Map(filtering.map((one) => [one.account_id, one.webhooks.filter(hasFilter)] as const));
  return newEvents.flatMap((event) =>
    event.only_webhook !== null || isForLater(event)
      ? []
      : (webhooks.get(event.account_id) ?? [])
          .filter((webhook) => subscribes(webhook, event))
          .map((webhook) => ({ event, webhook })),
  );
}

export const passes: VerdictOf = () => 'passes';

/** @throws FiltersUnasked */
export function verdictFinder(questions: readonly FilterQuestion[], verdictOn: VerdictOn): VerdictOf {
  if (questions.length === 0) return passes;
  const answered = questions.map((question) => ({ question, verdict: verdictOn(question) }));
  const unasked = answered.filter(({ verdict }) => verdict === undefined);
  if (unasked.length > 0) throw new FiltersUnasked(unasked.map(({ question }) => question));
  const verdicts = new Map(
    answered.map(({ question, verdict }) => [`${question.event.id} ${question.webhook.id}`, verdict]),
  );
  return (event, webhook) => verdicts.get(`${event.id} ${webhook.id}`) ?? 'passes';
}

function hasFilter(webhook: Subscription): webhook is FilterQuestion['webhook'] {
  return webhook.filter !== null;
}
