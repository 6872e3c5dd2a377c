import { once } from 'node:events';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { Writable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { clientCertificate } from '../certificates/read.ts';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { startReceiver } from '../setup/receiver.ts';
import { startProxy } from './connect-proxy.ts';
import { certificate } from './receivers.ts';
import { startTokenServer } from './token-server.ts';

// All of it through one proxy, as an operator would have it.

/** What the proxy answers for a port instead of connecting to it. */
const refusals = new Map<string, number>();
const password = 'marker-proxy-password';
const lines: string[] = [];
let proxy: Awaited<ReturnType<typeof startProxy>>;
let postrider: TestPostrider;
beforeAll(async () => {
  proxy = await startProxy((target) => refusals.get(target.split(':')[1] ?? '') ?? 'connect');
  const sink = new Writable({
    write(chunk, _encoding, done) {
      lines.push(String(chunk));
      done();
    },
  });
  postrider = await startTestPostrider(
    { EGRESS_PROXY_URL: proxy.url.replace('//', `//postrider:${password}@`) },
    {
      log: pino({ level: 'trace' }, sink),
      resolve: async (name) => {
        const address = name === 'inner.test' ? '10.0.0.1' : '127.0.0.1';
        return [{ address, family: 4 }];
      },
    },
  );
});
afterAll(async () => {
  await postrider.close();
  await proxy[Symbol.asyncDispose]();
});

let types = 0;
/** A webhook of an event type of its own, whose events are posted and awaited. */
async function webhookOf(settings: object) {
  types += 1;
  const type = `way.${types}`;
  const webhook = await postrider.createWebhook({
    events: [type],
    retry_schedule: { delays_ms: [0] },
    ...settings,
  });
  const send = async (status: string) => {
    const event = await postrider.postEvent({ type, data: {} });
    const { id } = await postrider.deliveryIs(event.id, status);
    return (await postrider.request('GET', `/v1/deliveries/${id}`)).json.attempts;
  };
  const stateOf = async () =>
    (await postrider.request('GET', `/v1/webhooks/${webhook.id}`)).json.endpoint_state;
  return { ...webhook, send, stateOf };
}

/** The value of one of our counters. */
async function counted(name: string, labels: string): Promise<number> {
  const response = await fetch(`${postrider.apiUrl()}/metrics`);
  const line = (await response.text()).split('\n').find((one) => one.startsWith(`${name}{${labels}`));
  return Number(line?.split(' ').at(-1));
}

describe('an OAuth 2 receiver', () => {
  test('gets a token that is kept, and another one once it refuses that, within one attempt each', async () => {
    const tokens = await startTokenServer();
    const taken = ['Bearer token-1'];
    const receiver = await startReceiver(({ headers }) =>
      taken.includes(headers.authorization ?? '') ? 200 : 401,
    );
    const { send } = await webhookOf({
      url: receiver.url,
      auth: { type: 'oauth2', token_url: tokens.url, client_id: 'id', client_secret: 's3cret', scope: 'a b' },
    });
    for (let sent = 0; sent < 2; sent += 1) await send('succeeded');
    expect(tokens.asked.map(({ form }) => form)).toEqual([
      { grant_type: 'client_credentials', scope: 'a b' },
    ]);
    taken.splice(0, 1, 'Bearer token-2');
    const attempts = await send('succeeded');
    expect(attempts).toMatchObject([{ response_status: 200, request_headers: { Authorization: '•••' } }]);
    expect(receiver.received.map(({ headers }) => headers.authorization)).toEqual([
      ...['Bearer token-1', 'Bearer token-1', 'Bearer token-1', 'Bearer token-2'],
    ]);
    // The repeat is the same request but for the token.
    const [refused, repeated] = receiver.received.slice(2);
    expect(repeated).toMatchObject({
      body: refused?.body,
      headers: { 'webhook-signature': refused?.headers['webhook-signature'] },
    });
    expect(await counted('postrider_token_requests_total', 'outcome="succeeded"')).toBe(2);
    await tokens[Symbol.asyncDispose]();
    await receiver.close();
  });

  test('whose token endpoint refuses is a failed attempt that says so', async () => {
    const body = { error: 'invalid_client', error_description: 's3cret' };
    const tokens = await startTokenServer(() => ({ status: 401, body }));
    const receiver = await startReceiver();
    const auth = { type: 'oauth2', token_url: tokens.url, client_id: 'id', client_secret: 's3cret' };
    const { send, stateOf } = await webhookOf({ url: receiver.url, auth });
    const [attempt] = await send('failed');
    expect(attempt).toMatchObject({
      reason: 'no_token',
      detail: 'no access token could be had: the token endpoint answered 401 (invalid_client)',
      ...{ request_headers: {}, request_body: null },
    });
    expect(JSON.stringify(attempt)).not.toContain('s3cret');
    expect(receiver.received).toEqual([]);
    expect(await stateOf()).toBe('failing');
    await tokens[Symbol.asyncDispose]();
    await receiver.close();
  });
});

test('a receiver that wants a client certificate, its own from no public authority, gets the webhook’s', async () => {
  const names: (string | undefined)[] = [];
  const server = createServer(
    { ...certificate, ca: clientCertificate.certificate, requestCert: true, rejectUnauthorized: false },
    ({ socket }, response) => {
      names.push((socket as TLSSocket).getPeerCertificate().subject?.CN as string | undefined);
      response.end();
    },
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `https://localhost:${(server.address() as AddressInfo).port}/hook`;
  const { id, send } = await webhookOf({
    ...{ url, client_certificate: clientCertificate, server_ca: certificate.cert },
  });
  await send('succeeded');
  await postrider.request('PATCH', `/v1/webhooks/${id}`, { client_certificate: null });
  await send('succeeded');
  await postrider.request('PATCH', `/v1/webhooks/${id}`, { server_ca: null });
  expect(await send('failed')).toMatchObject([{ reason: 'tls' }]);
  expect(names).toEqual(['postrider', undefined]);
  server.close();
});

describe('an egress proxy', () => {
  test('is told checked addresses, and never one that is forbidden', async () => {
    const receiver = await startReceiver();
    const { port } = new URL(receiver.url);
    await (await webhookOf({ url: `http://receiver.test:${port}/` })).send('succeeded');
    expect(proxy.asked.at(-1)).toMatchObject({ target: `127.0.0.1:${port}` });
    expect(receiver.received[0]?.headers.host).toBe(`receiver.test:${port}`);
    const asked = proxy.asked.length;
    const [blocked] = await (await webhookOf({ url: `http://inner.test:${port}/` })).send('failed');
    expect(blocked).toMatchObject({ reason: 'blocked_address' });
    expect(proxy.asked).toHaveLength(asked);
    await receiver.close();
  });

  /** A receiver that the proxy answers for so, until that is taken back. */
  async function refused(status: number, settings: object) {
    const receiver = await startReceiver();
    const { port } = new URL(receiver.url);
    refusals.set(port, status);
    const { id, send, ...rest } = await webhookOf({ url: receiver.url, ...settings });
    const attempts = async () => (await postrider.request('GET', `/v1/webhooks/${id}/logs`)).json.data;
    return { ...rest, ...{ send, attempts, receiver }, letThrough: () => refusals.delete(port) };
  }

  test('that refuses is not the endpoint’s fault, and costs a delivery no step of its schedule', async () => {
    const { send, stateOf, attempts, receiver, letThrough } = await refused(407, {
      health: { count: 'attempts', failures: 1 },
    });
    const before = await counted('postrider_proxy_connections_total', 'outcome="failed"');
    const delivered = send('succeeded');
    // Its schedule has one step.
    await expect.poll(async () => (await attempts()).length, { timeout: 20_000 }).toBeGreaterThan(1);
    expect(await stateOf()).toBe('healthy');
    letThrough();
    const all: { number: number; reason: string | null }[] = await delivered;
    expect(all.map(({ reason }) => reason)).toEqual([...Array(all.length - 1).fill('proxy'), null]);
    expect(receiver.received).toHaveLength(1);
    expect(await counted('postrider_proxy_connections_total', 'outcome="failed"')).toBe(
      before + all.length - 1,
    );
    await receiver.close();
  });

  test('that did not reach the receiver says so of that, and its endpoint is disabled', async () => {
    const settings = { health: { count: 'attempts', failures: 1 } };
    const { send, stateOf, receiver } = await refused(503, settings);
    const before = await counted('postrider_proxy_connections_total', 'outcome="unreached"');
    expect(await send('failed')).toMatchObject([{ reason: 'unreachable' }]);
    await expect.poll(stateOf, { timeout: 10_000 }).toBe('disabled');
    expect(await counted('postrider_proxy_connections_total', 'outcome="unreached"')).toBe(before + 1);
    await receiver.close();
  });

  test('has its password in no line of the log', () => {
    expect(proxy.asked[0]?.authorization).toBe(
      `Basic ${Buffer.from(`postrider:${password}`).toString('base64')}`,
    );
    const log = lines.join('');
    expect(log).toContain('attempt failed');
    for (const secret of [password, Buffer.from(`postrider:${password}`).toString('base64'), 's3cret']) {
      expect(log).not.toContain(secret);
    }
  });
});
