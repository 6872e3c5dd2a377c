import { sql } from 'drizzle-orm';
import { nowMs } from '../../../bench/clock.ts';
import { type Arrivals, closeLedger, isAcknowledged, type Sent } from '../../../bench/ledger.ts';
import { seqIn } from '../../../bench/payload.ts';
import { type Latencies, latenciesOf } from '../../../bench/percentiles.ts';
import { type Database, selectRows } from '../../../db/database.ts';
import { inboxRetrySchedule } from '../../../webhook/profiles/inbox.ts';
import { couldHappenAt, type Interruption } from './interruptions.ts';
import type { Arrival } from './receiver.ts';
import { layout } from './steady-load.ts';
import { scheduleScale } from './system.ts';

/** What the load, the receiver and the database say of one another in the end. */
export interface Books {
  /** Without those that were to go out at a time that was past when they were looked at: they are refused. */
  readonly sent: number;
  readonly acknowledged: number;
  /** Of these, those that were to go out later, and those of them that were due while something was away. */
  readonly scheduled: number;
  readonly dueMeanwhile: number;
  /** Answered 503. */
  readonly refused: number;
  /** Answered otherwise: never right. */
  readonly otherwise: number;
  /** Not answered: the connection broke, or was refused. */
  readonly unanswered: number;
  /** Of the acknowledged events, those that did not arrive. */
  readonly lost: number;
  /** Of events that were not acknowledged, those that arrived all the same: their answer was lost. */
  readonly unacknowledged: number;
  readonly arrivals: number;
  /** Deliveries that were answered 200 more than once. */
  readonly repeated: number;
  /** Requests whose attempt is not recorded: they were under way when something was taken away. */
  readonly unrecorded: number;
  /** The longest that one of these, or one that was repeated, had been under way by then, in ms. */
  readonly underWayMs: number;
  /** Deliveries that are neither succeeded nor otherwise ended. */
  readonly pending: number;
  readonly attempts: number;
  /** The longest that a delivery which could go out took, in ms: everything that it needs was there all that time. */
  readonly slowestMs: number;
  /** The same of retries, from the end of their schedule's delay. */
  readonly slowestRetryMs: number;
  /** The longest that an answer of 503 took, and any, in ms. */
  readonly slowestRefusalMs: number;
  readonly slowestAnswerMs: number;
  /** From the intended sending to the answer. */
  readonly ack: Percentiles;
  /** From the intended sending, or the event's time, to the first request. */
  readonly arrival: Percentiles;
  /** What is not as it has to be, in words. */
  readonly faults: readonly string[];
}

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
}

interface StoredDelivery {
  id: string;
  status: string;
  attempt_count: number;
  data: string;
}

interface StoredAttempt {
  delivery_id: string;
  number: number;
  succeeded: boolean;
  started_ms: number;
  duration_ms: number;
}

/** An attempt under way when something is taken away began at most so long before. */
const mostUnderWayMs = 3_000;
/** Clocks of one machine, read in two processes. */
const toleranceMs = 100;
const mostFaults = 10;

/**
 * Holds what was acknowledged, what arrived and what is stored against one another. `repeats` says whether requests of which
 * nothing is recorded may be there: only those that were under way at an interruption.
 */
