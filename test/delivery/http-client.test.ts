import type { LookupAddress } from 'node:dns';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { createHttpClient, type HttpClientOptions, MAX_RESPONSE_BYTES } from '../../delivery/http-client.ts';
import { isAddressAllowed, parseCidrs } from '../../webhook/address-policy.ts';
import { certificate, httpReceiver, httpsReceiver, type Receiver, tcpReceiver } from './receivers.ts';

const loopback = parseCidrs('127.0.0.0/8');
const opened: AsyncDisposable[] = [];

afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource[Symbol.asyncDispose]();
});

async function opening(receiver: Promise<Receiver>): Promise<Receiver> {
  const ready = await receiver;
  opened.push(ready);
  return ready;
}

/** A client that may send to 127.0.0.0/8, with a POST that needs no more said than where to. */
function client(options: Partial<HttpClientOptions> = {}) {
  const http = createHttpClient({ isAddressAllowed: (ip) => isAddressAllowed(ip, loopback), ...options });
  opened.push({ [Symbol.asyncDispose]: () => http.close() });
  return {
    close: http.close,
    post: (url: string, { timeoutMs = 5_000, body = '{}', headers = {} } = {}) =>
      http.post({ url, headers: { 'Content-Type': 'application/json', ...headers }, body, timeoutMs }),
  };
}

const to = ({ port }: Receiver, path = '/') => `http://127.0.0.1:${port}${path}`;

/** Posts to a server that behaves as the listener says. */
async function postTo(listener: RequestListener, options: { timeoutMs?: number } = {}) {
  const receiver = await opening(httpReceiver(listener));
  return { receiver, answer: await client().post(to(receiver), options) };
}

/** Posts to a server that says these bytes once it has read something, and then does as `then` says. */
async function postToRaw(bytes: string, then: 'end' | 'reset' | 'stall', timeoutMs = 5_000) {
  const receiver = await opening(
    tcpReceiver((socket) => {
      socket.once('data', () => {
        socket.write(bytes, () => {
          if (then === 'end') socket.end();
          if (then === 'reset') socket.resetAndDestroy();
        });
      });
    }),
  );
  return client().post(to(receiver), { timeoutMs });
}

describe('a request', () => {
  test('arrives as a POST with its bytes, its headers and no others than HTTP needs', async () => {
    let seen:
      | { method: string | undefined; url: string | undefined; headers: object; body: string }
      | undefined;
    const receiver = await opening(
      httpReceiver(async (request, response) => {
        const { method, url, headers } = request;
        seen = { method, url, headers, body: await text(request) };
        response.end();
      }),
    );
    await client().post(to(receiver, '/hooks/1?token=a%20b'), {
      body: '{"text":"Grüße"}',
      headers: { 'User-Agent': 'Postrider/0.1.0' },
    });
    expect(seen).toEqual({
      method: 'POST',
      url: '/hooks/1?token=a%20b',
      headers: {
        host: `127.0.0.1:${receiver.port}`,
        connection: 'keep-alive',
        'content-type': 'application/json',
        'content-length': '18',
        'user-agent': 'Postrider/0.1.0',
      },
      body: '{"text":"Grüße"}',
    });
  });

  test('uses a connection again', async () => {
    const receiver = await opening(httpReceiver((_, response) => response.end('ok')));
    // With more, the next request may come before the agent takes a connection for free.
    const http = client({ connectionsPerOrigin: 1 });
    for (let sent = 0; sent < 5; sent += 1) {
      expect(await http.post(to(receiver))).toMatchObject({ kind: 'answered', status: 200 });
    }
    expect(receiver.connections()).toBe(1);
  });

  test('goes over TLS to a certificate that is trusted', async () => {
    const receiver = await opening(httpsReceiver((_, response) => response.end('ok')));
    const http = client({ ca: certificate.cert });
    for (const host of ['localhost', '127.0.0.1']) {
      const answer = await http.post(`https://${host}:${receiver.port}/`);
      expect(answer).toMatchObject({ kind: 'answered', status: 200, body: 'ok' });
    }
  });
});

