import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { promisify } from 'node:util';
import { waitFor } from './wait-for.ts';

/** A request that a receiver got. */
export interface Received {
  at: number;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** What a receiver answers: a status, or with headers and a body, or nothing at all (`hang`). */
export type Reply = number | { status: number; headers?: Record<string, string>; body?: string } | 'hang';

/** A real HTTP server that keeps what it got and answers as it is told. */
export async function startReceiver(reply: (request: Received, index: number) => Reply = () => 200) {
  const received: Received[] = [];
  const waiters: { count: number; resolve: () => void }[] = [];
  const server = createServer((request, response) => {
    const at = Date.now();
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const one = {
        at,
        path: request.url ?? '',
        headers: request.headers,
        body: Buffer.concat(chunks).toString(),
      };
      const answer = reply(one, received.length);
      received.push(one);
      if (answer !== 'hang') {
        const {
          status,
          headers = {},
          body = 'OK',
        } = typeof answer === 'number' ? { status: answer } : answer;
        response.writeHead(status, headers).end(body);
      }
      for (const waiter of waiters) if (received.length >= waiter.count) waiter.resolve();
    });
  });
  // Connections that are idle because the machine is busy are not closed.
  server.keepAliveTimeout = 120_000;
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/webhooks/inbox`,
    received,
    /** Resolves once so many requests have come in all; the test's time-out bounds it. */
    async gets(count: number): Promise<Received[]> {
      if (received.length < count) await new Promise<void>((resolve) => waiters.push({ count, resolve }));
      return received;
    },
    /** Resolves once every connection has ended, and with it all that came along it was read: after its sender was killed. */
    async hasReadAll(): Promise<void> {
      const connections = promisify(server.getConnections.bind(server));
      await waitFor(async () => ((await connections()) === 0 ? true : undefined), 'the connections to end');
    },
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

export type Receiver = Awaited<ReturnType<typeof startReceiver>>;
