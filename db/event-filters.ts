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

/** Answers in the order of the questions, of which there are some. */
export type AskFilters = (questions: readonly FilterQuestion[]) => Promise<FilterVerdict[]>;

/** By event, webhook and filter. */
export type Verdicts = Map<string, FilterVerdict>;
export type VerdictOf = (event: NewEvent, webhook: Subscription) => FilterVerdict;

export const passes: VerdictOf = () => 'passes';

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

/** Asks them, and notes what is answered. */
export async function askAll(
  questions: readonly FilterQuestion[],
  askFilters: AskFilters,
  verdicts: Verdicts,
): Promise<void> {
  const answers = await askFilters(questions);
  for (const [index, question] of questions.entries()) {
    verdicts.set(keyOf(question), answers[index] ?? 'open');
  }
}

function keyOf({ event, webhook }: FilterQuestion): string {
  return `${event.id} ${webhook.id} ${webhook.filter}`;
}

/** What was answered to the questions; of what nothing was asked everything passes. */
export function verdictFinder(questions: readonly FilterQuestion[], verdicts: Verdicts): VerdictOf {
  const byKey = new Map(
    questions.map((question) => {
      const { event, webhook } = question;
      return [`${event.id} ${webhook.id}`, verdicts.get(keyOf(question)) ?? 'open'] as const;
    }),
  );
  return (event, webhook) => byKey.get(`${event.id} ${webhook.id}`) ?? 'passes';
}

function hasFilter(webhook: Subscription): webhook is FilterQuestion['webhook'] {
  return webhook.filter !== null;
}
