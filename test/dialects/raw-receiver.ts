import type { Socket } from 'node:net';
import { tcpReceiver } from '../delivery/receivers.ts';

/** A request as its bytes came in. */
export interface RawRequest {
  /** Request line and header lines, as they were sent. */
  head: string[];
  /** Header values by name in lower case. */
  headers: Record<string, string>;
  body: Buffer;
}

/** A TCP server that keeps the very bytes of each request, and answers 200. */
export async function startRawReceiver() {
  const requests: RawRequest[] = [];
  const waiting: (() => void)[] = [];
  const receiver = await tcpReceiver((socket: Socket) => {
    let bytes = Buffer.alloc(0);
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk]);
      const request = wholeRequest(bytes);
      if (request === undefined) return;
      bytes = bytes.subarray(bytes.indexOf('\r\n\r\n') + 4 + request.body.length);
      requests.push(request);
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK');
      for (const resume of waiting.splice(0)) resume();
    });
  });
  return {
    url: `http://127.0.0.1:${receiver.port}/webhooks/inbox`,
    requests,
    /** The first request that has this, once it is there. */
    async request(isIt: (request: RawRequest) => boolean): Promise<RawRequest> {
      for (;;) {
        const found = requests.find(isIt);
        if (found !== undefined) return found;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    close: () => receiver[Symbol.asyncDispose](),
  };
}

function wholeRequest(bytes: Buffer): RawRequest | undefined {
  const end = bytes.indexOf('\r\n\r\n');
  if (end === -1) return undefined;
  const head = bytes.subarray(0, end).toString('latin1').split('\r\n');
  const headers = Object.fromEntries(
    head.slice(1).map((line) => {
      const colon = line.indexOf(': ');
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 2)];
    }),
  );
  const length = Number(headers['content-length']);
  const body = bytes.subarray(end + 4, end + 4 + length);
  return body.length < length ? undefined : { head, headers, body };
}
