import { setTimeout as delay } from 'node:timers/promises';
import type { WebhookId } from '../db/ids.ts';

/** Gives back a slot; one that was `unused`, for which no attempt was made, tells nothing of its endpoint. */
export type Release = (how?: 'unused') => void;

/**
 * Bounds how many attempts are under way at each endpoint, so that one that hangs or is slow holds its own share of
 * connections, memory and worker slots, and leaves the others theirs.
 */
export interface EndpointSlots {
  /** A slot for an attempt; null while the endpoint has its share. */
  tryTake(webhook: WebhookId): Release | null;
  /**
   * A slot in its turn; null when the endpoint turns out to be slow, so that its share is held for longer. Where many attempts take long, it comes somewhat later
   * than it is free: those that begin together end together, a timeout later, and keep the process from all others for that moment.
   */
  take(webhook: WebhookId): Promise<Release | null>;
  /** So many slots are free. */
  room(webhook: WebhookId): number;
  /** Notes that others wait in the database for this endpoint; for how long, in ms, that is sure. */
  noteWaiting(webhook: WebhookId, forMs: number): void;
  hasWaiting(webhook: WebhookId): boolean;
  /** So long, in ms, an endpoint that is slow takes for one attempt, many together, at a guess. */
  everyMs: number;
  /** Whether so many attempts take so long that there are no slots for now. */
  isSlow(webhook: WebhookId): boolean;
  /** Whether an attempt that is under way takes long, or the last one did, not long ago. */
  takesLong(webhook: WebhookId): boolean;
  /** How many attempts take long, at all endpoints together, of late. */
  slowInAll(): number;
  /** Sends away those who wait for endpoints that turned out to be slow, or `all` who wait. Called every second or so. */
  sendAway(who: 'slow' | 'all'): void;
}

/** Attempts that take no longer than `slowMs`; these come and go. */
const mostAtOnce = 64;
/** Attempts that have taken longer: of one endpoint, and of one when all endpoints together have `mostSlowInAll`. */
const mostSlow = 16;
const mostSlowWhenMany = 2;
const mostSlowInAll = 1_000;
const slowMs = 1_000;
/** An endpoint whose last attempt took longer is remembered for so long, in ms. */
const rememberMs = 60_000;
/** Sixteen at a time that take four seconds each. */
const everyMs = 250;
/** Where more than so many are under way and the last took long, the next begin within a part of that time, and within so many ms. */
const spread = { above: 8, part: 1 / 5, mostMs: 2_000 };

interface Endpoint {
  /** When each attempt under way began, oldest first. */
  begun: Set<{ at: number }>;
  /** So many have a slot, and begin in a moment. */
  coming: number;
  waiting: ((slot: Release | null) => void)[];
}

