import { setTimeout as delay, setImmediate as othersTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import { DatabaseRejected } from '../db/errors.ts';
import { endExpired } from '../db/expired-deliveries.ts';
import { type DueEvent, findNextMoment, takeUpDueEvents } from '../db/scheduled-events.ts';
import { type Intake, IntakeFull } from './intake.ts';

/**
 * Releases scheduled events when they are due, and ends deliveries when their event expires. Every process does so: the database
 * says who takes up what, so that each event is released once, and what a process had in hand that dies is taken up by others.
 */
export interface Timekeeper {
  /** Something is due then. Without this it is noticed as well, within some seconds. */
  lookAt(time: Date): void;
  /** Takes nothing more up, and resolves once nothing is being released. */
  close(): Promise<void>;
}

/** What other processes have stored, and have not seen to since they died, is looked for so often. */
const lookAroundEveryMs = 5_000;
/** So many at a time, with all others' events in between: a transaction of the usual size. */
const mostReleased = 100;
const mostEnded = 500;
/** What is due and is not to be had, since others see to it or the database is away, is asked after again in so many ms. */
const askAgainMs = 500;
/** While too much waits to be stored, releases are tried for so long, in ms: less than they are left to this process. */
const mostPatienceMs = 5_000;
/** While first attempts pile up, releases wait, but no longer than this for each time. */
const mostHeldBackMs = 500;
const lookAgainMs = 20;
/**
 * A release leaves out an event whose row somebody has in hand: who changes it, or who looked for what is due in the same moment and comes too
 * late. It is tried again after these pauses, in ms.
 */
const inHandMs = [20, 200];
/** A server that hangs longer, in ms, is given up and asked again: less than what is due is left to this process. */
const statementTimeoutMs = 5_000;

/**
 * `onReleased` hears of each event that was released here, and of how late, in ms; `onExpired` of how many deliveries a statement
 * has ended.
 */
export function createTimekeeper({
  db,
  intake,
  isBehind,
  onReleased,
  onExpired,
  log,
  lookAroundMs = lookAroundEveryMs,
  timeoutMs = statementTimeoutMs,
}: {
  db: Database;
  intake: Pick<Intake, 'acceptAll'>;
  /** Whether this process has more first attempts to make than it can. */
  isBehind: () => boolean;
  onReleased: (lateMs: number) => void;
  onExpired: (count: number) => void;
  log: Logger;
  /** For tests. */
  lookAroundMs?: number;
  timeoutMs?: number;
}): Timekeeper {
  let isClosed = false;
  let timer: NodeJS.Timeout | undefined;
  let wakesAt = Number.POSITIVE_INFINITY;
  let looking: Promise<void> | undefined;
  /** Whether something may have become due since the look that is under way began. */
  let isAsked = false;

  /** In ms of `performance.now()`. */
  function wakeAt(at: number) {
    if (isClosed || at >= wakesAt) return;
    wakesAt = at;
    clearTimeout(timer);
    const inMs = Math.min(Math.ceil(at - performance.now()), lookAroundMs);
    timer = setTimeout(wake, Math.max(1, inMs)).unref();
  }

  function wake() {
    // Also while it looks: the timer may have gone off before its moment, and others are set for earlier ones alone.
    clearTimeout(timer);
    wakesAt = Number.POSITIVE_INFINITY;
    isAsked = looking !== undefined;
    if (isAsked) return;
    looking = look().finally(() => {
      looking = undefined;
      if (isAsked && !isClosed) wake();
    });
  }

  async function look() {
    let nextMs = askAgainMs;
    try {
      await seeToWhatIsDue();
      nextMs = isClosed ? 0 : pauseBefore(await findNextMoment(db, { timeoutMs }));
    } catch (error) {
      // Nothing is lost, and others tell of a database that is away.
      log.debug({ reason: (error as Error).name }, 'what is due could not be looked for');
    }
    wakeAt(performance.now() + nextMs);
  }

  /** Until nothing more is to be had. */
  async function seeToWhatIsDue() {
    while (!isClosed) {
      const due = await takeUpDueEvents(db, { limit: mostReleased, now: new Date(), timeoutMs });
      if (due.length > 0) await release(due);
      const ended = await endExpired(db, mostEnded, { timeoutMs });
      if (ended > 0) onExpired(ended);
      if (due.length === 0 && ended === 0) return;
      await othersTurn();
    }
  }

  async function release(due: readonly DueEvent[]) {
    const startedAt = performance.now();
    while (isBehind() && performance.now() < startedAt + mostHeldBackMs) await delay(lookAgainMs);
    let left = await accept(due, startedAt);
    for (const pauseMs of inHandMs) {
      if (left.length === 0 || isClosed) return;
      await delay(pauseMs);
      left = await accept(left, startedAt);
    }
  }

  /** Answers what was left out: it is in somebody's hand, or was changed, cancelled or released by others. */
  async function accept(due: readonly DueEvent[], startedAt: number): Promise<DueEvent[]> {
    for (;;) {
      try {
        const acceptances = await intake.acceptAll(due);
        const isAccepted = (_: DueEvent, index: number) => acceptances[index]?.outcome === 'accepted';
        for (const { deliver_at } of due.filter(isAccepted)) onReleased(Date.now() - deliver_at.getTime());
        return due.filter((event, index) => !isAccepted(event, index));
      } catch (error) {
        const isOver = isClosed || performance.now() > startedAt + mostPatienceMs;
        if (error instanceof IntakeFull && !isOver) {
          await delay(lookAgainMs);
          continue;
        }
        // So that one that the database refuses does not keep back the others.
        if (error instanceof DatabaseRejected && due.length > 1 && !isClosed) {
          const left: DueEvent[] = [];
          for (const one of due) left.push(...(await accept([one], startedAt)));
          return left;
        }
        // They are taken up again in some seconds, if they were not released after all.
        log.warn(
          { events: due.length, reason: (error as Error).name },
          'scheduled events were not released: soon again',
        );
        return [];
      }
    }
  }

  wakeAt(performance.now());

  return {
    lookAt: (time) => wakeAt(performance.now() + time.getTime() - Date.now()),

    async close() {
      isClosed = true;
      clearTimeout(timer);
      await looking;
    },
  };
}

/** How long to wait for what is due in so many ms. */
function pauseBefore(inMs: number | null): number {
  if (inMs === null) return lookAroundEveryMs;
  if (inMs > 0) return Math.min(lookAroundEveryMs, inMs + 1);
  // It has just become due, or nobody could have it.
  return inMs > -askAgainMs ? lookAgainMs : askAgainMs;
}
