import { createServer, type Server, type Socket } from 'node:net';

/** What to answer, as it goes over the wire; undefined to leave the request unanswered. */
export type OnRequest = (path: string, body: Buffer) => Buffer | undefined;

const headEnd = Buffer.from('\r\n\r\n');
const contentLength = /\r\ncontent-length:[ \t]*(\d+)/i;
const badRequest = response(400, 'only POST with Content-Length');

/** A response for `OnRequest`. */
export function response(status: number, body: string): Buffer {
  return Buffer.from(
    `HTTP/1.1 ${status} ${status === 200 ? 'OK' : 'Not OK'}\r\nContent-Type: text/plain\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
}

/**
 * An HTTP/1.1 server on a free port of the loopback interface that reads requests with a Content-Length and nothing else: a
 * third of the work of Node's own, which would take its share of what is measured.
 */
export function listen(onRequest: OnRequest): Promise<{ port: number; close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  const server: Server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    let unread: Buffer | undefined;
    socket.on('data', (chunk: Buffer) => {
      unread = answerAll(unread === undefined ? chunk : Buffer.concat([unread, chunk]), socket, onRequest);
    });
    // Whoever hangs up has had his reasons.
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.listen(0, '127.0.0.1', 4_096);
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      const address = server.address();
      if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');
      resolve({
        port: address.port,
        async close() {
          for (const socket of sockets) socket.destroy();
          await new Promise((done) => server.close(done));
        },
      });
    });
  });
}

/** Answers every whole request in what has come; returns the rest. */
function answerAll(received: Buffer, socket: Socket, onRequest: OnRequest): Buffer | undefined {
  let left = received;
  while (left.length > 0) {
    const headLength = left.indexOf(headEnd);
    if (headLength === -1) return left;
    const head = left.toString('latin1', 0, headLength);
    const length = contentLength.exec(head)?.[1];
    if (length === undefined || !head.startsWith('POST ')) {
      socket.end(badRequest);
      return undefined;
    }
    const bodyStart = headLength + headEnd.length;
    const end = bodyStart + Number(length);
    if (left.length < end) return left;
    const answer = onRequest(head.slice(5, head.indexOf(' ', 5)), left.subarray(bodyStart, end));
    if (answer !== undefined) socket.write(answer);
    left = left.subarray(end);
  }
  return undefined;
}
