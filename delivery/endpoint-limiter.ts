import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import type { LoadedDelivery, LoadedWebhook } from '../db/due-deliveries.ts';
import type { WebhookId } from '../db/ids.ts';
import { isLimited } from '../webhook/endpoint-limits.ts';
import { createEndpointAllowance } from './endpoint-allowance.ts';
import type { EndpointSlots, Release } from './endpoint-slots.ts';
import { type Asking, createLimitAsker } from './limit-asker.ts';

/** A webhook as far as its limits matter. */
export type LimitedWebhook = Pick<LoadedWebhook, 'id' | 'rate_limit' | 'max_in_flight'>;

/** Whether an attempt of a delivery's schedule waits for limits: a test event goes out whatever they are. */
export function keepsLimits({ webhook, event }: LoadedDelivery): boolean {
  return isLimited(webhook) && !event.is_test;
}

/**
 * Keeps, with all other processes, the limits of webhooks that have any: how many requests a second their endpoints get, and
 * how many are under way. Nothing of this concerns other webhooks.
 */
export interface EndpointLimiter {
  /**
   * A turn for an attempt, and a slot of the endpoint's; null when it does not come within `patienceMs`, or is not going to. One
   * that `isNew` gets none while others wait in the database, which were there before it.
   */
  take(webhook: LimitedWebhook, options: { patienceMs: number; isNew: boolean }): Promise<Release | null>;
  /** Counts an attempt that waits for no limit. */
  count(webhook: LimitedWebhook): Release;
  /** Whether a new attempt had better wait in the database. */
  isBusy(webhook: LimitedWebhook): boolean;
  /** How many that wait in the database had better wait here, so that no turn is lost. */
  room(webhook: LimitedWebhook): number;
  /** Resolves when there may be more room. */
  roomChanges(webhook: LimitedWebhook): Promise<void>;
  /** Notes that others wait in the database; for how long, in ms, that is sure. */
  noteWaiting(webhook: LimitedWebhook, forMs: number): void;
  /** So long, in ms, the endpoint takes for one attempt, all processes together, as far as that is known. */
  everyMs(webhook: LimitedWebhook): number;
  /** Sends away all who wait, and whoever comes: the process stops. */
  sendAway(): void;
  /** Gives back what is held, once no attempt is under way. */
  close(): Promise<void>;
}

/** So many wait here at once for one endpoint: what can go out within a second, and is little to hold in memory. */
const mostWaiting = 256;
/** Kept in a line here for so long, in ms, so that none of the endpoint's turns is lost between two looks at the database. */
const lineMs = 400;
const mostInLine = 128;
/** What an answer says of others that wait is taken for true so long, in ms. */
const waitingKnownMs = 300;
/** Soon after its last use nothing is known of an endpoint any more. */
const forgetAfterMs = 2_000;
const slotPauseMs = 50;
const roomPauseMs = 100;
/** How long an attempt takes, in ms, until that is known. */
const usualAttemptMs = 200;

interface Waiter {
  until: number;
  resolve: (release: Release | null) => void;
}

interface Lane extends Asking {
  webhook: LimitedWebhook;
  line: Waiter[];
  timer: NodeJS.Timeout | undefined;
  usedAt: number;
  /** Until then others are known to wait in the database. */
  waitingUntil: number;
  attemptMs: number;
  onRoom: (() => void)[];
}

