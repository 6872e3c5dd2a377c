import type { Worker } from 'node:cluster';
import { createEventLoopLoad } from './delivery/event-loop-load.ts';
import { type FromProcess, sendTo, type ToProcess, tell } from './process-messages.ts';

/** How often each process tells how busy it is, in ms. */
const tellEveryMs = 1_000;
/** Of one process' time. What needs less than the former is little for it, what needs more than the latter is not. */
const shares = { little: 0.6, much: 0.75 };
/** A load that was not little is shared until it has been for so long, in ms. */
const littleForMs = 5_000;

/**
 * Which of several processes take part in the load: all, or only the first, while it can have it alone. Events that come to one
 * process share statements and workflows.
 */
export interface LoadSharing {
  /** Notes in how much of its time a process was busy, from 0 to 1, and answers whether it takes part. `now` is in ms. */
  takesPart(number: number, share: number, now: number): boolean;
  /** It has ended: another one is the first. */
  forget(number: number): void;
}

export function createLoadSharing(): LoadSharing {
  const shareOf = new Map<number, number>();
  let notLittleAt = Number.NEGATIVE_INFINITY;
  let isShared = false;
  return {
    takesPart(number, share, now) {
      shareOf.set(number, share);
      const inAll = [...shareOf.values()].reduce((sum, one) => sum + one, 0);
      if (inAll > shares.little) notLittleAt = now;
      isShared = inAll > shares.much || (isShared && now - notLittleAt < littleForMs);
      return isShared || number === Math.min(...shareOf.keys());
    },
    forget: (number) => shareOf.delete(number),
  };
}

/** For the process that looks after the others: tells the one added, until it ends, whether it takes part. */
export function relayLoadSharing(sharing: LoadSharing, worker: Worker, number: number): void {
  let takesPart = true;
  worker.on('message', (message: FromProcess) => {
    if (!('busyShare' in message)) return;
    const before = takesPart;
    takesPart = sharing.takesPart(number, message.busyShare, performance.now());
    if (takesPart !== before) sendTo(worker, { takesPart });
  });
  worker.once('exit', () => sharing.forget(number));
}

/** For each of the processes: whether it takes part, as far as it was told. */
export function joinLoadSharing(): () => boolean {
  const load = createEventLoopLoad();
  let takesPart = true;
  process.on('message', (message: ToProcess) => {
    if ('takesPart' in message) takesPart = message.takesPart;
  });
  setInterval(() => tell({ busyShare: load.busyShare() }), tellEveryMs).unref();
  return () => takesPart;
}
