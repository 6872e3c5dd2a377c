import { Pool } from 'undici';
import { nowMs } from '../clock.ts';
import { type Latencies, latenciesOf } from '../percentiles.ts';
import { startMetronome } from './metronome.ts';
import type { Producer } from './producer.ts';

/** More requests than this wait for a connection, which counts as their latency. */
const mostConnections = 256;
/** The first beat comes when everything is there. */
const headStartMs = 100;

/** When each request is to be sent: evenly, from `start` on, whatever becomes of those before. */
export function intendedTimes(start: number, perSecond: number, seconds: number): Float64Array {
  const intervalMs = 1_000 / perSecond;
  return Float64Array.from(
    { length: Math.round(perSecond * seconds) },
    (_, index) => start + index * intervalMs,
  );
}

/**
 * Sends so many requests a second for that time, each at its own time, and resolves once the last is answered: with how
 * late they were sent, in ms. Latencies count from the intended times, so that a stall is seen by all who came in it.
 */
export async function runOpenLoop(
  producer: Producer,
  { origin, perSecond, seconds }: { origin: string; perSecond: number; seconds: number },
  beat: typeof startMetronome = startMetronome,
): Promise<Latencies | undefined> {
  const pool = new Pool(origin, { pipelining: 1, connections: mostConnections });
  const times = intendedTimes(nowMs() + headStartMs, perSecond, seconds);
  const late = new Float64Array(times.length);
  const answers: Promise<number>[] = [];
  await beat(times, (index) => {
    const intendedAt = times[index] as number;
    late[index] = nowMs() - intendedAt;
    answers.push(producer.send(pool, intendedAt));
  });
  await Promise.all(answers);
  await pool.close();
  return latenciesOf(late);
}