export function createEndpointSlots({
  now = () => performance.now(),
  wait = (ms) => delay(ms),
  random = Math.random,
}: {
  now?: () => number;
  wait?: (ms: number) => Promise<unknown>;
  /** Between 0 and 1, as `Math.random`. */
  random?: () => number;
} = {}): EndpointSlots {
  const endpoints = new Map<WebhookId, Endpoint>();
  /** Until when others are known to wait in the database. */
  const waitingUntil = new Map<WebhookId, number>();
  /** How long the last attempt took, in ms, where that was long, and until when it is remembered. */
  const long = new Map<WebhookId, { tookMs: number; until: number }>();
  let slowInAll = 0;

  function slowOf({ begun }: Endpoint, enough: number): number {
    const since = now() - slowMs;
    let slow = 0;
    for (const { at } of begun) {
      if (at > since || slow >= enough) break;
      slow += 1;
    }
    return slow;
  }

  function isSlow(endpoint: Endpoint): boolean {
    const most = slowInAll < mostSlowInAll ? mostSlow : mostSlowWhenMany;
    return slowOf(endpoint, most) >= most;
  }

  function takeFrom(webhook: WebhookId, endpoint: Endpoint): Release {
    const slot = { at: now() };
    endpoint.begun.add(slot);
    let isHeld = true;
    return (how) => {
      if (!isHeld) return;
      isHeld = false;
      endpoint.begun.delete(slot);
      if (how === 'unused') return giveOn(webhook, endpoint);
      const tookMs = now() - slot.at;
      if (tookMs >= slowMs) long.set(webhook, { tookMs, until: now() + rememberMs });
      else long.delete(webhook);
      giveOn(webhook, endpoint);
    };
  }

  function giveOn(webhook: WebhookId, endpoint: Endpoint) {
    while (endpoint.waiting.length > 0 && isFree(endpoint)) {
      endpoint.waiting.shift()?.(takeFrom(webhook, endpoint));
    }
    if (held(endpoint) === 0 && endpoint.waiting.length === 0) endpoints.delete(webhook);
  }

  function held({ begun, coming }: Endpoint): number {
    return begun.size + coming;
  }

  function isFree(endpoint: Endpoint): boolean {
    return held(endpoint) < mostAtOnce && !isSlow(endpoint);
  }

  /** Longer than 0 where it had better not begin at once. */
  function beginsInMs(webhook: WebhookId, endpoint: Endpoint): number {
    const { tookMs = 0 } = long.get(webhook) ?? {};
    return held(endpoint) > spread.above ? random() * Math.min(tookMs * spread.part, spread.mostMs) : 0;
  }

  async function takeIn(webhook: WebhookId, endpoint: Endpoint, ms: number): Promise<Release> {
    endpoint.coming += 1;
    await wait(ms);
    endpoint.coming -= 1;
    return takeFrom(webhook, endpoint);
  }

  /** One that is new here has slots: whoever asks for it takes one. */
  function endpointOf(webhook: WebhookId): Endpoint {
    const endpoint = endpoints.get(webhook) ?? { begun: new Set(), coming: 0, waiting: [] };
    endpoints.set(webhook, endpoint);
    return endpoint;
  }

  return {
    tryTake(webhook) {
      const endpoint = endpointOf(webhook);
      return endpoint.waiting.length === 0 && isFree(endpoint) ? takeFrom(webhook, endpoint) : null;
    },

    take(webhook) {
      const endpoint = endpointOf(webhook);
      if (isSlow(endpoint)) return Promise.resolve(null);
      if (endpoint.waiting.length > 0 || !isFree(endpoint)) {
        return new Promise((resolve) => endpoint.waiting.push(resolve));
      }
      const ms = beginsInMs(webhook, endpoint);
      return ms > 0 ? takeIn(webhook, endpoint, ms) : Promise.resolve(takeFrom(webhook, endpoint));
    },

    room(webhook) {
      const endpoint = endpoints.get(webhook);
      if (endpoint === undefined) return mostAtOnce;
      return isSlow(endpoint) ? 0 : Math.max(0, mostAtOnce - held(endpoint) - endpoint.waiting.length);
    },

    noteWaiting(webhook, forMs) {
      if (forMs === 0) waitingUntil.delete(webhook);
      else waitingUntil.set(webhook, now() + forMs);
    },

    hasWaiting(webhook) {
      const until = waitingUntil.get(webhook);
      if (until === undefined) return false;
      if (until <= now()) waitingUntil.delete(webhook);
      return until > now();
    },

    everyMs,

    isSlow(webhook) {
      const endpoint = endpoints.get(webhook);
      return endpoint !== undefined && isSlow(endpoint);
    },

    takesLong(webhook) {
      const endpoint = endpoints.get(webhook);
      if (endpoint !== undefined && slowOf(endpoint, 1) > 0) return true;
      return (long.get(webhook)?.until ?? 0) > now();
    },

    slowInAll: () => slowInAll,

    sendAway(who) {
      for (const [webhook, { until }] of long) if (until <= now()) long.delete(webhook);
      slowInAll = 0;
      for (const endpoint of endpoints.values()) slowInAll += slowOf(endpoint, mostAtOnce);
      for (const endpoint of endpoints.values()) {
        if (endpoint.waiting.length === 0 || (who === 'slow' && !isSlow(endpoint))) continue;
        for (const resolve of endpoint.waiting.splice(0)) resolve(null);
      }
    },
  };
}
