import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import type { LoadedDelivery } from '../db/due-deliveries.ts';
import { leaveHeadStarts, renewHeadStarts } from '../db/head-starts.ts';
import type { DeliveryId, WebhookId } from '../db/ids.ts';
import { isLimited, waitingReason } from '../webhook/endpoint-limits.ts';
import type { Attempter, AttemptOutcome } from './attempter.ts';
import { type EndpointLimiter, keepsLimits, type LimitedWebhook } from './endpoint-limiter.ts';
import type { EndpointSlots, Release } from './endpoint-slots.ts';
import { createEventLoopLoad } from './event-loop-load.ts';
import { createInHand } from './in-hand.ts';
import type { PuttingOff } from './putting-off.ts';

/** A delivery that waits in the database for its turn at its endpoint. */
export interface WaitsForTurn {
  status: 'waits';
  /** When its workflow should look after it, in ms of `performance.now()`. */
  due_at: number;
  reason: string;
}

/** What became of an attempt; `left` when it was not made here and is left to the workflow. */
export type HeadStartOutcome = AttemptOutcome | WaitsForTurn | 'left';

/** An attempt that this process makes, or has just made. */
export interface UnderWay {
  webhook_id: WebhookId;
  /** Rejects with faults of our own. */
  outcome: Promise<HeadStartOutcome>;
}

/** The first attempts of a workflow's deliveries. */
export interface WorkflowHeadStart {
  byDelivery: ReadonlyMap<DeliveryId, UnderWay>;
  /** Whether these are all of its deliveries; if not, the database knows the others. */
  isWhole: boolean;
}

/** An attempt that is going to be made. */
export interface Reservation {
  begin(delivery: LoadedDelivery): UnderWay;
  /** If it has not begun, it is not going to be. */
  giveBack(): void;
}

/**
 * Attempts of deliveries of which the database says that this process makes them: first attempts, made at once by the process
 * that stored the deliveries, from what it holds in memory, and those that workflows ask for.
 */
export interface HeadStarts {
  /** Takes an attempt on; null beyond the bounds: then it waits in the database. */
  reserve(webhook: LimitedWebhook, bytes: number): Reservation | null;
  /** Notes a first attempt that has begun, for the workflow that will own the delivery. */
  note(workflowId: string, delivery: DeliveryId, underWay: UnderWay): void;
  /**
   * Makes the next attempt of a delivery that was taken up here (db/waiting-deliveries.ts); undefined beyond the bounds.
   */
  takeUp(delivery: LoadedDelivery): Promise<HeadStartOutcome> | undefined;
  /** Notes that the workflow has, or may have, deliveries that have no head start here. */
  noteOthers(workflowId: string): void;
  /** Hands what is known of a workflow to that workflow, and forgets it. */
  take(workflowId: string): WorkflowHeadStart | undefined;
  /** The delivery's attempt, while it is under way or waits to be. */
  find(delivery: DeliveryId): UnderWay | undefined;
  /** Whether this process has more to do than it can: more events now would only wait longer. */
  isBehind(): boolean;
  /** Whether `close` was called. */
  isClosed(): boolean;
  /** Takes no more on, leaves what waits to the workflows, and resolves once no attempt is under way. */
  close(): Promise<void>;
}

/** Attempts that wait or are under way: in all, at one endpoint, and the bytes of their events. */
const mostAtOnce = 5_000;
const mostAtEndpoint = 2_000;
const mostBytes = 64 * 1024 * 1024;
/** Of these, so many wait for their endpoints' limits, so that they leave room for others. */
const mostWaitingForLimits = 1_000;
/** So many wait, and the process had nothing else to wait for of late: then it is behind. */
const manyAtOnce = 400;
/** How long one waits here for its endpoint's limits, in ms: a new one, and one that has waited in the database. */
const patienceMs = { new: 1_500, takenUp: 10_000 };
/** How often the database is told that attempts are still under way, in ms. */
const renewEveryMs = 1_000;
const renewTimeoutMs = 3_000;
/** A workflow that has not asked for so long, in ms, runs elsewhere, or will ask the database. */
const rememberMs = 30_000;
const mostRemembered = 10_000;

