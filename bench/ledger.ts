import { behaviourOf, deliveryIndex, firstEndpointOf, type Layout } from './layout.ts';
import { countOutOfOrder } from './order.ts';
import { type Latencies, latenciesOf } from './percentiles.ts';

/** What was sent, one entry an event, from number `first` on. Times are of clock.ts. */
export interface Sent {
  readonly first: number;
  /** When it was to be sent: what latencies are counted from. */
  readonly intendedAt: Float64Array;
  /** NaN where no answer came. */
  readonly answeredAt: Float64Array;
  /** The HTTP status that the event was answered with; 0 where no answer came. */
  readonly status: Uint16Array;
}

/** What the sink got, one entry a delivery, under `deliveryIndex`. Shorter than what was sent when the rest is missing. */
export interface Arrivals {
  /** When it arrived first; NaN where it did not. */
  readonly at: Float64Array;
  readonly times: Uint16Array;
}

export interface Ledger {
  /** Events. */
  readonly sent: number;
  readonly acknowledged: number;
  /** Answered with something else than 2xx. */
  readonly refused: number;
  readonly unanswered: number;
  /** Deliveries to endpoints that answer 200, of acknowledged events. */
  readonly due: number;
  /** Of those that were due. */
  readonly arrived: number;
  readonly arrivedTwice: number;
  readonly lost: number;
  /** Of those that arrived, where events are in order. */
  readonly outOfOrder: number;
  /** Deliveries of events that were not acknowledged, and arrived all the same. */
  readonly unexpected: number;
  /** Deliveries to endpoints that fail or hang, of acknowledged events, and how many of them were tried. */
  readonly dueAtFailing: number;
  readonly triedAtFailing: number;
  /** From the first intended sending to the last answer, and to the last arrival, in ms. */
  readonly answeringMs: number;
  readonly deliveringMs: number;
  readonly ack: Latencies | undefined;
  /** From the intended sending to the arrival. */
  readonly arrival: Latencies | undefined;
}

export function isAcknowledged(status: number): boolean {
  return status >= 200 && status < 300;
}

/** Holds what arrived against what was acknowledged. */
export function closeLedger(layout: Layout, sent: Sent, arrivals: Arrivals): Ledger {
  const { first, intendedAt, answeredAt, status } = sent;
  const events = status.length;
  const acks: number[] = [];
  const latencies: number[] = [];
  const counts = {
    acknowledged: 0,
    refused: 0,
    unanswered: 0,
    due: 0,
    arrivedTwice: 0,
    unexpected: 0,
    dueAtFailing: 0,
    triedAtFailing: 0,
  };
  const start = intendedAt[0] ?? 0;
  let lastAnswer = start;
  let lastArrival = start;

  for (let event = 0; event < events; event++) {
    const intended = intendedAt[event] as number;
    const answered = answeredAt[event] as number;
    const isOurs = isAcknowledged(status[event] as number);
    if (status[event] === 0) counts.unanswered += 1;
    else if (!isOurs) counts.refused += 1;
    if (isOurs) {
      counts.acknowledged += 1;
      acks.push(answered - intended);
      lastAnswer = Math.max(lastAnswer, answered);
    }
    const firstEndpoint = firstEndpointOf(layout, first + event);
    for (let endpoint = firstEndpoint; endpoint < firstEndpoint + layout.fanOut; endpoint++) {
      const index = deliveryIndex(layout, first + event, endpoint);
      const times = arrivals.times[index] ?? 0;
      if (!isOurs) {
        if (times > 0) counts.unexpected += 1;
      } else if (behaviourOf(layout, endpoint) !== 'ok') {
        counts.dueAtFailing += 1;
        if (times > 0) counts.triedAtFailing += 1;
      } else {
        counts.due += 1;
        if (times > 1) counts.arrivedTwice += 1;
        if (times > 0) {
          const at = arrivals.at[index] as number;
          latencies.push(at - intended);
          lastArrival = Math.max(lastArrival, at);
        }
      }
    }
  }
  return {
    sent: events,
    ...counts,
    arrived: latencies.length,
    lost: counts.due - latencies.length,
    outOfOrder: countOutOfOrder(layout, sent, arrivals),
    answeringMs: lastAnswer - start,
    deliveringMs: lastArrival - start,
    ack: latenciesOf(Float64Array.from(acks)),
    arrival: latenciesOf(Float64Array.from(latencies)),
  };
}

/** How many arrived in each second from the first intended sending on: of those to endpoints that answer 200. */
export function arrivalsPerSecond(layout: Layout, sent: Sent, arrivals: Arrivals): number[] {
  const start = sent.intendedAt[0] ?? 0;
  const seconds: number[] = [];
  for (let event = 0; event < sent.status.length; event++) {
    const firstEndpoint = firstEndpointOf(layout, sent.first + event);
    for (let endpoint = firstEndpoint; endpoint < firstEndpoint + layout.fanOut; endpoint++) {
      const at = arrivals.at[deliveryIndex(layout, sent.first + event, endpoint)];
      if (at === undefined || Number.isNaN(at) || behaviourOf(layout, endpoint) !== 'ok') continue;
      const second = Math.max(0, Math.floor((at - start) / 1000));
      while (seconds.length <= second) seconds.push(0);
      seconds[second] = (seconds[second] ?? 0) + 1;
    }
  }
  return seconds;
}
