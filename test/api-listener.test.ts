import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Client } from 'undici';
import { expect, it } from 'vitest';
import { type ApiListener, listenForApi, patienceWithClients } from '../api-listener.ts';

it('closes although a client keeps its connection busy, and answers what it has taken', async () => {
  const listener = await listenForApi('127.0.0.1', 0);
  listener.serve((_, response) => setTimeout(() => response.end('done'), 5));
  const client = new Client(`http://127.0.0.1:${listener.port}`);
  let answered = 0;
  let isRefused = false;
  const asking = (async () => {
    while (!isRefused) {
      const answer = await client.request({ path: '/', method: 'GET' }).catch(() => undefined);
      if (answer === undefined) isRefused = true;
      else {
        expect(await answer.body.text()).toBe('done');
        answered += 1;
      }
    }
  })();
  await expect.poll(() => answered).toBeGreaterThan(3);
  await listener.close();
  await asking;
  await client.destroy();
});

it('answers a request that is on its way along a connection that seems idle as it closes', async () => {
  const listener = await listenForApi('127.0.0.1', 0);
  listener.serve((_, response) => response.end('done'));
  const socket = connect(listener.port, '127.0.0.1').on('error', () => {});
  let answers = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answers += text;
  });
  const request = 'GET / HTTP/1.1\r\nHost: x\r\n\r\n';
  socket.write(request);
  await expect.poll(() => answers).toContain('done');
  socket.write(request);
  await Promise.all([listener.close(), once(socket, 'close')]);
  expect(answers.match(/done/g)).toHaveLength(2);
  expect(answers).toContain('Connection: close');
});

it('closes although a client was answered and never sends the rest of its request', async () => {
  const patience = { headers: 200, request: 300, unread: 60_000, checkEvery: 30_000 };
  const listener = await listenForApi('127.0.0.1', 0, { patienceMs: patience });
  listener.serve((_, response) => response.writeHead(413).end('too much'));
  const socket = connect(listener.port, '127.0.0.1').on('error', () => {});
  let answers = '';
  socket.setEncoding('utf8').on('data', (text: string) => {
    answers += text;
  });
  socket.write('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\nbeginning');
  await expect.poll(() => answers).toContain('too much');
  await Promise.all([listener.close(), once(socket, 'close')]);
});

it('an idle connection is kept for longer than load balancers keep theirs', async () => {
  const listener = await listenForApi('127.0.0.1', 0);
  listener.serve((_, response) => response.end('done'));
  const client = new Client(`http://127.0.0.1:${listener.port}`);
  const { headers, body } = await client.request({ path: '/', method: 'GET' });
  await body.dump();
  expect(headers['keep-alive']).toBe('timeout=75');
  await client.destroy();
  await listener.close();
});

/** So many requests, one after the other; answers how many went along each connection. */
async function requestsOfConnections(listener: ApiListener, requests: number): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const requestsOf = new Map<Socket, number>();
  for (let n = 0; n < requests; n += 1) {
    const request = get({ port: listener.port, host: '127.0.0.1', agent });
    const [[socket], [response]] = await Promise.all([once(request, 'socket'), once(request, 'response')]);
    requestsOf.set(socket, (requestsOf.get(socket) ?? 0) + 1);
    expect(response.statusCode).toBe(200);
    await once(response.resume(), 'end');
  }
  agent.destroy();
  return [...requestsOf.values()];
}

it('a connection to a busy process is kept for some fifty to a hundred and fifty requests, and then closed with an answer', async () => {
  const listener = await listenForApi('127.0.0.1', 0, { load: { isBusy: () => true } });
  listener.serve((request, response) => request.resume().once('end', () => response.end('done')));
  const whole = (await requestsOfConnections(listener, 600)).slice(0, -1);
  expect(whole.length).toBeGreaterThan(2);
  for (const requests of whole) {
    expect(requests).toBeGreaterThanOrEqual(50);
    expect(requests).toBeLessThan(150);
  }
  // Not all of a burst at the same time.
  expect(new Set(whole).size).toBeGreaterThan(1);
  await listener.close();
});

