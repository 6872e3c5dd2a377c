import { setTimeout as delay } from 'node:timers/promises';
import { type Acceptance, acceptEvents, type NewDelivery, type NewEvent } from '../db/accept-events.ts';
import type { Database } from '../db/database.ts';
import type { LoadedDelivery } from '../db/due-deliveries.ts';
import { DatabaseRejected, DatabaseUnavailable } from '../db/errors.ts';
import { type FilterQuestion, FiltersUnasked, filterQuestions } from '../db/event-filters.ts';
import { createSubscriptionMemory, type Subscription } from '../db/subscriptions.ts';
import { owedFrom } from '../db/timed-acceptance.ts';
import { laneWorkflowId } from '../temporal/workflow-ids.ts';
import { isProfileName, profiles } from '../webhook/profiles.ts';
import { subscribes } from '../webhook/subscriptions.ts';
import { createEventFilter } from './event-filter.ts';
import { createEventLoopLoad } from './event-loop-load.ts';
import type { Expressions } from './expressions.ts';
import type { HeadStarts, Reservation } from './head-start.ts';
import { createInHand } from './in-hand.ts';
import type { StoredDelivery, WorkflowPacer } from './workflow-pacer.ts';

/** Where events come in: stores them in groups, begins their first attempts, and has the workflows started that own them. */
export interface Intake {
  /**
   * Stores the event with its deliveries; resolves once that is committed. A repeat and a conflict are answers, not
   * errors.
   * @throws DatabaseUnavailable when that has not succeeded within two seconds: it may all the same have been stored, or
   * still be
   * @throws IntakeFull when too much waits to be stored
   */
  accept(event: NewEvent): Promise<Acceptance>;
  /** The same for several events in one transaction; answers in their order. */
  acceptAll(events: readonly NewEvent[]): Promise<Acceptance[]>;
  /** Takes no more events, and resolves once all that were accepted have had their workflow started. */
  close(): Promise<void>;
}

/** An intake as whoever opened it sees it. */
export interface OpenIntake extends Intake {
  /** How many events wait to be stored. */
  waitingEvents(): number;
}

/** More waits to be stored than could be within a second. */
export class IntakeFull extends Error {
  override readonly name = 'IntakeFull';
}

interface Waiting {
  /** They are numbered as they come. */
  number: number;
  events: readonly NewEvent[];
  bytes: number;
  /** How often it was looked for what is overdue, when it came. */
  since: number;
  /** The same when it joined those who wait for a transaction: after its filters were asked. */
  linedSince: number;
  resolve: (acceptances: Acceptance[]) => void;
  reject: (error: unknown) => void;
}

const mostPerTransaction = 500;
/** While one waits for the disk, the next gathers what comes. */
const mostTransactions = 2;
/** A busy process begins a second one for so many events at the least: few large ones cost less than many small ones. */
const fewEvents = 50;
const mostBytesPerTransaction = 16 * 1024 * 1024;
const mostWaitingEvents = 5_000;
const mostWaitingBytes = 64 * 1024 * 1024;
/**
 * How long whoever posts waits for a transaction at most, and how long in all, in ms: of the time in which this process
 * could have answered.
 */
const patienceMs = { toBegin: 900, inAll: 1_700 };
const lookEveryMs = 100;
/** While this process is behind, it takes in an event in so many ms at the least, and looks so often whether it still is. */
const mostMsAnEvent = 2;
const lookAgainMs = 5;
/** After so long, in ms, a server that hangs is given up, so that there is a transaction for what comes next. */
const statementTimeoutMs = 5_000;

/**
 * An intake that stores, in one transaction, whatever requests are waiting when there is one free. A lone request is a group
 * of one and waits for nobody. First attempts begin when the transaction has committed, and workflows start beside the
 * answer; without `headStarts` the workflows make the first attempts, and without `expressions` filters let everything pass.
 * `onStored` hears of each transaction that has stored events: how many, and in how many ms; `onTimed` of a moment at which
 * something is to be done about a stored event.
 */
