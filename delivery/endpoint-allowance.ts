import { type LimitDemand, type LimitGrant, shareLeaseMs, turnsAheadMs } from '../db/endpoint-limits.ts';
import type { EndpointLimits } from '../webhook/endpoint-limits.ts';

/** What is asked for an endpoint, and given; whose it is, is known elsewhere. */
export type Demand = Omit<LimitDemand, 'webhook_id'>;
export type Grant = Omit<LimitGrant, 'webhook_id' | 'has_waiting'>;

/**
 * What this process has of an endpoint's limits: turns, each with its time, and a share of the requests under way. It asks for
 * more (`demand`, `asked`, then `granted` or `failed`) when less is left than wait, and not often. All times are in ms by
 * one clock of the process, which may go on while the process stands still.
 */
export interface EndpointAllowance {
  setLimits(limits: EndpointLimits): void;
  /** Notes that one more request waits. */
  arrived(): void;
  /** Whether a request may begin now; then it has. */
  enter(now: number): boolean;
  /** A request that began has ended. */
  leave(): void;
  /** One begins whatever the limits say: it takes a turn if there is one, and counts as under way until it leaves. */
  force(now: number): void;
  /** What to ask for while so many wait; null when there is nothing to ask, or not yet. */
  demand(now: number, waiting: number): Demand | null;
  /** A demand is on its way. */
  asked(now: number, demand: Demand): void;
  granted(grant: Grant, receivedAt: number): void;
  /** The demand came to nothing. */
  failed(now: number): void;
  /** When to look again, of its own accord: a turn comes, or there is something to ask; infinite when never. */
  lookAgainAt(now: number, waiting: number): number;
  /** Before then there is no further turn for anyone. */
  nextTurnAt(now: number): number;
  /** How many requests may be under way here; infinitely many where that is not limited. */
  share(now: number): number;
  /** Nothing is under way, and nothing is held. */
  isIdle(): boolean;
}

/**
 * So long after its time, in ms, a turn is still taken: what a process that was held up catches up on. With those that come on
 * time it adds 3 % to 10 s at most.
 */
export const usableForMs = 300;
/** Between two questions, in ms. */
export const askEveryMs = 150;
/** A share is renewed after so long, and others' is looked for again after so long, in ms. */
const renewEveryMs = 1_000;
const lookForShareEveryMs = 250;
const giveBackAfterMs = 50;
const tryAgainAfterMs = 500;
/** Before a share ends in the database, it has ended here. */
const leaseMarginMs = 500;

/** Turns that follow each other: from `at` on, `every` so many ms, each to be taken before `at + usable`. */
interface Turns {
  at: number;
  every: number;
  left: number;
  usable: number;
}

