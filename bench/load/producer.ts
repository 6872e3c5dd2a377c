import type { Dispatcher } from 'undici';
import { eventType, type Layout, placeOf } from '../layout.ts';
import { isAcknowledged } from '../ledger.ts';
import { laneOf } from '../order.ts';
import { eventData } from '../payload.ts';
import { post } from './post.ts';
import type { SentLog } from './sent-log.ts';

/** To whom events are posted. */
export interface ProducerTarget {
  /** Of the API, without a path. */
  readonly origin: string;
  readonly layout: Layout;
  /** An API key for each account of the layout. */
  readonly keys: readonly string[];
  /** Events a request; 1 posts them singly. */
  readonly batch: number;
  /** What else is said of the event, as JSON after a comma. */
  readonly more?: (seq: number) => string;
}

/** Posts events, and keeps when they were sent and what came of it. */
export interface Producer {
  /** Posts the next event, or batch, and resolves, once it is answered, with the status. Latency counts from `intendedAt`. */
  send(dispatcher: Dispatcher, intendedAt: number): Promise<number>;
}

export function createProducer(
  { origin, layout, keys, batch, more = () => '' }: ProducerTarget,
  log: SentLog,
): Producer {
  const keyOf = (seq: number) => keys[placeOf(layout, seq).account] ?? '';
  const bodyOf = (seq: number) =>
    `{"type":"${eventType(placeOf(layout, seq).type)}","data":${eventData(seq, layout.lanes === 0 ? 0 : laneOf(layout, seq))}${more(seq)}}`;

  async function sendOne(dispatcher: Dispatcher, intendedAt: number) {
    const seq = log.take(1, intendedAt);
    const request = { origin, path: '/v1/events', key: keyOf(seq), body: bodyOf(seq) };
    const { status, at } = await post(dispatcher, request, false);
    log.answer(seq, at, status);
    return status;
  }

  async function sendBatch(dispatcher: Dispatcher, intendedAt: number) {
    const first = log.take(batch, intendedAt);
    const bodies = Array.from({ length: batch }, (_, index) => bodyOf(first + index));
    const request = {
      origin,
      path: '/v1/events/batch',
      key: keyOf(first),
      body: `{"events":[${bodies.join(',')}]}`,
    };
    const { status, at, body } = await post(dispatcher, request, true);
    const statuses = statusesOf(status, body, batch);
    for (let index = 0; index < batch; index++) log.answer(first + index, at, statuses[index] ?? 0);
    return status;
  }

  return { send: batch === 1 ? sendOne : sendBatch };
}

/** The status of each event of a batch, in their order: of one that was refused its own, and 0 of one that has no result. */
export function statusesOf(status: number, body: string, events: number): number[] {
  if (!isAcknowledged(status)) return new Array<number>(events).fill(status);
  const results = resultsIn(body);
  return Array.from({ length: events }, (_, index) => {
    const result = results[index];
    if (result === undefined) return 0;
    return result.status === 'refused' ? (result.problem?.status ?? 422) : status;
  });
}

interface BatchResult {
  readonly status: 'accepted' | 'repeated' | 'refused';
  readonly problem?: { readonly status?: number };
}

function resultsIn(body: string): BatchResult[] {
  try {
    return (JSON.parse(body) as { results?: BatchResult[] }).results ?? [];
  } catch {
    return [];
  }
}
