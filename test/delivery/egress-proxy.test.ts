import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, onTestFinished, test } from 'vitest';
import { openTunnel } from '../../delivery/egress-proxy.ts';
import { createHttpClient, type HttpClientOptions } from '../../delivery/http-client.ts';
import { isAddressAllowed, parseCidrs } from '../../webhook/address-policy.ts';
import { type ProxyBehaviour, startProxy } from './connect-proxy.ts';
import { certificate, httpReceiver, httpsReceiver, type Receiver } from './receivers.ts';

const loopback = parseCidrs('127.0.0.0/8');
const opened: AsyncDisposable[] = [];
afterEach(async () => {
  for (const resource of opened.splice(0).reverse()) await resource[Symbol.asyncDispose]();
});

async function opening<T extends AsyncDisposable>(resource: Promise<T>): Promise<T> {
  const ready = await resource;
  opened.push(ready);
  return ready;
}

const proxyThat = (behave?: ProxyBehaviour) => opening(startProxy(behave));
const plainReceiver = () => opening(httpReceiver((request, response) => response.end(request.headers.host)));
const resolvesTo =
  (...addresses: string[]) =>
  async () =>
    addresses.map((address) => ({ address, family: 4 }));

/** Posts through that proxy, from a client that may send to 127.0.0.0/8. */
function through(proxyUrl: string, options: Partial<HttpClientOptions> & { resolvesNames?: boolean } = {}) {
  const { resolvesNames = false, ...rest } = options;
  const http = createHttpClient({
    isAddressAllowed: (ip) => isAddressAllowed(ip, loopback),
    proxy: { url: new URL(proxyUrl), resolvesNames },
    ca: certificate.cert,
    ...rest,
  });
  opened.push({ [Symbol.asyncDispose]: () => http.close() });
  return (url: string, timeoutMs = 5_000) => http.post({ url, headers: {}, body: '{}', timeoutMs });
}

describe('an egress proxy', () => {
  test('is told the address that was checked, and the receiver the name; the connection is used again', async () => {
    const [proxy, receiver] = [await proxyThat(), await plainReceiver()];
    const post = through(proxy.url, { resolve: resolvesTo('127.0.0.1'), connectionsPerOrigin: 1 });
    for (let sent = 0; sent < 2; sent += 1) {
      const answer = await post(`http://receiver.test:${receiver.port}/hook`);
      expect(answer).toMatchObject({ kind: 'answered', body: `receiver.test:${receiver.port}` });
    }
    const target = `127.0.0.1:${receiver.port}`;
    expect(proxy.asked).toEqual([{ target, host: target, authorization: undefined }]);
  });

  test('leads to a receiver with TLS, whose certificate is for the name; it is told user name and password', async () => {
    const proxy = await proxyThat();
    const receiver = await opening(httpsReceiver((_, response) => response.end('ok')));
    const url = proxy.url.replace('//', '//us%20er:p%40ss@');
    const post = through(url, { resolve: resolvesTo('127.0.0.1') });
    expect(await post(`https://localhost:${receiver.port}/`)).toMatchObject({ status: 200 });
    expect(await post(`https://127.0.0.1:${receiver.port}/`)).toMatchObject({ status: 200 });
    expect(await post(`https://other.test:${receiver.port}/`)).toMatchObject({
      ...{ kind: 'failed', reason: 'tls', detail: expect.stringContaining('ALTNAME_INVALID') },
    });
    expect(proxy.asked.map(({ authorization }) => authorization)).toEqual(
      Array(3).fill(`Basic ${Buffer.from('us er:p@ss').toString('base64')}`),
    );
  });

  test.each([
    ['a forbidden address', 'http://10.0.0.1/'],
    ['a name that resolves to one', 'http://inner.test/'],
  ])('is not asked for %s', async (_, url) => {
    const proxy = await proxyThat();
    const answer = await through(proxy.url, { resolve: resolvesTo('10.0.0.1', '169.254.169.254') })(url);
    expect(answer).toMatchObject({ kind: 'failed', reason: 'blocked_address' });
    expect(proxy.asked).toEqual([]);
  });

  test('that does not reach one permitted address is told the next, and never a forbidden one', async () => {
    const proxy = await proxyThat((target) => (target.startsWith('127.0.0.2:') ? 502 : 'connect'));
    const receiver = await plainReceiver();
    const post = through(proxy.url, { resolve: resolvesTo('127.0.0.2', '10.0.0.1', '127.0.0.1') });
    expect(await post(`http://receiver.test:${receiver.port}/`)).toMatchObject({ status: 200 });
    expect(proxy.asked.map(({ target }) => target)).toEqual([
      `127.0.0.2:${receiver.port}`,
      `127.0.0.1:${receiver.port}`,
    ]);
  });

  test('is told the name where it is to resolve names, and forbidden addresses not even then', async () => {
    const [proxy, receiver] = [await proxyThat(), await plainReceiver()];
    const resolve = () => Promise.reject(new Error('nobody is asked'));
    const post = through(proxy.url, { resolvesNames: true, resolve });
    expect(await post(`http://localhost:${receiver.port}/`)).toMatchObject({ status: 200 });
    expect(await post('http://10.0.0.1/')).toMatchObject({ reason: 'blocked_address' });
    expect(proxy.asked.map(({ target }) => target)).toEqual([`localhost:${receiver.port}`]);
  });

  test('may itself be reached over TLS', async () => {
    const proxy = await opening(startProxy(undefined, { isTls: true }));
    const receiver = await plainReceiver();
    // Its certificate is nobody's whom Node trusts.
    const answer = await through(proxy.url)(`http://127.0.0.1:${receiver.port}/`);
    expect(answer).toMatchObject({
      reason: 'proxy',
      detail: expect.stringContaining('DEPTH_ZERO_SELF_SIGNED'),
    });
    expect(proxy.asked).toEqual([]);
  });
});

