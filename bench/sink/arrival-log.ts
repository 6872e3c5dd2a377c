import { behaviourOf, deliveryIndex, type Layout } from '../layout.ts';
import type { Arrivals } from '../ledger.ts';

export interface ArrivalCounts {
  /** Different deliveries to endpoints that answer 200. */
  readonly arrived: number;
  /** Requests of deliveries that had arrived before, to the same endpoints. */
  readonly repeats: number;
  /** Requests to endpoints that fail or hang. */
  readonly atFailing: number;
  /** Requests in which no event of ours was found. */
  readonly unreadable: number;
}

/** Keeps what arrived: when first, and how often. */
export interface ArrivalLog {
  add(seq: number | undefined, endpoint: number, at: number): void;
  /** Counts anew, and only what belongs to events from that number on. */
  countFrom(seq: number): void;
  counts(): ArrivalCounts;
  arrivals(): Arrivals;
}

const mostTimes = 65_535;

export function createArrivalLog(layout: Layout): ArrivalLog {
  let at = new Float64Array(1_024).fill(Number.NaN);
  let times = new Uint16Array(1_024);
  let length = 0;
  let countedFrom = 0;
  let counts = { arrived: 0, repeats: 0, atFailing: 0, unreadable: 0 };

  function grow(to: number) {
    const size = Math.max(to, at.length * 2);
    const moreAt = new Float64Array(size).fill(Number.NaN);
    const moreTimes = new Uint16Array(size);
    moreAt.set(at);
    moreTimes.set(times);
    at = moreAt;
    times = moreTimes;
  }

  return {
    add(seq, endpoint, now) {
      if (seq === undefined || !Number.isInteger(endpoint)) {
        counts.unreadable += 1;
        return;
      }
      const index = deliveryIndex(layout, seq, endpoint);
      if (index >= at.length) grow(index + 1);
      length = Math.max(length, index + 1);
      const before = times[index] as number;
      if (before === 0) at[index] = now;
      times[index] = Math.min(before + 1, mostTimes);
      if (seq < countedFrom) return;
      if (behaviourOf(layout, endpoint) !== 'ok') counts.atFailing += 1;
      else if (before === 0) counts.arrived += 1;
      else counts.repeats += 1;
    },
    countFrom(seq) {
      countedFrom = seq;
      counts = { arrived: 0, repeats: 0, atFailing: 0, unreadable: 0 };
    },
    counts: () => ({ ...counts }),
    arrivals: () => ({ at: at.slice(0, length), times: times.slice(0, length) }),
  };
}
