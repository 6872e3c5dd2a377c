import { createHash } from 'node:crypto';

/**
 * The order in which a webhook gets its events: all of them in one lane, or those in one lane that have the same value at a
 * JSON Pointer (RFC 6901) into the event.
 */
export type Ordering = 'fifo' | { readonly fifo_by: string };

/** What becomes of a lane when a delivery of it fails for good: the next one goes out, or all wait and the endpoint is disabled. */
export const failureChoices = ['skip', 'block'] as const;
export type OnFailure = (typeof failureChoices)[number];

/** Of a pointer, in characters. */
export const maxPointerChars = 256;

/** What a pointer looks into: the event as its producer knows it. */
export interface OrderedEvent {
  readonly id: string;
  /** Its producer's own id, which then is the event's `id`. */
  readonly client_id: string | null;
  readonly type: string;
  readonly channel: string | null;
  /** JSON text. */
  readonly data: string;
}

/** The one lane of a webhook whose events all are in order. */
const wholeLane = 'fifo';

/** The tokens of a JSON Pointer, unescaped (RFC 6901, sections 3 and 4); null when the text is none. */
export function pointerTokens(text: string): string[] | null {
  if (text === '') return [];
  if (!text.startsWith('/') || /~(?![01])/.test(text)) return null;
  return text
    .slice(1)
    .split('/')
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** What is at the place; undefined when there is nothing. An array's elements are named by `0` or digits without a leading zero. */
export function valueAt(document: unknown, tokens: readonly string[]): unknown {
  let value = document;
  for (const token of tokens) {
    if (typeof value !== 'object' || value === null) return undefined;
    if (Array.isArray(value) && !/^(0|[1-9]\d*)$/.test(token)) return undefined;
    if (!Object.hasOwn(value, token)) return undefined;
    value = (value as Record<string, unknown>)[token];
  }
  return value;
}

/** Tells of events which lane they are in; parses the data of each once, whatever number of webhooks asks. */
export function laneFinder(): (ordering: Ordering, event: OrderedEvent) => string {
  const documents = new WeakMap<OrderedEvent, unknown>();
  return (ordering, event) => {
    if (ordering === 'fifo') return wholeLane;
    let document = documents.get(event);
    if (document === undefined) {
      const { id, client_id, type, channel, data } = event;
      document = { id: client_id ?? id, type, channel, data: JSON.parse(data) as unknown };
      documents.set(event, document);
    }
    return laneNamed(ordering.fifo_by, valueAt(document, pointerTokens(ordering.fifo_by) ?? []));
  };
}

/**
 * The lane's name: of a fixed length, and nothing of the value can be read from it. Events without a value, and those with
 * null, share one lane. A number and the text of it are two values. The pointer is part of it, so that lanes by another
 * pointer are other lanes.
 */
function laneNamed(pointer: string, value: unknown): string {
  const text = value === undefined || value === null ? '' : JSON.stringify(value);
  return createHash('sha256').update(`${pointer}\n${text}`).digest('base64url').slice(0, 22);
}
