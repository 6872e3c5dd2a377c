/** Gives back a slot. */
export type Release = () => void;

/** Bounds how many requests are under way to one origin; the others wait their turn, first come first served. */
export interface OriginSlots {
  /** A slot for a request to the origin, or null when none has come free within `timeoutMs`. */
  acquire(origin: string, timeoutMs: number): Promise<Release | null>;
}

interface Origin {
  taken: number;
  waiting: Set<() => void>;
}

/**
 * Slots of `perOrigin` requests to each origin. Requests wait here, and not in the HTTP agent's own queue, since
 * one whose time is up can be taken out of this queue without a connection being made for it.
 */
export function createOriginSlots(perOrigin: number): OriginSlots {
  const origins = new Map<string, Origin>();

  function releaseOf(key: string, origin: Origin): Release {
    return () => {
      const [next] = origin.waiting;
      if (next !== undefined) {
        origin.waiting.delete(next);
        next();
        return;
      }
      origin.taken -= 1;
      if (origin.taken === 0) origins.delete(key);
    };
  }

  return {
    acquire(key, timeoutMs) {
      const origin = origins.get(key) ?? { taken: 0, waiting: new Set() };
      origins.set(key, origin);
      if (origin.taken < perOrigin) {
        origin.taken += 1;
        return Promise.resolve(releaseOf(key, origin));
      }
      return new Promise((resolve) => {
        const turn = () => {
          clearTimeout(timer);
          resolve(releaseOf(key, origin));
        };
        const timer = setTimeout(() => {
          origin.waiting.delete(turn);
          resolve(null);
        }, timeoutMs);
        origin.waiting.add(turn);
      });
    },
  };
}