export async function closeBooks(
  db: Database,
  {
    sent,
    arrivals,
    interruptions,
    repeats,
    dueAt,
  }: {
    sent: Sent;
    /** When events were due that were to go out later, as `Date.now`, by number. */
    dueAt: ReadonlyMap<number, number>;
    arrivals: readonly Arrival[];
    interruptions: readonly Interruption[];
    repeats: 'none' | 'in flight';
  },
): Promise<Books> {
  const faults: string[] = [];
  const arrivalsOf = grouped(arrivals, ({ seq }) => seq);
  const ledger = closeLedger(layout, sent, succeededArrivals(sent, arrivalsOf));
  const statuses = countStatuses(sent, dueAt);

  const deliveries = await selectRows<StoredDelivery>(
    db,
    sql`select d.id, d.status, d.attempt_count, e.data from deliveries d join events e on e.id = d.event_id
        where e.type like 'bench.%'`,
  );
  const attempts = await selectRows<StoredAttempt>(
    db,
    sql`select delivery_id, number, succeeded, (extract(epoch from started_at) * 1000)::float8 as started_ms, duration_ms
        from attempts order by delivery_id, number`,
  );
  const attemptsOf = grouped(attempts, ({ delivery_id }) => delivery_id);
  const stored = new Map<number, StoredDelivery>();
  for (const delivery of deliveries) {
    const seq = seqIn(Buffer.from(delivery.data)) ?? -1;
    if (stored.has(seq)) faults.push(`event ${seq} is stored twice`);
    stored.set(seq, delivery);
  }

  let unrecordedOnes = 0;
  let underWayMs = 0;
  for (const [seq, delivery] of stored) {
    const made = attemptsOf.get(delivery.id) ?? [];
    const came = arrivalsOf.get(seq) ?? [];
    const name = `the delivery of event ${seq} (${delivery.status})`;
    if (delivery.status !== 'succeeded') faults.push(`${name} has not succeeded`);
    const numbers = made.map(({ number }) => number);
    if (numbers.some((number, index) => number !== index + 1) || numbers.length !== delivery.attempt_count) {
      faults.push(`${name} has attempts numbered ${numbers.join(', ')} and counts ${delivery.attempt_count}`);
    }
    const successes = made.filter(({ succeeded }) => succeeded).length;
    if (successes > 1) faults.push(`${name} was recorded as a success ${successes} times`);
    for (const field of ['webhookId', 'bodyHash'] as const) {
      if (new Set(came.map((arrival) => arrival[field])).size > 1)
        faults.push(`${name} came with another ${field}`);
    }
    const missing = unrecorded(came, made);
    unrecordedOnes += missing.length;
    // The last of those that were answered 200 is the one that was wanted.
    const repeated = came.filter(({ status }) => status === 200).slice(0, -1);
    for (const arrival of new Set([...missing, ...repeated])) {
      const ms = underWayAtInterruption(arrival, interruptions);
      if (repeats === 'in flight' && ms <= mostUnderWayMs) underWayMs = Math.max(underWayMs, ms);
      else {
        const what = missing.includes(arrival) ? 'in an attempt that is not recorded' : 'and was repeated';
        faults.push(`${name} arrived at ${new Date(arrival.wallAt).toISOString()} ${what}`);
      }
    }
  }
  for (const [seq, due] of dueAt) {
    const early = arrivalsOf.get(seq)?.find(({ wallAt }) => wallAt < due - toleranceMs);
    if (early !== undefined) faults.push(`event ${seq} arrived ${due - early.wallAt} ms before its time`);
  }
  let scheduled = 0;
  let dueMeanwhile = 0;
  for (let event = 0; event < sent.status.length; event += 1) {
    const seq = sent.first + event;
    if (!isAcknowledged(sent.status[event] as number)) continue;
    const due = dueAt.get(seq);
    if (due !== undefined) {
      scheduled += 1;
      if (interruptions.some(({ from, to }) => due > from && due < to)) dueMeanwhile += 1;
    }
    if (!stored.has(seq)) faults.push(`event ${seq} was acknowledged and is not stored`);
    if (!arrivalsOf.has(seq)) faults.push(`event ${seq} was acknowledged and has not arrived`);
  }
  for (const status of statuses.otherwise) faults.push(`an event was answered ${status}`);

  return {
    sent: ledger.sent - statuses.tooLate,
    acknowledged: ledger.acknowledged,
    scheduled,
    dueMeanwhile,
    refused: statuses.refused,
    otherwise: statuses.otherwise.length,
    unanswered: ledger.unanswered,
    lost: ledger.lost,
    unacknowledged: ledger.unexpected,
    arrivals: arrivals.length,
    repeated: ledger.arrivedTwice,
    unrecorded: unrecordedOnes,
    underWayMs: Math.round(underWayMs),
    pending: deliveries.filter(({ status }) => status !== 'succeeded').length,
    attempts: attempts.length,
    slowestMs: Math.round(slowestMs(sent, arrivalsOf, interruptions, dueAt)),
    slowestRefusalMs: Math.round(statuses.slowestRefusalMs),
    slowestAnswerMs: Math.round(statuses.slowestAnswerMs),
    slowestRetryMs: Math.round(slowestRetryMs(attemptsOf, interruptions)),
    ack: percentiles(ledger.ack),
    arrival: percentiles(arrivalLatencies(sent, arrivals, dueAt)),
    faults:
      faults.length > mostFaults ? [...faults.slice(0, mostFaults), `… ${faults.length} in all`] : faults,
  };
}

/** What was answered 200, as the ledger takes it. */
function succeededArrivals({ first, status }: Sent, arrivalsOf: ReadonlyMap<number, Arrival[]>): Arrivals {
  const at = new Float64Array(first + status.length).fill(Number.NaN);
  const times = new Uint16Array(first + status.length);
  for (const [seq, came] of arrivalsOf) {
    const taken = came.filter((arrival) => arrival.status === 200);
    times[seq] = taken.length;
    at[seq] = taken[0]?.at ?? Number.NaN;
  }
  return { at, times };
}