export function createIntake({
  db,
  pacer,
  headStarts,
  expressions,
  onStored = () => {},
  onTimed = () => {},
}: {
  db: Database;
  pacer: WorkflowPacer;
  headStarts?: HeadStarts | undefined;
  expressions?: Pick<Expressions, 'filter'>;
  onStored?: (events: number, ms: number) => void;
  onTimed?: (time: Date) => void;
}): OpenIntake {
  const load = createEventLoopLoad();
  const memory = createSubscriptionMemory();
  const filter = expressions === undefined ? undefined : createEventFilter(expressions);
  const underQuestion = new Set<unknown>();
  let waiting: Waiting[] = [];
  let waitingEvents = 0;
  let lastNumber = 0;
  let waitingBytes = 0;
  const storing = new Set<Promise<void>>();
  /** In the order in which they came; those whose filters are asked are among them. */
  const unanswered = createInHand<number, Waiting>();
  let timer: NodeJS.Timeout | undefined;
  let looks = 0;
  let heldBackUntil = 0;
  let holdTimer: NodeJS.Timeout | undefined;
  let isSoon = false;

  /** Filters are asked before the event joins others, so that it alone waits for them. */
  function add(events: readonly NewEvent[]): Promise<Acceptance[]> {
    const bytes = events.reduce((sum, event) => sum + event.data.length, 0);
    const questions = questionsAbout(events);
    return new Promise((resolve, reject) => {
      lastNumber += 1;
      const since = looks;
      const one = { number: lastNumber, events, bytes, since, linedSince: since, resolve, reject };
      unanswered.set(one.number, one);
      timer ??= setInterval(lookForOverdue, lookEveryMs);
      if (questions.length === 0) enter(one);
      else void askedThen(questions, () => enter(one));
    });
  }

  function questionsAbout(events: readonly NewEvent[]): FilterQuestion[] {
    if (filter === undefined) return [];
    const known = memory.peek([...new Set(events.map(({ account_id }) => account_id))]);
    return filterQuestions(events, known, isOwed);
  }

  async function askedThen(questions: readonly FilterQuestion[], next: () => void): Promise<void> {
    const asking = filter?.ask(questions);
    underQuestion.add(asking);
    await asking;
    underQuestion.delete(asking);
    next();
  }

  function enter(one: Waiting) {
    const isTooMuch =
      waitingEvents + one.events.length > mostWaitingEvents || waitingBytes + one.bytes > mostWaitingBytes;
    if (!isTooMuch) line(one);
    else if (unanswered.delete(one.number)) one.reject(new IntakeFull('too much waits to be stored'));
  }

  /** What was given up while its filters were asked is not stored any more. */
  function line(one: Waiting) {
    if (!unanswered.has(one.number)) return;
    one.linedSince = looks;
    waiting.push(one);
    waitingEvents += one.events.length;
    waitingBytes += one.bytes;
    storeSoon();
  }

  /** Once what has come in with it is there as well: an embedded database leaves no time for that while it works. */
  function storeSoon() {
    if (isSoon) return;
    isSoon = true;
    setImmediate(() => {
      isSoon = false;
      storeWaiting();
    });
  }

  function storeWaiting() {
    while (waiting.length > 0 && storing.size < mostTransactionsNow() && !isHeldBack()) {
      const group = takeGroup();
      const stored = store(group).finally(() => {
        storing.delete(stored);
        storeSoon();
      });
      storing.add(stored);
    }
  }

  function mostTransactionsNow(): number {
    return waitingEvents < fewEvents && load.isBusy() ? 1 : mostTransactions;
  }

  /** While first attempts pile up, events are taken in as slowly as these are made, within bounds. */
  function isHeldBack(): boolean {
    if (headStarts?.isBehind() !== true || performance.now() >= heldBackUntil) return false;
    if (holdTimer === undefined) {
      holdTimer = setTimeout(() => {
        holdTimer = undefined;
        storeWaiting();
      }, lookAgainMs);
    }
    return true;
  }

  /** What comes together stays together. */
  function takeGroup(): Waiting[] {
    let events = 0;
    let bytes = 0;
    const end = waiting.findIndex((one, index) => {
      events += one.events.length;
      bytes += one.bytes;
      return index > 0 && (events > mostPerTransaction || bytes > mostBytesPerTransaction);
    });
    const group = end === -1 ? waiting : waiting.slice(0, end);
    waiting = end === -1 ? [] : waiting.slice(end);
    for (const one of group) leaveLine(one);
    heldBackUntil = performance.now() + events * mostMsAnEvent;
    return group;
  }

  function leaveLine({ events, bytes }: Waiting) {
    waitingEvents -= events.length;
    waitingBytes -= bytes;
  }

  /** What has come in while this process had no time is taken in first. */
  function lookForOverdue() {
    setImmediate(answerOverdue);
  }

  function answerOverdue() {
    looks += 1;
    const isOver = (since: number, mostMs: number) => (looks - since) * lookEveryMs > mostMs;
    const isTooLate = ({ since, linedSince }: Waiting) =>
      isOver(linedSince, patienceMs.toBegin) || isOver(since, patienceMs.inAll);
    const tooLate = waiting.filter(isTooLate);
    if (tooLate.length > 0) waiting = waiting.filter((one) => !isTooLate(one));
    for (const one of tooLate) {
      leaveLine(one);
      giveUp(one);
    }
    for (const one of unanswered.values()) {
      if (!isOver(one.since, patienceMs.inAll)) break;
      giveUp(one);
    }
    if (unanswered.size > 0) return;
    clearInterval(timer);
    timer = undefined;
  }

  function giveUp(one: Waiting) {
    unanswered.delete(one.number);
    one.reject(new DatabaseUnavailable('The database has not stored it in time'));
  }

  async function store(group: readonly Waiting[]): Promise<void> {
    try {
      const acceptances = await storeTogether(group.flatMap(({ events }) => events));
      for (const { events, resolve } of group) resolve(acceptances.splice(0, events.length));
    } catch (error) {
      if (error instanceof FiltersUnasked) return storeWithout(error.questions, group);
      // So that what the database refuses does not take the others of its group with it.
      if (error instanceof DatabaseRejected && group.length > 1) {
        for (const one of group) await store([one]);
        return;
      }
      for (const { reject } of group) reject(error);
    }
    for (const { number } of group) unanswered.delete(number);
  }

  /** What filters that were just loaded have to be asked about comes again once they were: the others do not wait for it. */
  async function storeWithout(
    questions: readonly FilterQuestion[],
    group: readonly Waiting[],
  ): Promise<void> {
    const questioned = new Set(questions.map(({ event }) => event));
    const isQuestioned = ({ events }: Waiting) => events.some((event) => questioned.has(event));
    for (const one of group.filter(isQuestioned)) {
      // Nothing of it was stored, and nobody waits for it any more.
      if (!unanswered.has(one.number)) continue;
      const own = questions.filter(({ event }) => one.events.includes(event));
      void askedThen(own, () => line(one));
    }
    const others = group.filter((one) => !isQuestioned(one));
    if (others.length > 0) await store(others);
  }

  async function storeTogether(events: readonly NewEvent[]): Promise<Acceptance[]> {
    const begunAt = performance.now();
    const joining = pacer.join();
    const workflowIds = new Set<string>();
    const reservations = new Map<string, Reservation>();
    let stored: StoredDelivery[] = [];
    try {
      const acceptances = await acceptEvents(
        db,
        events,
        isOwed,
        (event, webhook, owed) => {
          const id = joining.workflowIdOf(event.id, webhook, owed);
          workflowIds.add(id);
          return id;
        },
        {
          hasHeadStart: (event, webhook) => {
            const key = `${event.id} ${webhook.id}`;
            const reservation = reservations.get(key) ?? headStarts?.reserve(webhook, event.data.length);
            if (reservation) reservations.set(key, reservation);
            return reservation != null;
          },
          laneWorkflowIdOf: laneWorkflowId,
          timeoutMs: statementTimeoutMs,
          memory,
          ...(filter === undefined ? {} : { verdictOn: filter.verdictOn }),
        },
      );
      stored = events.flatMap((event, index) =>
        beginStored(event, acceptances[index] as Acceptance, reservations),
      );
      onStored(events.length, performance.now() - begunAt);
      return acceptances;
    } catch (error) {
      // Some may have been stored in spite of it.
      for (const id of workflowIds) headStarts?.noteOthers(id);
      throw error;
    } finally {
      for (const reservation of reservations.values()) reservation.giveBack();
      joining.settle(stored);
    }
  }

  /** Begins the first attempts of what was stored of an event; answers what its workflow will own. */
  function beginStored(
    event: NewEvent,
    acceptance: Acceptance,
    reservations: ReadonlyMap<string, Reservation>,
  ): StoredDelivery[] {
    if (acceptance.outcome !== 'accepted') return [];
    const time = event.release === undefined ? (event.deliver_at ?? event.expires_at) : event.expires_at;
    if (time !== undefined) onTimed(time);
    const pending = acceptance.deliveries.filter(
      ({ status, is_behind }) => status === 'pending' && !is_behind,
    );
    return pending.map((delivery) => {
      const { workflow_id, webhook_id } = delivery;
      const reservation = reservations.get(`${event.id} ${webhook_id}`);
      if (reservation === undefined) headStarts?.noteOthers(workflow_id);
      else headStarts?.note(workflow_id, delivery.id, reservation.begin(loaded(event, delivery)));
      return { workflow_id, webhook_id, event_id: event.id, account_id: event.account_id };
    });
  }

  return {
    async accept(event) {
      const [acceptance] = await add([event]);
      return acceptance as Acceptance;
    },

    acceptAll: (events) => (events.length === 0 ? Promise.resolve([]) : add(events)),
    waitingEvents: () => waitingEvents,

    async close() {
      while (underQuestion.size > 0 || storing.size > 0 || waiting.length > 0) {
        const later = delay(lookAgainMs);
        // Nothing is stored at once: then nobody else would have a turn.
        await (storing.size > 0 ? Promise.race([Promise.all(storing), later]) : later);
      }
      await pacer.close();
    },
  };
}

/** A delivery as it is in the database by now. */
function loaded(
  event: NewEvent,
  { id, workflow_id, lane, is_filter_open, webhook }: NewDelivery,
): LoadedDelivery {
  return {
    id,
    account_id: event.account_id,
    workflow_id,
    status: 'pending',
    attempt_count: 0,
    scheduled_attempts: 0,
    reason: null,
    next_attempt_at: owedFrom(event),
    expires_at: event.expires_at ?? null,
    head_start: null,
    lane,
    is_waiting: false,
    is_filter_open,
    event,
    webhook,
  };
}

function isOwed({ id, events, channels, profile }: Subscription, event: NewEvent): boolean {
  if (!isProfileName(profile) || id === event.about_webhook) return false;
  const isOperational = event.about_webhook !== null;
  return subscribes(
    { eventTypes: events, channels, profile: profiles[profile] },
    { ...event, isOperational },
  );
}