/** `random` (0 to 1) lets processes ask at different times, so that none of them always comes first. */
export function createEndpointAllowance(
  initial: EndpointLimits,
  random: () => number = Math.random,
): EndpointAllowance {
  let limits = initial;
  let turns: Turns[] = [];
  let turnsFrom = Number.NEGATIVE_INFINITY;
  let inUse = 0;
  let share = 0;
  let held = 0;
  let othersWait = false;
  let heldUntil = Number.NEGATIVE_INFINITY;
  let question: { at: number; demand: Demand } | undefined;
  let askedAt = Number.NEGATIVE_INFINITY;
  let pauseMs = askEveryMs;
  /** Turns that were taken without being there. */
  let owed = 0;
  let arrivals = 0;
  let passes = 0;
  let peak = 0;

  function dropLateTurns(now: number) {
    for (let first = turns[0]; first !== undefined; first = turns[0]) {
      const late = Math.ceil((now - first.at - first.usable) / first.every);
      if (late <= 0) return;
      first.left -= late;
      first.at += late * first.every;
      if (first.left > 0) return;
      turns.shift();
    }
  }

  function turnsLeft(now: number): number {
    dropLateTurns(now);
    return turns.reduce((sum, { left }) => sum + left, 0);
  }

  function takeTurn() {
    const [first] = turns;
    if (first === undefined) {
      owed += 1;
      return;
    }
    first.left -= 1;
    first.at += first.every;
    if (first.left === 0) turns.shift();
  }

  const freeShare = (now: number) => (now < heldUntil ? share - inUse : 0);
  const hasShare = (now: number) => limits.max_in_flight === null || freeShare(now) > 0;

  function hasTurn(now: number): boolean {
    if (limits.rate_limit === null) return true;
    dropLateTurns(now);
    const [first] = turns;
    return first !== undefined && first.at <= now;
  }

  function turnsWanted(now: number, waiting: number): number {
    if (limits.rate_limit === null) return 0;
    // Turns of those that cannot begin for want of a share would be lost.
    const most = limits.max_in_flight === null ? waiting : Math.max(0, freeShare(now)) + 2 * passes + 1;
    return Math.max(0, Math.min(waiting, most) + owed - turnsLeft(now));
  }

  /** When there is something to ask while so many wait. */
  function askAt(now: number, waiting: number): number {
    if (question !== undefined) return Number.POSITIVE_INFINITY;
    const due: number[] = [];
    if (turnsWanted(now, waiting) > 0) due.push(Math.max(askedAt + pauseMs, turnsFrom));
    if (limits.max_in_flight !== null) {
      const isShort = inUse + waiting > (now < heldUntil ? share : 0) && share < limits.max_in_flight;
      if (isShort && waiting > 0) due.push(askedAt + (held > 0 ? lookForShareEveryMs : pauseMs));
      if (share < held && inUse < held) due.push(askedAt + giveBackAfterMs);
      if (othersWait && inUse + waiting < share) due.push(askedAt + askEveryMs);
    }
    if (held > 0) due.push(askedAt + renewEveryMs);
    return Math.min(Number.POSITIVE_INFINITY, ...due);
  }

  const noteUse = (waiting: number) => {
    peak = Math.max(peak, inUse + waiting);
  };

  return {
    setLimits(next) {
      if (next.rate_limit !== limits.rate_limit) {
        turns = [];
        owed = 0;
        turnsFrom = Number.NEGATIVE_INFINITY;
      }
      limits = next;
    },

    arrived() {
      arrivals += 1;
    },

    enter(now) {
      if (!hasShare(now) || !hasTurn(now)) return false;
      if (limits.rate_limit !== null) takeTurn();
      inUse += 1;
      passes += 1;
      noteUse(0);
      return true;
    },

    leave() {
      inUse -= 1;
    },

    force(now) {
      dropLateTurns(now);
      if (limits.rate_limit !== null) takeTurn();
      inUse += 1;
    },

    demand(now, waiting) {
      noteUse(waiting);
      if (askAt(now, waiting) > now) return null;
      const most = limits.max_in_flight;
      return {
        ...limits,
        turns: turnsWanted(now, waiting),
        ahead: limits.rate_limit === null ? 0 : arrivals,
        keep: most === null ? 0 : Math.max(inUse, now < heldUntil && peak > 0 ? share : 0),
        wanted: most === null ? 0 : Math.min(most, peak),
      };
    },

    asked(now, demand) {
      question = { at: now, demand };
      askedAt = now;
      // Until the answer it begins no more than it has said.
      share = Math.min(share, demand.keep);
      arrivals = 0;
      passes = 0;
      peak = inUse;
    },

    granted(grant, receivedAt) {
      if (question === undefined) return;
      const { at: sentAt, demand } = question;
      question = undefined;
      if (grant.turns > 0 && demand.rate_limit === limits.rate_limit) {
        // It was given at some moment since the question: not before its time is it taken, nor too late after it.
        const at = receivedAt + grant.first_ms;
        const usable = usableForMs - (receivedAt - sentAt);
        turns.push({ at, every: grant.every_ms, left: grant.turns, usable });
        for (; owed > 0 && turns.length > 0; owed -= 1) takeTurn();
      }
      turnsFrom = receivedAt + grant.more_ms;
      // Whoever has to give back lets the others ask first.
      const hasYielded = grant.held === 0 && held > 0;
      pauseMs = (hasYielded ? 2 * lookForShareEveryMs : askEveryMs) * (0.75 + random() / 2);
      held = grant.held;
      share = grant.share;
      othersWait = grant.others_wait;
      heldUntil = sentAt + shareLeaseMs - leaseMarginMs;
    },

    failed(now) {
      question = undefined;
      askedAt = now - askEveryMs + tryAgainAfterMs;
    },

    lookAgainAt(now, waiting) {
      const [first] = turns;
      const turnAt = waiting > 0 && first !== undefined && hasShare(now) ? Math.max(first.at, now) : Infinity;
      return Math.min(turnAt, askAt(now, waiting));
    },

    nextTurnAt(now) {
      if (limits.rate_limit === null) return now;
      dropLateTurns(now);
      return turns[0]?.at ?? (turnsFrom > now ? turnsFrom + turnsAheadMs : now);
    },

    share: (now) => {
      if (limits.max_in_flight === null) return Number.POSITIVE_INFINITY;
      return now < heldUntil ? share : 0;
    },

    isIdle: () => inUse === 0 && held === 0 && question === undefined,
  };
}
