import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { pipeline, Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import type { FailureReason } from '../../../webhook/failure-reasons.ts';
import { httpReceiver, httpsReceiver, type Receiver, tcpReceiver } from '../../delivery/receivers.ts';

/** A receiver that does what none should, and what an attempt at it has to come to. */
export interface HostileReceiver {
  /** The last part of its event type. */
  readonly name: string;
  start(): Promise<{ url: string; close(): Promise<void> }>;
  /** Why every attempt fails; null where the status line has said 2xx, which is what counts. */
  readonly reason: FailureReason | null;
  /** The body was not read to its end. */
  readonly isTruncated?: true;
  /** Of the data of the events that it gets; few unless given. */
  readonly dataBytes?: number;
}

const chunk = Buffer.alloc(64 * 1024, 'x');
const hundredMegabytes = 100 * 1024 * 1024;

/** Reads the whole request, then does something to the socket. */
const afterRequest = (work: (socket: Socket) => void): RequestListener => {
  return (request) => {
    request.resume().once('end', () => work(request.socket));
  };
};

async function at(starting: Promise<Receiver>, scheme = 'http') {
  const receiver = await starting;
  return {
    url: `${scheme}://127.0.0.1:${receiver.port}/`,
    close: async () => receiver[Symbol.asyncDispose](),
  };
}

/** Writes for as long as somebody reads, or so many bytes. */
function writeTo(response: NodeJS.WritableStream, bytes = Number.POSITIVE_INFINITY): void {
  function* chunks() {
    for (let written = 0; written < bytes; written += chunk.length) yield chunk;
  }
  pipeline(Readable.from(chunks()), response, () => {
    // Nobody reads it to its end.
  });
}

export const hostileReceivers: readonly HostileReceiver[] = [
  {
    name: 'refused',
    reason: 'connection_refused',
    async start() {
      const { url, close } = await at(tcpReceiver(() => {}));
      // Its port is closed from now on.
      await close();
      return { url, close: async () => {} };
    },
  },
  {
    name: 'reset-before-body',
    reason: 'connection_reset',
    start: () => at(tcpReceiver((socket) => socket.resetAndDestroy())),
  },
  {
    name: 'reset-in-body',
    reason: 'connection_reset',
    dataBytes: 200_000,
    start: () => at(tcpReceiver((socket) => socket.once('data', () => socket.resetAndDestroy()))),
  },
  {
    name: 'reset-after-body',
    reason: 'connection_reset',
    start: () => at(httpReceiver(afterRequest((socket) => socket.resetAndDestroy()))),
  },
  {
    name: 'reset-in-answer',
    reason: null,
    isTruncated: true,
    start: () =>
      at(
        httpReceiver(
          afterRequest((socket) =>
            socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nonly so much', () =>
              setTimeout(() => socket.resetAndDestroy(), 20),
            ),
          ),
        ),
      ),
  },
  {
    name: 'answers-and-resets',
    reason: null,
    start: () =>
      at(
        httpReceiver(
          afterRequest((socket) =>
            socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK', () =>
              setTimeout(() => socket.resetAndDestroy(), 20),
            ),
          ),
        ),
      ),
  },
  {
    name: 'untrusted-certificate',
    reason: 'tls',
    start: () =>
      at(
        httpsReceiver((_, response) => response.end()),
        'https',
      ),
  },
  {
    name: 'no-tls',
    reason: 'tls',
    start: () =>
      at(
        httpReceiver((_, response) => response.end()),
        'https',
      ),
  },
  {
    name: 'one-byte-a-second',
    reason: 'timeout',
    start: () =>
      at(
        httpReceiver(
          afterRequest((socket) => {
            const bytes = [...'HTTP/1.1 200 OK\r\nX-Slow: yes\r\n'];
            const timer = setInterval(() => socket.write(bytes.shift() ?? ' '), 1_000);
            socket.once('close', () => clearInterval(timer));
          }),
        ),
      ),
  },
  {
    name: 'silent',
    reason: 'timeout',
    start: () => at(httpReceiver(() => {})),
  },
  {
    name: 'endless-body',
    reason: null,
    isTruncated: true,
    start: () => at(httpReceiver((_, response) => writeTo(response))),
  },
  {
    name: 'endless-error',
    reason: 'http_status',
    isTruncated: true,
    start: () => at(httpReceiver((_, response) => writeTo(response.writeHead(500)))),
  },
  {
    name: 'hundred-megabytes',
    reason: null,
    isTruncated: true,
    start: () =>
      at(
        httpReceiver((_, response) =>
          writeTo(response.writeHead(200, { 'Content-Length': hundredMegabytes }), hundredMegabytes),
        ),
      ),
  },
  {
    name: 'gzip-bomb',
    reason: null,
    isTruncated: true,
    start() {
      // 50 KB, which are 50 MB; and 200 of them in a row are 10 GB.
      const member = gzipSync(Buffer.alloc(hundredMegabytes / 2, 'x'));
      const bomb = Buffer.concat(new Array(200).fill(member));
      return at(
        httpReceiver((_, response) => response.writeHead(200, { 'Content-Encoding': 'gzip' }).end(bomb)),
      );
    },
  },
  {
    name: 'no-such-host',
    reason: 'dns',
    start: async () => ({ url: 'http://no-such-host.invalid/', close: async () => {} }),
  },
  {
    name: 'not-http',
    reason: 'protocol_error',
    start: () => at(tcpReceiver((socket) => socket.end('220 mail.example.com ESMTP\r\n'))),
  },
  {
    name: 'endless-headers',
    reason: 'protocol_error',
    start: () =>
      at(
        httpReceiver(
          afterRequest((socket) => {
            socket.write('HTTP/1.1 200 OK\r\n');
            const header = `X-Padding: ${'x'.repeat(4_000)}\r\n`;
            const more = () => {
              while (!socket.destroyed && socket.write(header));
              if (!socket.destroyed) socket.once('drain', more);
            };
            more();
          }),
        ),
      ),
  },
];