it('a process that is not busy keeps its connections, and closes them in turn once it is', async () => {
  const load = { isBusy: () => false };
  const listener = await listenForApi('127.0.0.1', 0, { load });
  listener.serve((request, response) => request.resume().once('end', () => response.end('done')));
  expect(await requestsOfConnections(listener, 300)).toEqual([300]);
  load.isBusy = () => true;
  const [first] = await requestsOfConnections(listener, 200);
  expect(first).toBeGreaterThanOrEqual(50);
  expect(first).toBeLessThan(150);
  await listener.close();
});

it('a process without a part in the load closes its connections after some ten requests, but while it is busy all the same', async () => {
  const now = { isBusy: false, takesPart: false };
  const listener = await listenForApi('127.0.0.1', 0, {
    load: { isBusy: () => now.isBusy },
    takesPart: () => now.takesPart,
  });
  listener.serve((request, response) => request.resume().once('end', () => response.end('done')));
  const whole = (await requestsOfConnections(listener, 100)).slice(0, -1);
  expect(whole.length).toBeGreaterThan(5);
  for (const requests of whole) {
    expect(requests).toBeGreaterThanOrEqual(5);
    expect(requests).toBeLessThan(15);
  }
  now.isBusy = true;
  const [first] = await requestsOfConnections(listener, 200);
  expect(first).toBeGreaterThanOrEqual(50);
  Object.assign(now, { isBusy: false, takesPart: true });
  expect(await requestsOfConnections(listener, 100)).toEqual([100]);
  await listener.close();
});

it('a client that drips its headers or its body is cut off', async () => {
  expect(patienceWithClients.headers).toBeLessThanOrEqual(15_000);
  expect(patienceWithClients.request).toBeLessThanOrEqual(30_000);
  const patience = { headers: 200, request: 300, unread: 60_000, checkEvery: 20 };
  const listener = await listenForApi('127.0.0.1', 0, { patienceMs: patience });
  listener.serve((request, response) => request.resume().once('end', () => response.end('done')));

  const drip = async (head: string, drop: string) => {
    const socket = connect(listener.port, '127.0.0.1').on('error', () => {});
    let answer = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      answer += text;
    });
    socket.write(head);
    const timer = setInterval(() => socket.write(drop), 20);
    await once(socket, 'close');
    clearInterval(timer);
    return answer;
  };
  const answers = await Promise.all([
    drip('POST / HTTP/1.1\r\nHost: x\r\n', 'X-A: b\r\n'),
    drip('POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n', '.'),
  ]);
  expect(answers).toEqual(answers.map(() => expect.stringContaining('408 Request Timeout')));
  await listener.close();
});

it('a client that reads nothing of its answer is cut off, and one that reads slowly is not', async () => {
  expect(patienceWithClients.unread).toBeLessThanOrEqual(60_000);
  const listener = await listenForApi('127.0.0.1', 0, {
    patienceMs: { ...patienceWithClients, unread: 300 },
  });
  const size = 32 * 1024 * 1024;
  let closed = 0;
  listener.serve((_, response) => {
    response.once('close', () => {
      closed += 1;
    });
    response.end(Buffer.alloc(size));
  });
  const ask = () => {
    const socket = connect(listener.port, '127.0.0.1').on('error', () => {});
    socket.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
    return socket;
  };

  const deaf = ask().pause();
  await expect.poll(() => closed, { timeout: 10_000 }).toBe(1);
  deaf.resume();
  await once(deaf, 'close');
  expect(deaf.bytesRead).toBeLessThan(size);

  const slow = ask();
  let pauses = 0;
  slow.on('data', () => {
    if (slow.bytesRead < (pauses + 1) * 4 * 1024 * 1024) return;
    pauses += 1;
    slow.pause();
    setTimeout(() => slow.resume(), 100);
  });
  await once(slow, 'close');
  expect(slow.bytesRead).toBeGreaterThan(size);
  expect(pauses).toBeGreaterThan(3);
  await listener.close();
});
