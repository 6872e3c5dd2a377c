/** When something was not there, as `Date.now`. */
export interface Interruption {
  readonly from: number;
  /** When all was there again. */
  readonly to: number;
}

/** Keeps when something was away. */
export interface Interruptions {
  /** Takes something away and brings it back. */
  during(work: () => Promise<void>): Promise<void>;
  list(): readonly Interruption[];
}

export function createInterruptions(): Interruptions {
  const kept: Interruption[] = [];
  return {
    async during(work) {
      const from = Date.now();
      await work();
      kept.push({ from, to: Date.now() });
    },
    list: () => kept,
  };
}

/** What is due goes out within so long of everything being there again. */
export const promisedMs = 15_000;

/**
 * When something that was due at a moment, and happened at another, could have happened: an interruption before its time was
 * over puts it off to the end of that.
 */
export function couldHappenAt(due: number, happened: number, interruptions: readonly Interruption[]): number {
  let at = due;
  for (const { from, to } of [...interruptions].sort((a, b) => a.from - b.from)) {
    if (from <= happened && from <= at + promisedMs && to > at) at = to;
  }
  return at;
}
