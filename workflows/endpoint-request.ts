/** What someone asks of an endpoint: through the API, the Temporal UI or the `temporal` program. */
export interface EndpointRequest {
  reason: string | null;
  /** An API key's id, or a name. */
  by: string | null;
  /** What becomes of the deliveries that wait, when it is enabled. */
  held: 'deliver' | 'discard';
}

/** The request in whatever was typed: nothing, a reason, or an object with some of the fields. What is not understood is left out. */
export function requestIn(input: unknown): EndpointRequest {
  if (typeof input === 'string') return { reason: textOf(input), by: null, held: 'deliver' };
  const { reason, by, held } = (typeof input === 'object' && input !== null ? input : {}) as Record<
    string,
    unknown
  >;
  return { reason: textOf(reason), by: textOf(by), held: held === 'discard' ? 'discard' : 'deliver' };
}

const mostCharacters = 500;

function textOf(value: unknown): string | null {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' ? null : text.slice(0, mostCharacters);
}
