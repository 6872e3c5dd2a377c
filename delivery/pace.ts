import { setTimeout as delay } from 'node:timers/promises';

/** Lets so many through a second, evenly. */
export interface Pace {
  /** Resolves when it is the caller's turn, at `rate` a second; callers wait one after the other. */
  turn(rate: number): Promise<void>;
  /** Resolves when the next turn would come: so long whoever goes on elsewhere has to wait. */
  over(): Promise<void>;
}

/** Turns that came late by up to this are caught up on; those that came later are left out. */
const caughtUpMs = 100;

/** A pace whose first turn comes at once. */
export function createPace(
  clock: { now(): number; wait(ms: number): Promise<unknown> } = {
    now: () => performance.now(),
    wait: delay,
  },
): Pace {
  let next = clock.now();

  async function until(at: number) {
    // Node's timers may fire a millisecond early.
    for (let ms = at - clock.now(); ms > 0; ms = at - clock.now()) await clock.wait(Math.ceil(ms));
  }

  return {
    async turn(rate) {
      const at = Math.max(next, clock.now() - caughtUpMs);
      next = at + 1_000 / rate;
      await until(at);
    },
    over: () => until(next),
  };
}
