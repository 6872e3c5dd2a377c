import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import type { LoadedDelivery } from '../db/due-deliveries.ts';
import { leaveHeadStarts, renewHeadStarts } from '../db/head-starts.ts';
import type { DeliveryId, WebhookId } from '../db/ids.ts';
import type { Attempter, AttemptOutcome } from './attempter.ts';
import type { EndpointSlots } from './endpoint-slots.ts';

/** What became of a first attempt; `left` when it was not made here and is left to the workflow. */
export type HeadStartOutcome = AttemptOutcome | 'left';

/** A first attempt that this process makes, or has just made. */
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

/** A first attempt that is going to be made. */
export interface Reservation {
  begin(delivery: LoadedDelivery): void;
  /** If it has not begun, it is not going to be: the delivery was not stored. */
  giveBack(): void;
}

/** First attempts, made at once by the process that stored the deliveries, from what it holds in memory. */
export interface HeadStarts {
  /** Takes a first attempt on; null beyond the bounds: then its workflow makes it. */
  reserve(webhook: WebhookId, bytes: number): Reservation | null;
  /** Notes that the workflow has, or may have, deliveries that have no head start here. */
  noteOthers(workflowId: string): void;
  /** Hands what is known of a workflow to that workflow, and forgets it. */
  take(workflowId: string): WorkflowHeadStart | undefined;
  /** The delivery's first attempt, while it is under way or waits to be. */
  find(delivery: DeliveryId): UnderWay | undefined;
  /** Whether this process has more to do than it can: more events now would only wait longer. */
  isBehind(): boolean;
  /** Takes no more on, leaves what waits to the workflows, and resolves once no attempt is under way. */
  close(): Promise<void>;
}

/** First attempts that wait or are under way: in all, at one endpoint, and the bytes of their events. */
const mostAtOnce = 5_000;
const mostAtEndpoint = 2_000;
const mostBytes = 64 * 1024 * 1024;
/** So many wait, and the process had nothing else to wait for of late: then it is behind. */
const manyAtOnce = 400;
const busyShare = 0.9;
const measureEveryMs = 200;
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
  hasWorker,
  log,
}: {
  db: Database;
  attempter: Pick<Attempter, 'attempt'>;
  slots: EndpointSlots;
  hasWorker: boolean;
  log: Logger;
}): HeadStarts {
  const underWay = new Map<DeliveryId, UnderWay & { since: number }>();
  const workflows = new Map<string, Remembered>();
  const atEndpoint = new Map<WebhookId, number>();
  let count = 0;
  let bytesHeld = 0;
  let isClosed = false;
  let isRenewing = false;
  let timer: NodeJS.Timeout | undefined;
  const left = new Set<DeliveryId>();
  const leaving = new Set<Promise<void>>();

  function reserve(webhook: WebhookId, bytes: number): Reservation | null {
    const here = atEndpoint.get(webhook) ?? 0;
    const isFull = count >= mostAtOnce || here >= mostAtEndpoint || bytesHeld + bytes > mostBytes;
    if (isClosed || isFull || slots.isSlow(webhook)) return null;
    count += 1;
    bytesHeld += bytes;
    atEndpoint.set(webhook, here + 1);
    let isOpen = true;
    const giveBack = () => {
      count -= 1;
      bytesHeld -= bytes;
      const left = (atEndpoint.get(webhook) ?? 1) - 1;
      if (left > 0) atEndpoint.set(webhook, left);
      else atEndpoint.delete(webhook);
    };
    return {
      begin(delivery) {
        isOpen = false;
        begin(delivery, giveBack);
      },
      giveBack() {
        if (isOpen) giveBack();
        isOpen = false;
      },
    };
  }

  function begin(delivery: LoadedDelivery, giveBack: () => void) {
    const outcome = attemptInTurn(delivery).finally(() => {
      underWay.delete(delivery.id);
      giveBack();
    });
    // Whoever joins it hears of a fault; nobody need join it.
    outcome.catch((error: unknown) => {
      log.warn({ delivery_id: delivery.id, reason: (error as Error).name }, 'a first attempt was not made');
    });
    const one = { webhook_id: delivery.webhook.id, outcome, since: performance.now() };
    underWay.set(delivery.id, one);
    if (hasWorker) remember(delivery.workflow_id).byDelivery.set(delivery.id, one);
    watch();
  }

  async function attemptInTurn(delivery: LoadedDelivery): Promise<HeadStartOutcome> {
    const release = slots.tryTake(delivery.webhook.id) ?? (await slots.take(delivery.webhook.id));
    if (release === null || isClosed) {
      release?.();
      leave(delivery.id);
      return 'left';
    }
    try {
      return await attempter.attempt(delivery);
    } finally {
      release();
    }
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
    const late = [...underWay].filter(([, { since }]) => now - since > renewEveryMs * 0.9).map(([id]) => id);
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

  let measured = performance.eventLoopUtilization();
  let measuredAt = performance.now();
  let share = 0;
  function isBusy(): boolean {
    const now = performance.now();
    if (now - measuredAt >= measureEveryMs) {
      const current = performance.eventLoopUtilization();
      share = performance.eventLoopUtilization(current, measured).utilization;
      measured = current;
      measuredAt = now;
    }
    return share > busyShare;
  }

  return {
    reserve,
    isBehind: () => isBusy() && count > manyAtOnce,
    noteOthers(workflowId) {
      if (hasWorker) remember(workflowId).isWhole = false;
    },
    take(workflowId) {
      const known = workflows.get(workflowId);
      workflows.delete(workflowId);
      return known;
    },
    find: (delivery) => underWay.get(delivery),

    async close() {
      isClosed = true;
      slots.sendAway('all');
      await Promise.allSettled([...underWay.values()].map(({ outcome }) => outcome));
      await Promise.all(leaving);
      clearInterval(timer);
    },
  };
}
