import { appendFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { expect } from 'vitest';
import { isAcknowledged, type Sent } from '../../../bench/ledger.ts';
import { eventData } from '../../../bench/payload.ts';
import type { Latencies } from '../../../bench/percentiles.ts';
import { arrivalLatencies, type Books, closeBooks } from './books.ts';
import { form, latenessAllowed } from './form.ts';
import { searchHistories } from './histories.ts';
import { createInterruptions, type Interruptions, promisedMs } from './interruptions.ts';
import { findOutOfOrder, layoutInLanes, settingsInOrder } from './order.ts';
import { createRandom } from './random.ts';
import { startLedgerReceiver } from './receiver.ts';
import { type SteadyLoad, startSteadyLoad } from './steady-load.ts';
import type { System } from './system.ts';

/** What a fault may use while the load goes on. */
export interface Trial {
  readonly system: System;
  readonly load: SteadyLoad;
  readonly interruptions: Interruptions;
  /** Seeded: the same in every run with the same seed. */
  readonly random: () => number;
  /** Lets the load go on for so many ms. */
  wait(ms: number): Promise<void>;
}

/** What came of it. */
export interface Outcome {
  books: Books;
  /** From the intended sending to the first request, of events that were to be sent between the two times (`Date.now`). */
  latencies(from: number, to: number): Latencies | undefined;
}

const lookMs = 200;
/** Retries come after at most so long, and on a busy machine later. */
const settleMs = 60_000;
/** Of load before the fault, so that something is under way. */
const beforeMs = 1_000;
/** What no history may hold, besides addresses and secrets: payloads, and the statements and parameters that drivers' errors tell. */
const toldNowhere = [
  ...Object.values(JSON.parse(eventData(0))).filter((value) => typeof value === 'string'),
  'Failed query',
  'params:',
];

/** What a payload of every delivery's workflow does hold: its search attributes. Where it is not found nothing is. */
const toldEverywhere = '["wh_';

/**
 * Does its worst to a system under steady load, waits until nothing is left to do, and holds the books against one another:
 * every acknowledged event delivered, attempt numbers whole, nothing pending, repeats only where they are allowed.
 */
export async function tryFault(
  name: string,
  system: System,
  {
    repeats,
    hurt,
    stopsBeforeBooks = false,
    inOrder = false,
    mostLateMs,
    setsClocks = false,
  }: {
    repeats: 'none' | 'in flight';
    hurt: (trial: Trial) => Promise<void>;
    /** The database can be read only once the process that has it has ended. */
    stopsBeforeBooks?: boolean;
    /** The second endpoint gets its events in order. */
    inOrder?: boolean;
    /** So late goes out at most what could have gone out; 15 s if absent, and what was behind others in its lane when they have. */
    mostLateMs?: number;
    /** What is stored says nothing of when it happened. */
    setsClocks?: boolean;
  },
): Promise<Outcome> {
  const receiver = await startLedgerReceiver(form.seed);
  try {
    const secrets = await system.registerEndpoints(receiver.urls, inOrder ? settingsInOrder : []);
    const startedAt = Date.now();
    const load = startSteadyLoad({
      ...{ ...system, perSecond: form.perSecond },
      ...(inOrder ? { sends: layoutInLanes } : {}),
      // Their time is by one clock, and they go out by another.
      hasScheduled: !setsClocks,
    });
    const interruptions = createInterruptions();
    let sent: Sent;
    try {
      await delay(beforeMs);
      await hurt({ system, load, interruptions, random: createRandom(form.seed), wait: delay });
      await delay(Math.max(beforeMs, startedAt + form.seconds * 1_000 - Date.now()));
    } finally {
      sent = await load.stop();
    }
    await settle(system, sent, receiver.hasDelivered);
    const ended = system.processes.filter((one) => one.hasExited());
    expect(ended.map((one) => `the ${one.role} process ended by itself: ${one.said()}`)).toEqual([]);
    const { histories, found } = await searchHistories(system.workflows, [
      ...secrets,
      ...receiver.urls.map((url) => new URL(url).host),
      ...toldNowhere,
      toldEverywhere,
    ]);
    if (stopsBeforeBooks) await Promise.all(system.processes.map((one) => one.stop()));
    const database = await system.openDatabase();
    const books = await closeBooks(database.db, {
      sent,
      arrivals: receiver.arrivals,
      interruptions: interruptions.list(),
      repeats,
      dueAt: load.dueAt,
    }).finally(database.close);
    tell(name, {
      seconds: Math.round((Date.now() - startedAt) / 1_000),
      interruptions: interruptions.list().length,
      histories,
      books,
    });
    expect(histories).toBeGreaterThan(0);
    expect(found).toEqual([toldEverywhere]);
    expect(receiver.unreadable()).toBe(0);
    if (inOrder) expect(findOutOfOrder(sent, receiver.arrivals)).toEqual([]);
    expect(books.faults).toEqual([]);
    expect(books.acknowledged).toBeGreaterThan(0);
    expect(books).toMatchObject({ lost: 0, pending: 0 });
    const lateMs = latenessAllowed * promisedMs;
    expect(books.slowestMs).toBeLessThan(mostLateMs ?? (inOrder ? 2 * lateMs : lateMs));
    if (!setsClocks) expect(books.slowestRetryMs).toBeLessThan(mostLateMs ?? lateMs);
    return {
      books,
      latencies: (from, to) => arrivalLatencies(sent, receiver.arrivals, load.dueAt, from, to),
    };
  } finally {
    await receiver.close();
  }
}

/** Waits until all that was acknowledged has arrived and nothing is pending; not for ever: the books tell what is missing. */
async function settle(system: System, sent: Sent, hasDelivered: (seq: number) => boolean): Promise<void> {
  const deadline = Date.now() + settleMs;
  while (Date.now() < deadline) {
    const areAllThere = sent.status.every(
      (status, event) => !isAcknowledged(status) || hasDelivered(sent.first + event),
    );
    if (areAllThere) {
      // Of those too whose acknowledgement was lost.
      if (
        (await hasNone(system, '/v1/events?status=scheduled')) &&
        (await hasNone(system, '/v1/deliveries?status=pending'))
      )
        return;
    }
    await delay(lookMs);
  }
}

async function hasNone(system: System, path: string): Promise<boolean> {
  const list = await system.request('GET', `${path}&limit=1`).catch(() => undefined);
  return list?.status === 200 && list.json.data.length === 0;
}

/** The ledger: a line for people and, with FAULT_LEDGERS, one for `npm run test:faults`. */
function tell(
  fault: string,
  { books, ...trial }: { seconds: number; interruptions: number; histories: number; books: Books },
): void {
  const { perSecond, seed } = form;
  const { acknowledged, scheduled, dueMeanwhile, refused, otherwise, unanswered, lost } = books;
  const { unacknowledged, pending, attempts, unrecorded, repeated, faults } = books;
  const line = Object.entries({
    ...{ acknowledged, scheduled, 'due meanwhile': dueMeanwhile, refused, otherwise, unanswered, lost },
    ...{ unacknowledged, pending, attempts, unrecorded, repeated, wrong: faults.length },
  });
  process.stdout.write(
    `${fault}: ${books.sent} events sent in ${trial.seconds} s: ${line.map(([what, count]) => `${count} ${what}`).join(', ')}\n`,
  );
  const file = process.env.FAULT_LEDGERS;
  const entry = { fault, perSecond, seed, ...trial, ...books };
  if (file) appendFileSync(file, `${JSON.stringify(entry)}\n`);
}