describe('an answer', () => {
  test('comes back with status, headers and body', async () => {
    const { answer } = await postTo((_, response) => {
      response.writeHead(201, { 'X-One': 'a', 'Set-Cookie': ['b=1', 'c=2'], 'Retry-After': '5' });
      response.end('Grüße\0!');
    });
    expect(answer).toMatchObject({ kind: 'answered', status: 201, body: 'Grüße!', bodyTruncated: false });
    expect(answer.kind === 'answered' && answer.headers).toMatchObject({
      'x-one': 'a',
      'set-cookie': 'b=1, c=2',
      'retry-after': '5',
    });
    expect(answer.durationMs).toBeGreaterThanOrEqual(0);
  });

  test('that is a redirect is not followed', async () => {
    let requests = 0;
    const { answer } = await postTo((_, response) => {
      requests += 1;
      response.writeHead(302, { location: '/elsewhere' }).end();
    });
    expect(answer).toMatchObject({ kind: 'answered', status: 302 });
    expect(requests).toBe(1);
  });

  test.each([204, 400, 410, 429, 500, 503, 599])('of %d is an answer like others', async (status) => {
    const { answer } = await postTo((_, response) => response.writeHead(status).end());
    expect(answer).toMatchObject({ kind: 'answered', status, body: '', bodyTruncated: false });
  });

  test('that is compressed stays as it is', async () => {
    const { answer } = await postTo((_, response) => {
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('hello'));
    });
    expect(answer.kind === 'answered' && answer.body).toContain('\u001f\ufffd');
  });

  test('that is no UTF-8 is read lossily', async () => {
    const { answer } = await postTo((_, response) => response.end(Buffer.from([0x61, 0xff, 0x62])));
    expect(answer).toMatchObject({ body: 'a\ufffdb' });
  });

  test('of exactly 64 KiB is kept whole', async () => {
    const { answer } = await postTo((_, response) => response.end('x'.repeat(MAX_RESPONSE_BYTES)));
    expect(answer).toMatchObject({ status: 200, bodyTruncated: false });
    expect(answer.kind === 'answered' && answer.body.length).toBe(MAX_RESPONSE_BYTES);
  });

  test('of one byte more is kept to 64 KiB', async () => {
    const { answer } = await postTo((_, response) => response.end('x'.repeat(MAX_RESPONSE_BYTES + 1)));
    expect(answer).toMatchObject({ status: 200, bodyTruncated: true });
    expect(answer.kind === 'answered' && answer.body.length).toBe(MAX_RESPONSE_BYTES);
  });

  test('of 100 MB is read no further than it is kept, and its connection is closed', async () => {
    const total = 100 * 1024 * 1024;
    let written = 0;
    const { answer, receiver } = await postTo((_, response) => {
      response.writeHead(200, { 'content-length': total });
      pump(response, () => {
        written += 65_536;
        return written <= total;
      });
    });
    expect(answer).toMatchObject({ kind: 'answered', status: 200, bodyTruncated: true });
    await receiver.allClosed();
    expect(written).toBeLessThan(total / 4);
  });

  test('without end is ended', async () => {
    const { answer, receiver } = await postTo((_, response) => {
      response.writeHead(200);
      pump(response, () => true);
    });
    expect(answer).toMatchObject({ kind: 'answered', status: 200, bodyTruncated: true });
    await receiver.allClosed();
  });
});

/** Writes 64 KiB at a time for as long as the client takes them and `hasMore` says so. */
function pump(response: ServerResponse, hasMore: () => boolean) {
  const chunk = Buffer.alloc(65_536, 'x');
  const write = () => {
    while (!response.destroyed && hasMore()) if (!response.write(chunk)) return;
  };
  response.on('drain', write);
  write();
}

describe('the status line decides when the body', () => {
  const head = 'HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n';

  test('stalls: the answer counts, and ends with the time', async () => {
    const answer = await postToRaw(`${head}part`, 'stall', 200);
    expect(answer).toMatchObject({ kind: 'answered', status: 200, body: 'part', bodyTruncated: true });
    expect(answer.durationMs).toBeGreaterThanOrEqual(195);
  });

  test.each(['reset', 'end'] as const)('breaks off (%s)', async (then) => {
    const answer = await postToRaw(`${head}part`, then);
    expect(answer).toMatchObject({ kind: 'answered', status: 200, bodyTruncated: true });
  });

  test('drips: it is cut when the time is up, however often something comes', async () => {
    const { answer, receiver } = await postTo(
      (request, response) => {
        response.writeHead(500);
        const drip = setInterval(() => response.write('.'), 20);
        request.socket.on('close', () => clearInterval(drip));
      },
      { timeoutMs: 200 },
    );
    expect(answer).toMatchObject({ kind: 'answered', status: 500, bodyTruncated: true });
    expect(answer.durationMs).toBeLessThan(2_000);
    await receiver.allClosed();
  });
});

