import { Pool } from 'undici';
import { nowMs } from '../../../bench/clock.ts';
import type { Layout } from '../../../bench/layout.ts';
import type { Sent } from '../../../bench/ledger.ts';
import { createProducer } from '../../../bench/load/producer.ts';
import { createSentLog, type SentCounts } from '../../../bench/load/sent-log.ts';

/** Two endpoints of one account, each with every second event. */
export const layout: Layout = { accounts: 1, typesPerAccount: 2, fanOut: 1, everyFifth: 'ok', receivers: 1 };

export interface SteadyLoad {
  counts(): SentCounts;
  /** What was sent so far, and what came of it. */
  sent(): Sent;
  /** Sends no more; resolves once all is answered, or has failed. */
  stop(): Promise<Sent>;
}

const lookMs = 5;
const mostConnections = 256;

/** Posts so many events a second, each at its own time, whatever becomes of those before. Nothing is sent twice. */
export function startSteadyLoad({
  origin,
  key,
  perSecond,
}: {
  origin: string;
  key: string;
  perSecond: number;
}): SteadyLoad {
  const log = createSentLog(0);
  const producer = createProducer({ origin, layout, keys: [key], batch: 1 }, log);
  const pool = new Pool(origin, { pipelining: 1, connections: mostConnections });
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
      await pool.destroy();
      return log.sent();
    },
  };
}
