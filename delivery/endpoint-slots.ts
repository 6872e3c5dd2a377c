import type { WebhookId } from '../db/ids.ts';

/** Gives back a slot. */
export type Release = () => void;

/**
 * Bounds how many attempts are under way at each endpoint, so that one that hangs or is slow holds its own share of
 * connections, memory and worker slots, and leaves the others theirs.
 */
export interface EndpointSlots {
  /** A slot for an attempt; null while the endpoint has its share. */
  tryTake(webhook: WebhookId): Release | null;
  /**
   * A slot in its turn; null when the endpoint turns out to be slow, so that its share is held for longer, or when
   * `timeoutMs` are over, where it is given.
   */
  take(webhook: WebhookId, timeoutMs?: number): Promise<Release | null>;
  /** Whether so many attempts take so long that there are no slots for now. */
  isSlow(webhook: WebhookId): boolean;
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

interface Endpoint {
  /** When each attempt under way began, oldest first. */
  begun: Set<{ at: number }>;
  waiting: ((slot: Release | null) => void)[];
}

export function createEndpointSlots(now: () => number = () => performance.now()): EndpointSlots {
  const endpoints = new Map<WebhookId, Endpoint>();
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
    return () => {
      if (!isHeld) return;
      isHeld = false;
      endpoint.begun.delete(slot);
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

    take(webhook, timeoutMs) {
      const slot = tryTake(webhook);
      const endpoint = endpoints.get(webhook);
      if (slot !== null || endpoint === undefined || isSlow(endpoint)) return Promise.resolve(slot);
      return new Promise((resolve) => {
        if (timeoutMs === undefined) return endpoint.waiting.push(resolve);
        const turn = (slot: Release | null) => {
          clearTimeout(timer);
          resolve(slot);
        };
        const timer = setTimeout(() => {
          endpoint.waiting = endpoint.waiting.filter((one) => one !== turn);
          resolve(null);
        }, timeoutMs);
        return endpoint.waiting.push(turn);
      });
    },

    isSlow(webhook) {
      const endpoint = endpoints.get(webhook);
      return endpoint !== undefined && isSlow(endpoint);
    },

    sendAway(who) {
      slowInAll = 0;
      for (const endpoint of endpoints.values()) slowInAll += slowOf(endpoint, mostAtOnce);
      for (const endpoint of endpoints.values()) {
        if (endpoint.waiting.length === 0 || (who === 'slow' && !isSlow(endpoint))) continue;
        for (const resolve of endpoint.waiting.splice(0)) resolve(null);
      }
    },
  };
}