describe('no answer', () => {
  test('in time is a timeout, and the connection is closed', async () => {
    const { answer, receiver } = await postTo(() => {}, { timeoutMs: 200 });
    expect(answer).toMatchObject({ kind: 'failed', reason: 'timeout', detail: 'no answer within 0.2 s' });
    expect(answer.durationMs).toBeGreaterThanOrEqual(195);
    expect(answer.durationMs).toBeLessThan(2_000);
    await receiver.allClosed();
  });

  test('but headers that drip is a timeout as well', async () => {
    const receiver = await opening(
      tcpReceiver((socket) => {
        socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n'));
        const drip = setInterval(() => socket.write('x-drip: 1\r\n'), 20);
        socket.on('close', () => clearInterval(drip));
      }),
    );
    const answer = await client().post(to(receiver), { timeoutMs: 200 });
    expect(answer).toMatchObject({ kind: 'failed', reason: 'timeout' });
  });

  test('from a port where nothing listens is a refused connection', async () => {
    const receiver = await httpReceiver(() => {});
    await receiver[Symbol.asyncDispose]();
    const answer = await client().post(to(receiver));
    expect(answer).toMatchObject({
      kind: 'failed',
      reason: 'connection_refused',
      detail: 'the connection was refused',
    });
  });

  test('from a server that resets as soon as it is connected to', async () => {
    const receiver = await opening(tcpReceiver((socket) => socket.resetAndDestroy()));
    expect(await client().post(to(receiver))).toMatchObject({ kind: 'failed', reason: 'connection_reset' });
  });

  test.each(['reset', 'end'] as const)('from a server that reads and then closes (%s)', async (then) => {
    expect(await postToRaw('', then)).toMatchObject({ kind: 'failed', reason: 'connection_reset' });
  });

  test.each(['reset', 'end'] as const)('from a server that closes within the headers (%s)', async (then) => {
    expect(await postToRaw('HTTP/1.1 200 OK\r\nx-one: ', then)).toMatchObject({
      kind: 'failed',
      reason: 'connection_reset',
    });
  });

  test.each([
    ['other than HTTP', 'SSH-2.0-OpenSSH_9.2\r\n'],
    ['an upgrade', 'HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: x\r\n\r\n'],
    ['headers without end', `HTTP/1.1 200 OK\r\nx-one: ${'x'.repeat(100_000)}`],
    ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab'],
  ])('but %s', async (_, bytes) => {
    expect(await postToRaw(bytes, 'stall')).toMatchObject({ kind: 'failed', reason: 'protocol_error' });
  });

  test('from a URL that is none', async () => {
    expect(await client().post('nowhere')).toMatchObject({ kind: 'failed', reason: 'url_refused' });
  });

  test('never tells of the URL, its query or a header', async () => {
    const receiver = await httpReceiver(() => {});
    await receiver[Symbol.asyncDispose]();
    const http = client({ resolve: () => Promise.reject(new Error('getaddrinfo s3cret')) });
    const answers = await Promise.all([
      http.post(to(receiver, '/s3cret?s3cret')),
      http.post('http://s3cret.test/s3cret?token=s3cret', { headers: { 'X-Key': 's3cret' } }),
      http.post('https://127.0.0.1:1/s3cret', { headers: { 'X-Key': 'no\nheader s3cret' } }),
    ]);
    for (const answer of answers) expect(answer.kind).toBe('failed');
    expect(JSON.stringify(answers)).not.toContain('s3cret');
  });
});

describe('TLS', () => {
  const post = async (
    listener: () => Promise<Receiver>,
    host: string,
    options: Partial<HttpClientOptions>,
  ) => {
    const receiver = await opening(listener());
    return client(options).post(`https://${host}:${receiver.port}/`);
  };
  let wasReached = false;
  const receiver = () =>
    httpsReceiver((_, response) => {
      wasReached = true;
      response.end();
    });

  afterEach(() => {
    expect(wasReached).toBe(false);
  });

  test('a certificate that nobody vouches for is refused', async () => {
    expect(await post(receiver, '127.0.0.1', {})).toMatchObject({
      kind: 'failed',
      reason: 'tls',
      detail: 'the TLS connection was not trusted or not made (DEPTH_ZERO_SELF_SIGNED_CERT)',
    });
  });

  test('a certificate for another name is refused', async () => {
    const resolve = async () => [{ address: '127.0.0.1', family: 4 }];
    expect(await post(receiver, 'other.test', { ca: certificate.cert, resolve })).toMatchObject({
      kind: 'failed',
      reason: 'tls',
      detail: 'the TLS connection was not trusted or not made (ERR_TLS_CERT_ALTNAME_INVALID)',
    });
  });

  test('a server that speaks plain HTTP is refused', async () => {
    const plain = () => httpReceiver((_, response) => response.end());
    expect(await post(plain, '127.0.0.1', {})).toMatchObject({ kind: 'failed', reason: 'tls' });
  });
});

