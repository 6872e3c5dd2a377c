import type { Sent } from '../ledger.ts';
import { isAcknowledged } from '../ledger.ts';

export interface SentCounts {
  readonly sent: number;
  readonly acknowledged: number;
  /** Answered otherwise, or not at all. */
  readonly failed: number;
}

/** Keeps what was sent, in the order of the events' numbers. */
export interface SentLog {
  /** Takes the next numbers for events that are to be sent at that time; returns the first of them. */
  take(events: number, intendedAt: number): number;
  /** Of an event that was taken; status 0 when there was no answer. */
  answer(seq: number, at: number, status: number): void;
  counts(): SentCounts;
  sent(): Sent;
}

export function createSentLog(first: number): SentLog {
  let intended = new Float64Array(4_096);
  let answered = new Float64Array(4_096);
  let statuses = new Uint16Array(4_096);
  let length = 0;
  let acknowledged = 0;
  let failed = 0;

  function grow() {
    const doubled = <T extends Float64Array | Uint16Array>(old: T, fresh: T): T => {
      fresh.set(old);
      return fresh;
    };
    const size = intended.length * 2;
    intended = doubled(intended, new Float64Array(size));
    answered = doubled(answered, new Float64Array(size));
    statuses = doubled(statuses, new Uint16Array(size));
  }

  return {
    take(events, intendedAt) {
      const seq = first + length;
      while (length + events > intended.length) grow();
      intended.fill(intendedAt, length, length + events);
      answered.fill(Number.NaN, length, length + events);
      length += events;
      return seq;
    },
    answer(seq, at, status) {
      const index = seq - first;
      statuses[index] = status;
      if (status !== 0) answered[index] = at;
      if (isAcknowledged(status)) acknowledged += 1;
      else failed += 1;
    },
    counts: () => ({ sent: length, acknowledged, failed }),
    sent: () => ({
      first,
      intendedAt: intended.slice(0, length),
      answeredAt: answered.slice(0, length),
      status: statuses.slice(0, length),
    }),
  };
}
