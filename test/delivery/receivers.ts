import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net';

const read = (name: string) => readFileSync(new URL(`./certificate/${name}`, import.meta.url), 'utf8');

/** A self-signed certificate for `localhost` and 127.0.0.1, for tests alone. */
export const certificate = { cert: read('localhost.cert.pem'), key: read('localhost.key.pem') };

export interface Receiver extends AsyncDisposable {
  readonly port: number;
  /** Connections that it has taken so far. */
  readonly connections: () => number;
  /** Resolves once no connection is open. */
  readonly allClosed: () => Promise<void>;
}

/** An HTTP server on a free port of 127.0.0.1. */
export function httpReceiver(listener: RequestListener): Promise<Receiver> {
  return listening(createHttpServer(listener));
}

/** The same over TLS, with `certificate`. */
export function httpsReceiver(listener: RequestListener): Promise<Receiver> {
  return listening(createHttpsServer(certificate, listener));
}

/** A TCP server, for what no HTTP server would do. */
export function tcpReceiver(onConnection: (socket: Socket) => void): Promise<Receiver> {
  return listening(createTcpServer(onConnection));
}

async function listening(server: Server): Promise<Receiver> {
  const sockets = new Set<Socket>();
  let taken = 0;
  server.on('connection', (socket: Socket) => {
    taken += 1;
    sockets.add(socket);
    // A client that breaks off is what many of the tests are about.
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => taken,
    async allClosed() {
      await Promise.all(
        [...sockets].map((socket) => new Promise((resolve) => socket.once('close', resolve))),
      );
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