describe('a failure', () => {
  test.each([
    [407, 'proxy', 'answered 407'],
    [403, 'proxy', 'answered 403'],
    [500, 'proxy', 'answered 500'],
    [502, 'unreachable', 'the proxy answered 502'],
    [503, 'unreachable', 'the proxy answered 503'],
    [504, 'unreachable', 'the proxy answered 504'],
  ])('of a proxy that answers %i is %s', async (status, reason, words) => {
    const proxy = await proxyThat(() => status);
    const answer = await through(proxy.url)('http://127.0.0.1:9/');
    expect(answer).toMatchObject({ kind: 'failed', reason, detail: expect.stringContaining(words) });
  });

  test('of a proxy that is away is its own, and says nothing of its URL', async () => {
    const proxy = await proxyThat();
    await opened.pop()?.[Symbol.asyncDispose]();
    const answer = await through(proxy.url.replace('//', '//user:s3cret@'))('http://127.0.0.1:9/');
    const detail = 'the egress proxy on the side of the sender did not connect (ECONNREFUSED)';
    expect(answer).toMatchObject({ kind: 'failed', reason: 'proxy', detail });
  });

  test('of a proxy that takes no connection is its own as well, long before attempts are over', async () => {
    // It never begins with TLS.
    const silent = createServer().listen(0, '127.0.0.1');
    await once(silent, 'listening');
    onTestFinished(() => void silent.close());
    const sockets: Socket[] = [];
    silent.on('connection', (socket) => sockets.push(socket));
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
    });
    const { port } = silent.address() as AddressInfo;
    const proxy = { url: new URL(`https://127.0.0.1:${port}`), resolvesNames: false };
    const target = { host: '127.0.0.1', port: 9, signal: AbortSignal.timeout(60_000), connectMs: 100 };
    await expect(openTunnel(proxy, target)).rejects.toMatchObject({
      name: 'EgressProxyError',
      code: 'ETIMEDOUT',
    });
  });

  test('of a receiver that the proxy waits for is the receiver’s', async () => {
    const proxy = await proxyThat(() => 'hang');
    const answer = await through(proxy.url, { connectTimeoutMs: 200 })('http://127.0.0.1:9/');
    expect(answer).toMatchObject({ kind: 'failed', reason: 'connect_timeout' });
  });

  test('of DNS stays one', async () => {
    const proxy = await proxyThat();
    const resolve = () => Promise.reject(Object.assign(new Error('unknown'), { code: 'ENOTFOUND' }));
    expect(await through(proxy.url, { resolve })('http://missing.test/')).toMatchObject({ reason: 'dns' });
    const never = through(proxy.url, { resolve: () => new Promise(() => {}), connectTimeoutMs: 200 });
    expect(await never('http://slow.test/')).toMatchObject({ reason: 'connect_timeout' });
  });

  test('of the receiver’s TLS stays one', async () => {
    const proxy = await proxyThat();
    const receiver: Receiver = await plainReceiver();
    const answer = await through(proxy.url)(`https://127.0.0.1:${receiver.port}/`);
    expect(answer).toMatchObject({ kind: 'failed', reason: 'tls' });
  });
});
