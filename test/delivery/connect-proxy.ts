import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { certificate } from './receivers.ts';

/** What a proxy does with a CONNECT: connects, answers so, or nothing at all. */
export type ProxyBehaviour = (target: string) => 'connect' | 'hang' | number;

/** A real HTTP proxy that connects where CONNECT says, and keeps what it was asked. */
export async function startProxy(
  behave: ProxyBehaviour = () => 'connect',
  { isTls = false }: { isTls?: boolean } = {},
) {
  const asked: { target: string; host: string | undefined; authorization: string | undefined }[] = [];
  const sockets = new Set<Duplex>();
  const server = isTls ? createHttpsServer(certificate) : createHttpServer();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('connect', ({ url: target = '', headers }, client: Duplex, head: Buffer) => {
    asked.push({ target, host: headers.host, authorization: headers['proxy-authorization'] });
    client.on('error', () => {});
    const reply = behave(target);
    if (reply === 'hang') return;
    if (reply !== 'connect') {
      client.end(`HTTP/1.1 ${reply} No\r\nContent-Length: 0\r\n\r\n`);
      return;
    }
    const { hostname, port } = new URL(`http://${target}`);
    const upstream = connect(Number(port || 80), hostname, () => {
      client.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.write(head);
      upstream.pipe(client).pipe(upstream);
    });
    sockets.add(upstream);
    upstream.on('error', () => client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `${isTls ? 'https' : 'http'}://127.0.0.1:${port}`,
    asked,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}
