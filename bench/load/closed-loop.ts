import { setTimeout as delay } from 'node:timers/promises';
import { Client } from 'undici';
import { nowMs } from '../clock.ts';
import { isAcknowledged } from '../ledger.ts';
import type { Producer } from './producer.ts';

/** What a producer that is told to come back later waits, so that refusals are not what is measured. */
const afterRefusalMs = 100;

/**
 * Keeps so many connections busy for that time: each sends its next request when its last is answered. Resolves once the
 * last is answered. A batch that the API does not know ends it at once.
 */
export async function runClosedLoop(
  producer: Producer,
  { origin, connections, seconds }: { origin: string; connections: number; seconds: number },
): Promise<void> {
  const end = nowMs() + seconds * 1_000;
  await Promise.all(
    Array.from({ length: connections }, async () => {
      const client = new Client(origin, { pipelining: 1 });
      while (nowMs() < end) {
        const status = await producer.send(client, nowMs());
        if (status === 404 || status === 405) break;
        if (!isAcknowledged(status)) await delay(afterRefusalMs);
      }
      await client.close();
    }),
  );
}