export function createEndpointLimiter({
  db,
  slots,
  log,
}: {
  db: Database;
  slots: Pick<EndpointSlots, 'tryTake'>;
  log: Logger;
}): EndpointLimiter {
  const lanes = new Map<WebhookId, Lane>();
  let isSentAway = false;
  let isClosed = false;
  const asker = createLimitAsker<Lane>({
    db,
    process: randomUUID().slice(0, 8),
    log,
    onAnswer(lane, grant) {
      if (grant !== undefined) lane.waitingUntil = grant.has_waiting ? performance.now() + waitingKnownMs : 0;
      look(lane);
    },
  });

  function laneOf(webhook: LimitedWebhook): Lane {
    const known = lanes.get(webhook.id);
    const now = performance.now();
    if (known !== undefined) {
      known.usedAt = now;
      known.allowance.setLimits(webhook);
      known.webhook = webhook;
      return known;
    }
    const lane: Lane = {
      ...{ id: webhook.id, webhook, line: [], timer: undefined, usedAt: now, waitingUntil: 0 },
      ...{ attemptMs: usualAttemptMs, onRoom: [] },
      allowance: createEndpointAllowance(webhook),
      waiting: () => lane.line.length,
    };
    lanes.set(webhook.id, lane);
    return lane;
  }

  function look(lane: Lane) {
    const now = performance.now();
    const isHeldUp = letIn(lane, now);
    const late = lane.line.filter(({ until }) => until <= now);
    if (late.length > 0) {
      lane.line = lane.line.filter(({ until }) => until > now);
      for (const { resolve } of late) resolve(null);
    }
    if (lane.line.length < inLine(lane, now) / 2) for (const resolve of lane.onRoom.splice(0)) resolve();
    const isAsked = asker.askFor(lane);
    lookLater(lane, isHeldUp ? now + slotPauseMs : isAsked ? Infinity : undefined);
  }

  /** Answers whether the endpoint had no slot for one whose turn it is. */
  function letIn(lane: Lane, now: number): boolean {
    while (lane.line.length > 0) {
      const slot = slots.tryTake(lane.id);
      if (slot === null) return true;
      if (!lane.allowance.enter(now)) {
        slot('unused');
        return false;
      }
      lane.line.shift()?.resolve(releaseOf(lane, slot));
    }
    return false;
  }

  function releaseOf(lane: Lane, slot: Release): Release {
    const startedAt = performance.now();
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      slot();
      const now = performance.now();
      lane.attemptMs += (now - startedAt - lane.attemptMs) / 10;
      lane.usedAt = now;
      lane.allowance.leave();
      look(lane);
    };
  }

  function lookLater(lane: Lane, next?: number) {
    clearTimeout(lane.timer);
    lane.timer = undefined;
    const now = performance.now();
    const isUnused = lane.line.length === 0 && lane.allowance.isIdle();
    if (isUnused && now >= Math.max(lane.usedAt + forgetAfterMs, lane.waitingUntil)) {
      lanes.delete(lane.id);
      return;
    }
    if (isClosed) return;
    const at = next ?? lane.allowance.lookAgainAt(now, lane.line.length);
    const ends = lane.line.map(({ until }) => until);
    lane.timer = setTimeout(
      look,
      Math.max(1, Math.min(at, now + forgetAfterMs, ...ends) - now),
      lane,
    ).unref();
  }

  /** How many wait here at most: new ones, */
  function mostNew({ webhook: { rate_limit, max_in_flight } }: Lane): number {
    return Math.min(
      mostWaiting,
      rate_limit === null ? mostWaiting : Math.max(2, rate_limit),
      max_in_flight === null ? mostWaiting : Math.max(16, 4 * max_in_flight),
    );
  }

  /** and of those that wait in the database, until they are too few. */
  function inLine({ webhook: { rate_limit, max_in_flight }, allowance }: Lane, now: number): number {
    if (allowance.nextTurnAt(now) > now + lineMs) return 0;
    return Math.min(
      mostInLine,
      rate_limit === null ? mostInLine : Math.ceil((rate_limit * lineMs) / 1_000),
      max_in_flight === null ? mostInLine : 2 * allowance.share(now) + 1,
    );
  }

  function isHopeless(lane: Lane, now: number, patienceMs: number): boolean {
    const { rate_limit } = lane.webhook;
    if (lane.line.length >= mostNew(lane)) return true;
    const aheadMs = rate_limit === null ? 0 : (lane.line.length * 1_000) / rate_limit;
    return lane.allowance.nextTurnAt(now) + aheadMs > now + patienceMs;
  }

  return {
    take(webhook, { patienceMs, isNew }) {
      if (isSentAway) return Promise.resolve(null);
      const lane = laneOf(webhook);
      const now = performance.now();
      if (isNew && (lane.waitingUntil > now || isHopeless(lane, now, patienceMs))) {
        lookLater(lane);
        return Promise.resolve(null);
      }
      lane.allowance.arrived();
      return new Promise((resolve) => {
        lane.line.push({ until: now + patienceMs, resolve });
        look(lane);
      });
    },

    count(webhook) {
      const lane = laneOf(webhook);
      lane.allowance.force(performance.now());
      return releaseOf(lane, () => {});
    },

    isBusy(webhook) {
      const lane = lanes.get(webhook.id);
      if (lane === undefined) return false;
      const now = performance.now();
      return lane.waitingUntil > now || lane.line.length >= mostNew(lane);
    },

    room(webhook) {
      const lane = laneOf(webhook);
      return Math.max(0, inLine(lane, performance.now()) - lane.line.length);
    },

    async roomChanges(webhook) {
      const lane = laneOf(webhook);
      await new Promise<void>((resolve) => {
        lane.onRoom.push(resolve);
        setTimeout(resolve, roomPauseMs).unref();
      });
    },

    noteWaiting(webhook, forMs) {
      const lane = laneOf(webhook);
      lane.waitingUntil = performance.now() + forMs;
      if (lane.timer === undefined) lookLater(lane);
    },

    everyMs(webhook) {
      const { rate_limit, max_in_flight } = webhook;
      const attemptMs = lanes.get(webhook.id)?.attemptMs ?? usualAttemptMs;
      return Math.max(
        rate_limit === null ? 0 : 1_000 / rate_limit,
        max_in_flight === null ? 0 : attemptMs / max_in_flight,
      );
    },

    sendAway() {
      isSentAway = true;
      for (const lane of lanes.values()) {
        for (const { resolve } of lane.line.splice(0)) resolve(null);
        for (const resolve of lane.onRoom.splice(0)) resolve();
      }
    },

    async close() {
      isClosed = true;
      for (const lane of lanes.values()) clearTimeout(lane.timer);
      await asker.close([...lanes.values()].filter(({ webhook }) => webhook.max_in_flight !== null));
    },
  };
}