interface Remembered {
  byDelivery: Map<DeliveryId, UnderWay>;
  isWhole: boolean;
  since: number;
}

/** `hasWorker`: whether the workflows may run in this process, which then are told what it knows. */
export function createHeadStarts({
  db,
  attempter,
  slots,
  limiter,
  puttingOff,
  hasWorker,
  log,
}: {
  db: Database;
  attempter: Pick<Attempter, 'attempt'>;
  slots: EndpointSlots;
  limiter: Pick<EndpointLimiter, 'take' | 'isBusy' | 'sendAway'>;
  puttingOff: PuttingOff;
  hasWorker: boolean;
  log: Logger;
}): HeadStarts {
  const load = createEventLoopLoad();
  const underWay = createInHand<DeliveryId, UnderWay & { id: DeliveryId; since: number }>();
  const workflows = new Map<string, Remembered>();
  const atEndpoint = new Map<WebhookId, number>();
  let count = 0;
  let waitingForLimits = 0;
  let bytesHeld = 0;
  let isClosed = false;
  let isRenewing = false;
  let timer: NodeJS.Timeout | undefined;
  const left = new Set<DeliveryId>();
  const leaving = new Set<Promise<void>>();

  function reserve(webhook: LimitedWebhook, bytes: number): Reservation | null {
    if (isLimited(webhook) && limiter.isBusy(webhook)) return null;
    const giveBack = takeOn(webhook, bytes);
    if (giveBack === null) return null;
    let isOpen = true;
    return {
      begin(delivery) {
        isOpen = false;
        return begin(delivery, giveBack, { isNew: true });
      },
      giveBack() {
        if (isOpen) giveBack();
        isOpen = false;
      },
    };
  }

  /** Counts one more here, until it is given back; null beyond the bounds. */
  function takeOn(webhook: LimitedWebhook, bytes: number): (() => void) | null {
    const { id } = webhook;
    const here = atEndpoint.get(id) ?? 0;
    const isFull = count >= mostAtOnce || here >= mostAtEndpoint || bytesHeld + bytes > mostBytes;
    if (isClosed || isFull) return null;
    if (waitingForLimits >= mostWaitingForLimits && isLimited(webhook)) return null;
    count += 1;
    bytesHeld += bytes;
    atEndpoint.set(id, here + 1);
    return () => {
      count -= 1;
      bytesHeld -= bytes;
      const left = (atEndpoint.get(id) ?? 1) - 1;
      if (left > 0) atEndpoint.set(id, left);
      else atEndpoint.delete(id);
    };
  }

  function begin(delivery: LoadedDelivery, giveBack: () => void, { isNew }: { isNew: boolean }): UnderWay {
    const outcome = attemptInTurn(delivery, isNew).finally(() => {
      underWay.delete(delivery.id);
      giveBack();
    });
    // Whoever joins it hears of a fault; nobody need join it.
    outcome.catch((error: unknown) => {
      log.warn({ delivery_id: delivery.id, reason: (error as Error).name }, 'an attempt was not made');
    });
    const { id, webhook } = delivery;
    const one = { id, webhook_id: webhook.id, outcome, since: performance.now() };
    underWay.set(id, one);
    watch();
    return one;
  }

  async function attemptInTurn(delivery: LoadedDelivery, isNew: boolean): Promise<HeadStartOutcome> {
    const { webhook } = delivery;
    const release = keepsLimits(delivery)
      ? await limitedTurn(webhook, isNew)
      : await freeTurn(webhook, isNew);
    if (release === null || isClosed) {
      release?.('unused');
      return standAside(delivery, isNew);
    }
    try {
      return await attempter.attempt(delivery, release);
    } finally {
      release();
    }
  }

  /** New ones stand behind those that wait in the database already. */
  async function freeTurn({ id }: LimitedWebhook, isNew: boolean): Promise<Release | null> {
    if (isNew && slots.hasWaiting(id)) return null;
    return slots.take(id);
  }

  function limitedTurn(webhook: LimitedWebhook, isNew: boolean): Promise<Release | null> {
    waitingForLimits += 1;
    const patience = isNew ? patienceMs.new : patienceMs.takenUp;
    return limiter.take(webhook, { isNew, patienceMs: patience }).finally(() => {
      waitingForLimits -= 1;
    });
  }

  /** One that was taken up waits on where it has waited. */
  async function standAside(delivery: LoadedDelivery, isNew: boolean): Promise<HeadStartOutcome> {
    if (isNew && !isClosed) {
      const waitMs = await puttingOff.putOff(delivery, { hasHeadStart: true });
      if (waitMs !== null) {
        const due_at = performance.now() + waitMs;
        return { status: 'waits', due_at, reason: waitingReason(delivery.webhook) };
      }
    }
    leave(delivery.id);
    return 'left';
  }

  function remember(workflowId: string): Remembered {
    const known = workflows.get(workflowId);
    if (known !== undefined) return known;
    const [oldest] = workflows.keys();
    if (workflows.size >= mostRemembered && oldest !== undefined) workflows.delete(oldest);
    const remembered = { byDelivery: new Map(), isWhole: true, since: performance.now() };
    workflows.set(workflowId, remembered);
    watch();
    return remembered;
  }

  /** Tells the database of all that are left in the same moment at once. */
  function leave(id: DeliveryId) {
    left.add(id);
    if (left.size > 1) return;
    const done = nextTurn()
      .then(() => {
        const ids = [...left];
        left.clear();
        return leaveHeadStarts(db, ids, renewTimeoutMs);
      })
      .catch(() => {
        // What cannot be said is noticed after a moment, as when a process has died.
      })
      .finally(() => leaving.delete(done));
    leaving.add(done);
  }

  function watch() {
    timer ??= setInterval(tick, renewEveryMs).unref();
  }

  function tick() {
    slots.sendAway('slow');
    const now = performance.now();
    for (const [workflowId, { since }] of workflows) {
      if (now - since < rememberMs) break;
      workflows.delete(workflowId);
    }
    const isLate = ({ since }: { since: number }) => now - since > renewEveryMs * 0.9;
    const late = underWay
      .values()
      .filter(isLate)
      .map(({ id }) => id);
    if (late.length > 0 && !isRenewing) {
      isRenewing = true;
      renewHeadStarts(db, late, renewTimeoutMs)
        .catch(() => {})
        .finally(() => {
          isRenewing = false;
        });
    }
    if (underWay.size === 0 && workflows.size === 0) {
      clearInterval(timer);
      timer = undefined;
    }
  }

  return {
    reserve,
    isBehind: () => count - waitingForLimits - slots.slowInAll() > manyAtOnce && load.isBusy(),
    takeUp(delivery) {
      const giveBack = takeOn(delivery.webhook, delivery.event.data.length);
      return giveBack === null ? undefined : begin(delivery, giveBack, { isNew: false }).outcome;
    },
    note(workflowId, delivery, one) {
      if (hasWorker) remember(workflowId).byDelivery.set(delivery, one);
    },
    noteOthers(workflowId) {
      if (hasWorker) remember(workflowId).isWhole = false;
    },
    take(workflowId) {
      const known = workflows.get(workflowId);
      workflows.delete(workflowId);
      return known;
    },
    find: (delivery) => underWay.get(delivery),
    isClosed: () => isClosed,

    async close() {
      isClosed = true;
      slots.sendAway('all');
      limiter.sendAway();
      await Promise.allSettled(underWay.values().map(({ outcome }) => outcome));
      await Promise.all(leaving);
      clearInterval(timer);
    },
  };
}
