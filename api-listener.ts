import { createServer, IncomingMessage, type RequestListener, type Server, ServerResponse } from 'node:http';
import { type AddressInfo, Server as NetServer, type Socket } from 'node:net';
import { createEventLoopLoad, type EventLoopLoad } from './delivery/event-loop-load.ts';

/** A port of ours, the API's or the operators', taken before there is anything to serve. */
export interface ApiListener {
  readonly port: number;
  /** What its requests and answers are made of, for whom serves them to add to: no other listener has the same. */
  readonly messages: Messages;
  /** Until then every request is answered 503. */
  serve(listener: RequestListener): void;
  /** Takes no more connections; resolves when the requests that are under way, or on their way, have been answered. */
  close(): Promise<void>;
}

/** The classes of a server's requests and answers. */
export interface Messages {
  readonly IncomingMessage: typeof IncomingMessage;
  readonly ServerResponse: typeof ServerResponse;
}

/** The port is taken, or may not be taken. */
export class PortNotUsable extends Error {
  override readonly name = 'PortNotUsable';
}

/**
 * How long a client may take, in ms: for the head of a request, for all of it, and without reading any of the answer. Longer than any of it
 * takes, shorter than a slow client could hold a connection for nothing; looked at every `checkEvery`.
 */
export const patienceWithClients = { headers: 15_000, request: 30_000, unread: 60_000, checkEvery: 5_000 };

/**
 * An idle connection is kept for so long, in ms: load balancers and clients keep theirs for a minute at most, and what they send along one that
 * is closed at that moment fails.
 */
const idleMs = 75_000;

/** After this process takes no more connections, a request may still be on its way along those that are open for so long, in ms. */
const onItsWayMs = 200;

/**
 * A connection is closed after some hundred requests to a busy process: a process takes every connection of a
 * burst that it is the first to see, and would keep them while the others have nothing to do. The idle ones see the next first. It is closed
 * sooner by a process that takes no part in the load, so that the client comes to one that does.
 */
const requestsOfAConnection = { busy: 100, withoutPart: 10 };

/** Between half as many and half as many more: connections do not all end at the same time. */
const about = (count: number) => Math.floor(count * (0.5 + Math.random()));

/**
 * Takes the port at once, so that a second start fails before it has touched anything.
 * @throws PortNotUsable
 */
export async function listenForApi(
  host: string,
  port: number,
  {
    setting = 'PORT',
    patienceMs = patienceWithClients,
    load = createEventLoopLoad(),
    takesPart = () => true,
  }: {
    setting?: 'PORT' | 'METRICS_PORT';
    patienceMs?: typeof patienceWithClients;
    load?: Pick<EventLoopLoad, 'isBusy'>;
    /** Whether this process takes part in the load of several. */
    takesPart?: (() => boolean) | undefined;
  } = {},
): Promise<ApiListener> {
  let listener: RequestListener = (_request, response) => {
    response
      .writeHead(503, { 'Content-Type': 'text/plain', 'Retry-After': '2' })
      .end('Postrider is starting\n');
  };
  let isClosing = false;
  let isCutting = false;
  const requestsLeft = new WeakMap<Socket, number>();
  const isUsedUp = (socket: Socket) => {
    const isBusy = load.isBusy();
    if (!isBusy && takesPart()) return false;
    const most = requestsOfAConnection[isBusy ? 'busy' : 'withoutPart'];
    const left = (requestsLeft.get(socket) ?? about(most)) - 1;
    requestsLeft.set(socket, left);
    return left <= 0;
  };
  const messages: Messages = {
    IncomingMessage: class extends IncomingMessage {},
    ServerResponse: class<Request extends IncomingMessage> extends ServerResponse<Request> {},
  };
  const server = createServer(
    {
      ...messages,
      headersTimeout: patienceMs.headers,
      requestTimeout: patienceMs.request,
      connectionsCheckingInterval: patienceMs.checkEvery,
      keepAliveTimeout: idleMs,
    },
    (request, response) => {
      // A connection that is kept alive brings further requests, for ever: this answer is the last on it.
      if (isClosing || isUsedUp(request.socket)) response.setHeader('Connection', 'close');
      else response.once('close', () => isCutting && server.closeIdleConnections());
      listener(request, response);
    },
  );
  // Of a connection on which nothing moves; streams have a sign of life more often.
  server.timeout = patienceMs.unread;
  await listening(server, host, port, setting);
  return {
    port: (server.address() as AddressInfo).port,
    messages,
    serve(next) {
      listener = next;
    },
    close: () =>
      new Promise((resolve) => {
        isClosing = true;
        // A client that stalls is not waited for: nothing else looks at its connection any more.
        const stalled = setTimeout(() => server.closeAllConnections(), patienceMs.request);
        // The HTTP server's own close cuts connections that seem idle, along which a request may be on its way.
        NetServer.prototype.close.call(server, () => {
          clearTimeout(stalled);
          resolve();
        });
        const cut = () => {
          isCutting = true;
          server.close();
        };
        // What has come meanwhile is read first.
        setTimeout(() => setImmediate(cut), onItsWayMs);
      }),
  };
}

function listening(server: Server, host: string, port: number, setting: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const where = `${host}:${port}`;
      if (error.code === 'EADDRINUSE') {
        reject(
          new PortNotUsable(
            `port ${port} is in use (${where}): stop what has it, or set ${setting} to another`,
          ),
        );
      } else
        reject(
          new PortNotUsable(`cannot listen on ${where} (${error.code}): set ${setting} or HOST to others`),
        );
    });
    server.listen(port, host, () => resolve());
  });
}
