import { answerCalls } from '../child.ts';
import type { Sent } from '../ledger.ts';
import type { Latencies } from '../percentiles.ts';
import { runClosedLoop } from './closed-loop.ts';
import { runOpenLoop } from './open-loop.ts';
import { createProducer, type ProducerTarget } from './producer.ts';
import { createSentLog } from './sent-log.ts';

// The load generator: one process, which sends events and keeps what came of them.

/** A closed loop of so many connections, or an open one of so many events a second. */
export type Load =
  | { readonly loop: 'closed'; readonly connections: number }
  | { readonly loop: 'open'; readonly perSecond: number };

export interface LoadRun {
  readonly target: ProducerTarget;
  readonly load: Load;
  readonly seconds: number;
  /** The number of the first event. */
  readonly first: number;
}

export interface LoadResult {
  readonly sent: Sent;
  /** How late an open loop sent, in ms. */
  readonly late: Latencies | undefined;
}

let log = createSentLog(0);

export type LoadCalls = typeof calls;

const calls = {
  /** Sends for that time; resolves once all is answered. */
  async run({ target, load, seconds, first }: LoadRun): Promise<LoadResult> {
    log = createSentLog(first);
    const producer = createProducer(target, log);
    const { origin } = target;
    let late: Latencies | undefined;
    if (load.loop === 'closed') {
      await runClosedLoop(producer, { origin, connections: load.connections, seconds });
    } else {
      late = await runOpenLoop(producer, { origin, perSecond: load.perSecond / target.batch, seconds });
    }
    return { sent: log.sent(), late };
  },
  counts: () => log.counts(),
};

answerCalls(calls);