function countStatuses({ first, status, intendedAt, answeredAt }: Sent, dueAt: ReadonlyMap<number, number>) {
  const wallMinusClock = Date.now() - nowMs();
  const otherwise: number[] = [];
  let tooLate = 0;
  let refused = 0;
  let slowestRefusalMs = 0;
  let slowestAnswerMs = 0;
  for (const [event, one] of status.entries()) {
    if (one === 0) continue;
    const tookMs = (answeredAt[event] as number) - (intendedAt[event] as number);
    slowestAnswerMs = Math.max(slowestAnswerMs, tookMs);
    if (isAcknowledged(one)) continue;
    const due = dueAt.get(first + event) ?? Number.POSITIVE_INFINITY;
    const isTooLate = (answeredAt[event] as number) + wallMinusClock > due - toleranceMs;
    if (one === 422 && isTooLate) tooLate += 1;
    else if (one !== 503) otherwise.push(one);
    else {
      refused += 1;
      slowestRefusalMs = Math.max(slowestRefusalMs, tookMs);
    }
  }
  return { otherwise, tooLate, refused, slowestRefusalMs, slowestAnswerMs };
}

/** The requests that no recorded attempt tells of. */
function unrecorded(came: readonly Arrival[], made: readonly StoredAttempt[]): Arrival[] {
  if (came.length <= made.length) return [];
  const left = [...came];
  for (const { started_ms, duration_ms } of made) {
    const index = left.findIndex(
      ({ wallAt }) => wallAt >= started_ms - toleranceMs && wallAt <= started_ms + duration_ms + toleranceMs,
    );
    left.splice(Math.max(0, index), 1);
  }
  return left;
}

/** How long a request had been there at the next interruption, in ms: 0 when it came during one, and infinite without one. */
function underWayAtInterruption({ wallAt }: Arrival, interruptions: readonly Interruption[]): number {
  const waits = interruptions
    .filter(({ to }) => wallAt <= to + toleranceMs)
    .map(({ from }) => Math.max(0, from - wallAt));
  return Math.min(Number.POSITIVE_INFINITY, ...waits);
}

/** From the acknowledgement, the event's time or the end of an interruption to the first request. */
function slowestMs(
  { first, status, answeredAt }: Sent,
  arrivalsOf: ReadonlyMap<number, Arrival[]>,
  interruptions: readonly Interruption[],
  dueAt: ReadonlyMap<number, number>,
): number {
  const wallMinusClock = Date.now() - nowMs();
  let slowest = 0;
  for (const [event, one] of status.entries()) {
    const came = arrivalsOf.get(first + event)?.[0];
    if (!isAcknowledged(one) || came === undefined) continue;
    const due = Math.max((answeredAt[event] as number) + wallMinusClock, dueAt.get(first + event) ?? 0);
    slowest = Math.max(slowest, came.wallAt - couldHappenAt(due, came.wallAt, interruptions));
  }
  return slowest;
}

/** From when a retry was due, as the schedule has it, to its beginning. */
function slowestRetryMs(
  attemptsOf: ReadonlyMap<string, StoredAttempt[]>,
  interruptions: readonly Interruption[],
): number {
  let slowest = 0;
  for (const made of attemptsOf.values()) {
    for (const [index, attempt] of made.entries()) {
      const before = made[index - 1];
      if (before === undefined || before.succeeded) continue;
      const delayMs = (inboxRetrySchedule.delaysMs[index] ?? 0) * scheduleScale;
      const due = before.started_ms + before.duration_ms + delayMs;
      slowest = Math.max(slowest, attempt.started_ms - couldHappenAt(due, attempt.started_ms, interruptions));
    }
  }
  return slowest;
}

/**
 * From the intended sending, or their time, to the first request, of events that were to be sent between the two times
 * (`Date.now`).
 */
export function arrivalLatencies(
  { first, intendedAt }: Sent,
  arrivals: readonly Arrival[],
  dueAt: ReadonlyMap<number, number>,
  from = 0,
  to = Number.POSITIVE_INFINITY,
): Latencies | undefined {
  const wallMinusClock = Date.now() - nowMs();
  const seen = new Set<number>();
  const latencies: number[] = [];
  for (const { seq, at } of arrivals) {
    const intended = intendedAt[seq - first] as number;
    if (seen.has(seq) || intended + wallMinusClock < from || intended + wallMinusClock >= to) continue;
    seen.add(seq);
    const due = dueAt.get(seq);
    latencies.push(at - (due === undefined ? intended : due - wallMinusClock));
  }
  return latenciesOf(Float64Array.from(latencies));
}

function percentiles(latencies: Latencies | undefined): Percentiles {
  return { p50: rounded(latencies?.p50 ?? 0), p99: rounded(latencies?.p99 ?? 0) };
}

function rounded(ms: number): number {
  return Math.round(ms * 10) / 10;
}

function grouped<Item, Key>(items: readonly Item[], keyOf: (item: Item) => Key): Map<Key, Item[]> {
  const groups = new Map<Key, Item[]>();
  for (const item of items) {
    const group = groups.get(keyOf(item));
    if (group === undefined) groups.set(keyOf(item), [item]);
    else group.push(item);
  }
  return groups;
}
