import { Pool } from 'undici';
import { nowMs } from '../../../bench/clock.ts';
import type { Layout } from '../../../bench/layout.ts';
import type { Sent } from '../../../bench/ledger.ts';
import { createProducer, type Producer } from '../../../bench/load/producer.ts';
import { createSentLog, type SentCounts } from '../../../bench/load/sent-log.ts';
import type { Rotation } from './rotation.ts';

/** Two endpoints of one account, each with every second event. */
export const layout: Layout = {
  ...{ accounts: 1, typesPerAccount: 2, fanOut: 1, everyFifth: 'ok' as const, receivers: 1, lanes: 0 },
};

export interface SteadyLoad {
  counts(): SentCounts;
  /** What was sent so far, and what came of it. */
  sent(): Sent;
  /** Sends no more; resolves once all is answered, or has failed. */
  stop(): Promise<Sent>;
}

const lookMs = 5;
const mostConnections = 256;

/**
 * Posts so many events a second, each at its own time, whatever becomes of those before, to the APIs in rotation in turn.
 * Nothing is sent twice.
 */
export function startSteadyLoad({
  rotation,
  key,
  perSecond,
  sends = layout,
}: {
  rotation: Rotation;
  key: string;
  perSecond: number;
  /** The same, where it says more of what is sent. */
  sends?: Layout;
}): SteadyLoad {
  const log = createSentLog(0);
  const ways = new Map<string, { producer: Producer; pool: Pool }>();
  const wayTo = (origin: string) => {
    const known = ways.get(origin);
    if (known !== undefined) return known;
    const way = {
      producer: createProducer({ origin, layout: sends, keys: [key], batch: 1 }, log),
      pool: new Pool(origin, { pipelining: 1, connections: mostConnections }),
    };
    ways.set(origin, way);
    return way;
  };
  const underWay = new Set<Promise<number>>();
  const start = nowMs();
  let next = 0;
  const timer = setInterval(() => {
    for (
      let at = start + (next * 1_000) / perSecond;
      at <= nowMs();
      at = start + (next * 1_000) / perSecond
    ) {
      next += 1;
      const { producer, pool } = wayTo(rotation.next());
      const answer = producer.send(pool, at).finally(() => underWay.delete(answer));
      underWay.add(answer);
    }
  }, lookMs);
  return {
    counts: () => log.counts(),
    sent: () => log.sent(),
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      await Promise.all([...ways.values()].map(({ pool }) => pool.destroy()));
      return log.sent();
    },
  };
}
