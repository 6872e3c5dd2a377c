/** What a webhook may have expressions for (JSONata): who gets an event, and what body it gets. */
export type ExpressionKind = 'filter' | 'transformation';

/** What an expression may be, take and give at most. */
export const expressionLimits = {
  characters: 8_192,
  /** Of the event as JSON. */
  inputCharacters: 1_048_576,
  /** Of the result as JSON. */
  resultCharacters: 262_144,
  ms: 1_000,
  memoryMb: 128,
} as const;

/** One that took too much is not run again for so long, in ms. */
export const expressionPauseMs = 10_000;

/** Why an expression gave no result. Holds nothing of the event. */
export interface ExpressionFailure {
  /** Of JSONata's own (`T2001`), or one of those below. */
  readonly code: string;
  /** How many characters of the expression had been read where it failed; null where no place is known. */
  readonly position: number | null;
  readonly message: string;
}

const messages = {
  too_long: `it takes longer than ${expressionLimits.ms / 1_000} s`,
  too_much_memory: `it takes more than ${expressionLimits.memoryMb} MB of memory`,
  paused: `it took too much a moment ago, and is not run again for ${expressionPauseMs / 1_000} s`,
  too_deep: 'it calls itself too deep',
  too_many: 'it makes a list of more than 1,000,000 items',
  input_too_large: `the event has more than ${expressionLimits.inputCharacters} characters as JSON`,
  result_too_large: `its result has more than ${expressionLimits.resultCharacters} characters as JSON`,
  no_result: 'it gives nothing',
  no_json: 'it gives a function, which cannot be sent',
  no_verdict: 'it gives a function, which is neither true nor false',
  no_then: 'it gives an object a function under the name "then", or under a name that it makes itself',
  no_change: 'it changes a function, which is not possible here',
  no_eval: '$eval is not available here',
  refused_by_itself: 'it calls $error or $assert',
  not_run_in_time: 'it was not run in time: too much waits to be run',
  not_available: 'expressions cannot be run at the moment',
  internal: 'JSONata itself cannot run it',
} satisfies Record<string, string>;

export type ExpressionFailureCode = keyof typeof messages;

/** The failures that its account has no part in. */
const ownCodes: readonly string[] = ['not_run_in_time', 'not_available'] satisfies ExpressionFailureCode[];

/** A failure that is not JSONata's. */
export function expressionFailure(code: ExpressionFailureCode): ExpressionFailure {
  return { code, position: null, message: messages[code] };
}

/** Whether it is Postrider that could not run the expression now, whatever it is. */
export function isOwnFailure({ code }: ExpressionFailure): boolean {
  return ownCodes.includes(code);
}

/** Whether it says nothing of the expression: the same one may succeed in a moment. */
export function isPassing(failure: ExpressionFailure): boolean {
  return failure.code === ('paused' satisfies ExpressionFailureCode) || isOwnFailure(failure);
}

/** In words, for people who read an attempt: which expression, where, and what was wrong. */
export function describeExpressionFailure(kind: ExpressionKind, failure: ExpressionFailure): string {
  if (isOwnFailure(failure)) {
    return `the webhook's ${kind} was not run on the side of the sender${placeAndCause(failure)}`;
  }
  return `the webhook's ${kind} failed${placeAndCause(failure)}`;
}

/** Why an expression is refused, for whoever wrote it. */
export function describeRefusal(failure: ExpressionFailure): string {
  return `does not compile${placeAndCause(failure)}`;
}

function placeAndCause({ position, message }: ExpressionFailure): string {
  return `${position === null ? '' : ` at character ${position}`}: ${message}`;
}
