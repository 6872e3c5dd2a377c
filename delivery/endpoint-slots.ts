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
  /** A slot in its turn; null when the endpoint turns out to be slow, so that its share is held for longer. */
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

interface Endpoint {
  /** When each attempt under way began, oldest first. */
  begun: Set<{ at: number }>;
  waiting: ((slot: Release | null) => void)[];
}

export function createEndpointSlots(now: () => number = () => performance.now()): EndpointSlots {
  const endpoints = new Map<WebhookId, Endpoint>();
  /** Until when others are known to wait in the database. */
  const waitingUntil = new Map<WebhookId, number>();
  /** Until when it is remembered that the last attempt took long. */
  const longUntil = new Map<WebhookId, number>();
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
      if (slot.at <= now() - slowMs) longUntil.set(webhook, now() + rememberMs);
      else longUntil.delete(webhook);
      giveOn(webhook, endpoint);
    };
  }

  function giveOn(webhook: WebhookId, endpoint: Endpoint) {
    while (endpoint.waiting.length > 0 && endpoint.begun.size < mostAtOnce && !isSlow(endpoint)) {
      endpoint.waiting.shift()?.(takeFrom(webhook, endpoint));
    }
    if (endpoint.begun.size === 0 && endpoint.waiting.length === 0) endpoints.delete(webhook);
  }

  function tryTake(webhook: WebhookId): Release | null {
    const endpoint = endpoints.get(webhook) ?? { begun: new Set(), waiting: [] };
    if (endpoint.waiting.length > 0 || endpoint.begun.size >= mostAtOnce || isSlow(endpoint)) return null;
    endpoints.set(webhook, endpoint);
    return takeFrom(webhook, endpoint);
  }

  return {
    tryTake,

    take(webhook) {
      const slot = tryTake(webhook);
      const endpoint = endpoints.get(webhook);
      if (slot !== null || endpoint === undefined || isSlow(endpoint)) return Promise.resolve(slot);
      return new Promise((resolve) => endpoint.waiting.push(resolve));
    },

    room(webhook) {
      const endpoint = endpoints.get(webhook);
      if (endpoint === undefined) return mostAtOnce;
      return isSlow(endpoint) ? 0 : Math.max(0, mostAtOnce - endpoint.begun.size - endpoint.waiting.length);
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
      return (longUntil.get(webhook) ?? 0) > now();
    },

    slowInAll: () => slowInAll,

    sendAway(who) {
      for (const [webhook, until] of longUntil) if (until <= now()) longUntil.delete(webhook);
      slowInAll = 0;
      for (const endpoint of endpoints.values()) slowInAll += slowOf(endpoint, mostAtOnce);
      for (const endpoint of endpoints.values()) {
        if (endpoint.waiting.length === 0 || (who === 'slow' && !isSlow(endpoint))) continue;
        for (const resolve of endpoint.waiting.splice(0)) resolve(null);
      }
    },
  };
}