describe('addresses', () => {
  const resolving = (...answers: LookupAddress[][]) => {
    let asked = 0;
    return {
      resolve: async () => answers[Math.min(asked++, answers.length - 1)] ?? [],
      asked: () => asked,
    };
  };
  const ipv4 = (address: string): LookupAddress => ({ address, family: 4 });

  test.each([
    'http://127.0.0.1:PORT/',
    'http://127.1:PORT/',
    'http://2130706433:PORT/',
    'http://0x7f.1:PORT/',
    'http://[::ffff:127.0.0.1]:PORT/',
    'http://localhost:PORT/',
  ])('%s is blocked when it is not listed, and nothing connects', async (url) => {
    const receiver = await opening(httpReceiver((_, response) => response.end()));
    const http = client({ isAddressAllowed: (ip) => isAddressAllowed(ip, []) });
    const answer = await http.post(url.replace('PORT', String(receiver.port)));
    expect(answer).toMatchObject({
      kind: 'failed',
      reason: 'blocked_address',
      detail: 'the host has no address that webhooks may be sent to',
    });
    expect(receiver.connections()).toBe(0);
  });

  test('a name is resolved once for a connection, which goes to the address that was checked', async () => {
    const receiver = await opening(httpReceiver((_, response) => response.end('here')));
    const checked: string[] = [];
    // A hostile resolver: permitted when it is asked, forbidden should anyone ask again.
    const dns = resolving([ipv4('127.0.0.1')], [ipv4('10.0.0.1')]);
    const http = client({
      resolve: dns.resolve,
      connectionsPerOrigin: 1,
      isAddressAllowed: (ip) => checked.push(ip) > 0 && isAddressAllowed(ip, loopback),
    });
    const url = `http://rebinding.test:${receiver.port}/`;
    expect(await http.post(url)).toMatchObject({ kind: 'answered', body: 'here' });
    expect(await http.post(url)).toMatchObject({ kind: 'answered', body: 'here' });
    expect(dns.asked()).toBe(1);
    expect(checked).toEqual(['127.0.0.1']);
  });

  test('an answer that changes to a forbidden address is blocked at the next connection', async () => {
    const receiver = await opening(
      httpReceiver((_, response) => response.writeHead(200, { connection: 'close' }).end()),
    );
    const dns = resolving([ipv4('127.0.0.1')], [ipv4('10.0.0.1')]);
    const http = client({ resolve: dns.resolve });
    const url = `http://rebinding.test:${receiver.port}/`;
    expect(await http.post(url)).toMatchObject({ kind: 'answered' });
    expect(await http.post(url)).toMatchObject({ kind: 'failed', reason: 'blocked_address' });
    expect(receiver.connections()).toBe(1);
  });

  test('of several addresses only the permitted ones are tried', async () => {
    const forbidden = await opening(httpReceiver((_, response) => response.end('forbidden')));
    const dns = resolving([ipv4('127.0.0.1'), ipv4('127.0.0.2')]);
    const http = client({ resolve: dns.resolve, isAddressAllowed: (ip) => ip === '127.0.0.2' });
    // Nothing listens at 127.0.0.2.
    const answer = await http.post(`http://both.test:${forbidden.port}/`);
    expect(answer).toMatchObject({ kind: 'failed', reason: 'connection_refused' });
    expect(forbidden.connections()).toBe(0);
  });

  test('when one of the permitted addresses does not answer, the next is tried', async () => {
    const receiver = await opening(httpReceiver((_, response) => response.end('here')));
    const dns = resolving([ipv4('127.0.0.3'), ipv4('127.0.0.1')]);
    const answer = await client({ resolve: dns.resolve }).post(`http://both.test:${receiver.port}/`);
    expect(answer).toMatchObject({ kind: 'answered', body: 'here' });
  });

  test('a name without any address is blocked', async () => {
    const answer = await client({ resolve: async () => [] }).post('http://empty.test/');
    expect(answer).toMatchObject({ kind: 'failed', reason: 'blocked_address' });
  });

  test('a name that does not resolve is a failure of DNS', async () => {
    const resolve = () => Promise.reject(Object.assign(new Error('not found'), { code: 'ENOTFOUND' }));
    expect(await client({ resolve }).post('http://missing.test/')).toMatchObject({
      kind: 'failed',
      reason: 'dns',
      detail: 'the host name does not resolve (ENOTFOUND)',
    });
  });

  test("the system's resolver is asked when no other is given", async () => {
    expect(await client().post('http://does-not-exist.invalid/')).toMatchObject({
      kind: 'failed',
      reason: 'dns',
    });
    const receiver = await opening(httpReceiver((_, response) => response.end()));
    expect(await client().post(`http://localhost:${receiver.port}/`)).toMatchObject({ kind: 'answered' });
  });

  test('a resolver that does not answer ends with the time for a connection', async () => {
    const resolve = () => new Promise<LookupAddress[]>(() => {});
    const answer = await client({ resolve, connectTimeoutMs: 300 }).post('http://silent.test/', {
      timeoutMs: 150,
    });
    expect(answer).toMatchObject({
      kind: 'failed',
      reason: 'connect_timeout',
      detail: 'no connection within 0.15 s',
    });
  });
});

