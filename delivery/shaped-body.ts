import type { LoadedDelivery } from '../db/due-deliveries.ts';
import type { AttemptTrigger } from '../db/schema.ts';
import { type NotAnswered, nothingSent } from '../webhook/answer.ts';
import {
  describeExpressionFailure,
  type ExpressionFailure,
  type ExpressionKind,
  isOwnFailure,
} from '../webhook/expressions.ts';
import type { EventToSend, Profile } from '../webhook/profile.ts';
import { bodyByProfile } from './event-to-send.ts';
import type { Expressions } from './expressions.ts';

/** An attempt waits for so long at most, in ms, until its expressions are run. */
const patienceMs = 10_000;

const reasons = { filter: 'filter_failed', transformation: 'transformation_failed' } as const;

/** Whether the delivery's filter is to be asked before it is attempted. Who asks for an attempt wants it made. */
export function isFilterDue({ is_filter_open, webhook }: LoadedDelivery, trigger: AttemptTrigger): boolean {
  return is_filter_open && webhook.filter !== null && trigger !== 'manual';
}

/** Asks the filter that gave no result when the event came in: `filtered` when it keeps the event from the webhook. */
export async function askFilterAgain(
  expressions: Pick<Expressions, 'filter'>,
  { account_id, event, webhook }: LoadedDelivery,
): Promise<'passes' | 'filtered' | NotAnswered> {
  const expression = webhook.filter ?? 'true';
  const answer = await expressions.filter({ account_id, expression, event, patienceMs });
  if ('failure' in answer) return notMade('filter', answer.failure);
  return answer.passes ? 'passes' : 'filtered';
}

/**
 * The body of a delivery: its profile's, or what its webhook's transformation makes.
 * @throws UnsendableEventError
 */
export async function bodyOf(
  expressions: Pick<Expressions, 'transform'>,
  { account_id, event, webhook }: LoadedDelivery,
  profile: Pick<Profile, 'body'>,
  toSend: EventToSend,
): Promise<string | NotAnswered> {
  const body = bodyByProfile(profile, toSend);
  const { transformation: expression } = webhook;
  if (expression === null) return body;
  const answer = await expressions.transform({ account_id, expression, event, body, patienceMs });
  return 'failure' in answer ? notMade('transformation', answer.failure) : answer.body;
}

function notMade(kind: ExpressionKind, failure: ExpressionFailure): NotAnswered {
  const reason = isOwnFailure(failure) ? 'expressions_busy' : reasons[kind];
  return nothingSent(reason, describeExpressionFailure(kind, failure));
}
