import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { nowMs } from '../../../bench/clock.ts';
import { seqIn } from '../../../bench/payload.ts';
import { createRandom } from './random.ts';

/** One request of a delivery. */
export interface Arrival {
  /** The event's number. */
  readonly seq: number;
  readonly endpoint: number;
  /** Of bench/clock.ts. */
  readonly at: number;
  /** As `Date.now`, to hold against what is stored. */
  readonly wallAt: number;
  /** What it is answered with. */
  readonly status: number;
  readonly webhookId: string;
  readonly bodyHash: string;
}

/** Receivers of a layout's endpoints that keep every request. */
export interface LedgerReceiver {
  readonly urls: readonly string[];
  readonly arrivals: readonly Arrival[];
  /** Requests that no event of ours was found in. */
  readonly unreadable: () => number;
  /** Whether the event has arrived and been answered 200. */
  hasDelivered(seq: number): boolean;
  close(): Promise<void>;
}

/** An answer takes so long at most, so that some attempt is always under way. */
const slowestAnswerMs = 40;
/** Of the second endpoint's events, every so many is refused once. */
const refusedEvery = 5;

/**
 * Two endpoints: both take up to 40 ms to answer; the first answers 200, the second 500 to the first attempt of every fifth
 * event, so that retries are always pending.
 */
export async function startLedgerReceiver(seed: number): Promise<LedgerReceiver> {
  const random = createRandom(seed);
  const arrivals: Arrival[] = [];
  const delivered = new Set<number>();
  const seen = new Set<number>();
  let unreadable = 0;

  const server = createServer((request, response) => {
    const at = nowMs();
    const wallAt = Date.now();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const body = Buffer.concat(chunks);
      const seq = seqIn(body);
      const endpoint = Number(request.url?.slice(request.url.lastIndexOf('/') + 1));
      if (seq === undefined) {
        unreadable += 1;
        response.writeHead(400).end();
        return;
      }
      const isRefused = endpoint === 1 && Math.floor(seq / 2) % refusedEvery === 0 && !seen.has(seq);
      const status = isRefused ? 500 : 200;
      seen.add(seq);
      if (!isRefused) delivered.add(seq);
      arrivals.push({
        ...{ seq, endpoint, at, wallAt, status },
        webhookId: `${request.headers['webhook-id']}`,
        bodyHash: createHash('sha1').update(body).digest('base64'),
      });
      setTimeout(() => response.writeHead(status).end('OK'), random() * slowestAnswerMs);
    });
  });
  server.keepAliveTimeout = 60_000;
  server.listen(0, '127.0.0.1', 1_024);
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    urls: [0, 1].map((endpoint) => `http://127.0.0.1:${port}/e/${endpoint}`),
    arrivals,
    unreadable: () => unreadable,
    hasDelivered: (seq) => delivered.has(seq),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
