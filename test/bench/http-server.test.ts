import { connect, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { listen, response } from '../../bench/sink/http-server.ts';
import { createHttpClient } from '../../delivery/http-client.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

interface Got {
  path: string;
  body: string;
}

async function start(answer: (got: Got) => Buffer | undefined = () => response(200, 'OK')) {
  const got: Got[] = [];
  const { port, close } = await listen((path, body) => {
    const one = { path, body: body.toString() };
    got.push(one);
    return answer(one);
  });
  closers.push(close);
  return { got, port };
}

async function connected(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.setNoDelay(true);
  closers.push(async () => void socket.destroy());
  await new Promise((resolve) => socket.once('connect', resolve));
  return socket;
}

/** Resolves once so many bytes have come. */
function read(socket: Socket, bytes: number): Promise<string> {
  return new Promise((resolve) => {
    let text = '';
    socket.setEncoding('latin1').on('data', (chunk: string) => {
      text += chunk;
      if (text.length >= bytes) resolve(text);
    });
  });
}

const ok = response(200, 'OK').toString();

it('answers each request once, however the network cuts them', async () => {
  const { got, port } = await start();
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ path: fc.constantFrom('/e/0', '/e/17'), body: fc.string({ maxLength: 40 }) }), {
        minLength: 1,
        maxLength: 5,
      }),
      fc.array(fc.integer({ min: 1, max: 60 }), { minLength: 1, maxLength: 10 }),
      async (requests, cuts) => {
        got.length = 0;
        const bytes = Buffer.concat(
          requests.map(({ path, body }) =>
            Buffer.from(
              `POST ${path} HTTP/1.1\r\nHost: x\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
            ),
          ),
        );
        const socket = await connected(port);
        const answers = read(socket, ok.length * requests.length);
        for (let from = 0, cut = 0; from < bytes.length; cut++) {
          const to = from + (cuts[cut % cuts.length] as number);
          await new Promise((done) => socket.write(bytes.subarray(from, to), done));
          from = to;
        }
        expect(await answers).toBe(ok.repeat(requests.length));
        expect(got).toEqual(requests);
        socket.destroy();
      },
    ),
    { numRuns: 30 },
  );
});

it('serves the HTTP client that deliveries are sent with', async () => {
  const { got, port } = await start(({ path }) =>
    path === '/e/1' ? response(500, 'Not today') : response(200, 'OK'),
  );
  const client = createHttpClient({ isAddressAllowed: () => true });
  closers.push(client.close);
  const post = (path: string) =>
    client.post({ url: `http://127.0.0.1:${port}${path}`, headers: {}, body: '{"é":1}', timeoutMs: 5_000 });
  expect(await post('/e/0')).toMatchObject({ kind: 'answered', status: 200, body: 'OK' });
  expect(await post('/e/1')).toMatchObject({ kind: 'answered', status: 500, body: 'Not today' });
  expect(got).toEqual([
    { path: '/e/0', body: '{"é":1}' },
    { path: '/e/1', body: '{"é":1}' },
  ]);
});

it('leaves a request unanswered where it is to hang, and the connection open', async () => {
  const { got, port } = await start(() => undefined);
  const client = createHttpClient({ isAddressAllowed: () => true });
  closers.push(client.close);
  const answer = await client.post({
    url: `http://127.0.0.1:${port}/e/4`,
    headers: {},
    body: 'x',
    timeoutMs: 100,
  });
  expect(answer).toMatchObject({ kind: 'failed', reason: 'timeout' });
  expect(got).toHaveLength(1);
});

it('refuses what has no length', async () => {
  const { got, port } = await start();
  const socket = await connected(port);
  const answer = read(socket, 12);
  socket.write('POST /e/0 HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n');
  expect(await answer).toMatch(/^HTTP\/1.1 400 /);
  expect(got).toEqual([]);
});
