/** The APIs that a load balancer would send to. */
export interface Rotation {
  /** The origin of the next of them: each in turn. */
  next(): string;
  /** Leaves a process out while something is done to it, as a roll-out does. One without an API is never in it. */
  without(process: HasOrigin, work: () => Promise<void>): Promise<void>;
}

interface HasOrigin {
  readonly origin: string | undefined;
}

export function createRotation(processes: readonly HasOrigin[]): Rotation {
  const origins = processes.flatMap(({ origin }) => origin ?? []);
  let turn = 0;
  return {
    next() {
      turn += 1;
      const origin = origins[turn % origins.length];
      if (origin === undefined) throw new Error('no API is in rotation');
      return origin;
    },
    async without({ origin }, work) {
      const index = origin === undefined ? -1 : origins.indexOf(origin);
      if (index >= 0) origins.splice(index, 1);
      await work();
      if (origin !== undefined) origins.push(origin);
    },
  };
}