describe('many requests to one origin', () => {
  function gate() {
    const waiting: { request: IncomingMessage; response: ServerResponse }[] = [];
    let arrived = () => {};
    return {
      listener: ((request, response) => {
        waiting.push({ request, response });
        arrived();
      }) satisfies RequestListener,
      async holds(count: number) {
        while (waiting.length < count) await new Promise<void>((resolve) => (arrived = resolve));
      },
      open() {
        for (const { response } of waiting.splice(0)) response.end();
      },
      waiting,
    };
  }

  test('open no more connections than are permitted, and the others follow', async () => {
    const held = gate();
    const receiver = await opening(httpReceiver(held.listener));
    const http = client({ connectionsPerOrigin: 2 });
    const answers = Promise.all(Array.from({ length: 6 }, () => http.post(to(receiver))));
    for (let round = 0; round < 3; round += 1) {
      await held.holds(2);
      expect(held.waiting.length).toBe(2);
      held.open();
    }
    for (const answer of await answers) expect(answer).toMatchObject({ kind: 'answered', status: 200 });
    expect(receiver.connections()).toBe(2);
  });

  test('that find no free connection in time say so, and make none for it', async () => {
    const held = gate();
    const receiver = await opening(httpReceiver(held.listener));
    const http = client({ connectionsPerOrigin: 1 });
    const first = http.post(to(receiver));
    await held.holds(1);
    const others = await Promise.all(
      Array.from({ length: 5 }, () => http.post(to(receiver), { timeoutMs: 100 })),
    );
    for (const answer of others) expect(answer).toMatchObject({ kind: 'failed', reason: 'connection_limit' });
    held.open();
    expect(await first).toMatchObject({ kind: 'answered' });
    expect(await Promise.all([http.post(to(receiver)), held.holds(1).then(held.open)])).toMatchObject([
      { kind: 'answered' },
      undefined,
    ]);
    expect(receiver.connections()).toBe(1);
  });

  test('do not hold up another origin', async () => {
    const held = gate();
    const slow = await opening(httpReceiver(held.listener));
    const quick = await opening(httpReceiver((_, response) => response.end()));
    const http = client({ connectionsPerOrigin: 1 });
    const blocked = http.post(to(slow));
    await held.holds(1);
    expect(await http.post(to(quick))).toMatchObject({ kind: 'answered' });
    held.open();
    await blocked;
  });
});

describe('close', () => {
  test('waits for what is under way and refuses what comes later', async () => {
    let request: { response: ServerResponse } | undefined;
    const receiver = await opening(
      httpReceiver((_, response) => {
        request = { response };
      }),
    );
    const http = client();
    const answer = http.post(to(receiver));
    await expect.poll(() => request).toBeDefined();
    const closed = http.close();
    expect(await http.post(to(receiver))).toMatchObject({ kind: 'failed', reason: 'interrupted' });
    request?.response.end('done');
    expect(await answer).toMatchObject({ kind: 'answered', body: 'done' });
    await closed;
    await receiver.allClosed();
  });
});
