import { Pool } from 'undici';
import { nowMs } from '../../../bench/clock.ts';
import type { Layout } from '../../../bench/layout.ts';
import type { Sent } from '../../../bench/ledger.ts';
import { createProducer, type Producer } from '../../../bench/load/producer.ts';
import { createSentLog, type SentCounts } from '../../../bench/load/sent-log.ts';
import { later } from './form.ts';
import type { Rotation } from './rotation.ts';

/** Two endpoints of one account, each with every second event. */
export const layout: Layout = {
  ...{ accounts: 1, typesPerAccount: 2, fanOut: 1, everyFifth: 'ok' as const, receivers: 1, lanes: 0 },
};

export interface SteadyLoad {
  counts(): SentCounts;
  /** What was sent so far, and what came of it. */
  sent(): Sent;
  /** When events are due that were posted to go out later, as `Date.now`, by number. */
  dueAt: ReadonlyMap<number, number>;
  /** Sends no more; resolves once all is answered, or has failed. */
  stop(): Promise<Sent>;
}

const lookMs = 5;
/** Two of ten are posted to go out later, all of the first endpoint: the second one's may be in order. */
const isForLater = (seq: number) => seq % 10 === 4 || seq % 10 === 8;
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
  hasScheduled = true,
}: {
  rotation: Rotation;
  key: string;
  perSecond: number;
  /** The same, where it says more of what is sent. */
  sends?: Layout;
  /** Whether some are posted to go out later. */
  hasScheduled?: boolean;
}): SteadyLoad {
  const log = createSentLog(0);
  const dueAt = new Map<number, number>();
  const scheduledUntil = hasScheduled ? nowMs() + later.forMs : 0;

  function timesOf(seq: number): string {
    if (!isForLater(seq) || nowMs() >= scheduledUntil) return '';
    const at = Date.now() + later.leastMs + ((seq * 37) % 100) * ((later.mostMs - later.leastMs) / 100);
    const deliver_at = new Date(at);
    dueAt.set(seq, deliver_at.getTime());
    return `,"deliver_at":"${deliver_at.toISOString()}"`;
  }

  const ways = new Map<string, { producer: Producer; pool: Pool }>();
  const wayTo = (origin: string) => {
    const known = ways.get(origin);
    if (known !== undefined) return known;
    const way = {
      producer: createProducer({ origin, layout: sends, keys: [key], batch: 1, more: timesOf }, log),
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
    dueAt,
    async stop() {
      clearInterval(timer);
      await Promise.all(underWay);
      await Promise.all([...ways.values()].map(({ pool }) => pool.destroy()));
      return log.sent();
    },
  };
}
