import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { createPostriderClient, dataOf, PostriderError } from '../../sdk/client/src/client.ts';
import { retryAfterMs } from '../../sdk/client/src/errors.ts';
import { createRetryingFetch, isRepeatable, usualRetries } from '../../sdk/client/src/retrying-fetch.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

type Reply = 'pass' | 'pass, then cut' | 'cut' | { status: number; headers?: Record<string, string> };

/** Before the API, and answers in its place, or loses its answer, as it is told; then lets all pass. */
async function flakyClient(replies: Reply[], retries = {}) {
  const tries: { method: string; url: string; key: string | undefined; body: string }[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString();
    const { method = '', url = '', headers } = request;
    tries.push({ method, url, key: headers['idempotency-key'] as string | undefined, body });
    const reply = replies.shift() ?? 'pass';
    if (reply === 'cut') return void request.socket.destroy();
    if (typeof reply === 'object') return void response.writeHead(reply.status, reply.headers).end('{}');
    const answer = await pass(request, body);
    if (reply === 'pass, then cut') return void request.socket.destroy();
    return void response
      .writeHead(answer.status, Object.fromEntries(answer.headers))
      .end(await answer.text());
  });
  const pass = (
    { method = '', url, headers: { authorization = '', 'idempotency-key': key } }: IncomingMessage,
    body: string,
  ) =>
    fetch(`${api.origin}${url}`, {
      method,
      headers: {
        authorization,
        'content-type': 'application/json',
        'accept-encoding': 'identity',
        ...(typeof key === 'string' ? { 'idempotency-key': key } : {}),
      },
      ...(body === '' ? {} : { body }),
    });
  server.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  const client = createPostriderClient({
    baseUrl: `http://127.0.0.1:${port}/`,
    apiKey: api.key,
    retries: { firstWaitMs: 1, ...retries },
  });
  return { client, tries };
}

describe('an event', () => {
  test('is stored once, under one id, however often it was tried', async () => {
    const { client, tries } = await flakyClient(['cut', 'pass, then cut', { status: 503 }, 'pass']);
    const accepted = await client.sendEvent({ type: 'sdk.once', data: { a: 1 } });
    expect(tries).toHaveLength(4);
    expect(new Set(tries.map(({ body }) => body)).size).toBe(1);
    expect(new Set(tries.map(({ key }) => key)).size).toBe(1);
    expect(accepted.id).toMatch(/^evt_[0-9a-f-]{36}$/);
    const { data } = dataOf(await client.GET('/v1/events', { params: { query: { type: 'sdk.once' } } }));
    expect(data.map(({ id }) => id)).toEqual([accepted.id]);
  });

  test('keeps its own id, and so do those of a batch', async () => {
    const { client, tries } = await flakyClient(['pass, then cut', 'pass']);
    const results = await client.sendEvents([
      { type: 'sdk.batch', data: {} },
      { type: 'sdk.batch', data: {}, id: 'mine-1' },
    ]);
    expect(results).toMatchObject([{ status: 'repeated' }, { status: 'repeated', id: 'mine-1' }]);
    expect(tries).toHaveLength(2);
    const again = await client.sendEvent({ type: 'sdk.batch', data: {}, id: 'mine-1' });
    expect(again.id).toBe('mine-1');
  });

  test('that is posted by its path alone is safe to repeat, too', async () => {
    const { client } = await flakyClient(['pass, then cut', 'pass']);
    dataOf(await client.POST('/v1/events', { body: { type: 'sdk.raw', data: {} } }));
    const { data } = dataOf(await client.GET('/v1/events', { params: { query: { type: 'sdk.raw' } } }));
    expect(data).toHaveLength(1);
  });
});

describe('what is tried again', () => {
  test('is not what may have been done and would be done twice', async () => {
    const body = { url: 'https://receiver.example/hooks', events: ['sdk.once'] };
    const cut = await flakyClient(['pass, then cut']);
    await expect(cut.client.POST('/v1/webhooks', { body })).rejects.toThrow('fetch failed');
    expect(cut.tries).toHaveLength(1);
    const limited = await flakyClient([{ status: 429, headers: { 'Retry-After': '0' } }]);
    expect(dataOf(await limited.client.POST('/v1/webhooks', { body })).id).toMatch(/^wh_/);
    expect(limited.tries).toHaveLength(2);
  });

  test('ends after so many tries, with the last answer', async () => {
    const { client, tries } = await flakyClient(new Array(9).fill({ status: 502 }), { tries: 3 });
    const failure = await client
      .list('/v1/webhooks')
      .next()
      .catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(PostriderError);
    expect(failure).toMatchObject({ status: 502, code: 'unknown', message: 'answered 502' });
    expect(tries).toHaveLength(3);
  });

  test('ends at once when the caller has had enough', async () => {
    const { client } = await flakyClient(
      new Array(9).fill({ status: 503, headers: { 'Retry-After': '20' } }),
    );
    const signal = AbortSignal.timeout(50);
    await expect(client.GET('/v1/webhooks', { signal })).rejects.toThrow();
  });

  test('waits as Retry-After says, or doubles its time, and never longer than it may', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({ status: fc.constantFrom(429, 502, 503, 504), retryAfter: fc.option(fc.nat(60)) }),
          { maxLength: 8 },
        ),
        fc.constantFrom('GET', 'POST'),
        async (answers, method) => {
          const waits: number[] = [];
          const asked: number[] = [];
          const retrying = createRetryingFetch({
            ...usualRetries,
            fetch: async () => {
              const { status, retryAfter } = answers[asked.length] ?? { status: 200, retryAfter: null };
              asked.push(status);
              const headers = retryAfter === null ? {} : { 'retry-after': `${retryAfter}` };
              return new Response('', { status, headers });
            },
            sleep: async (ms) => void waits.push(ms),
            random: () => 1,
          });
          const request = new Request('http://api.test/', { method });
          const { status } = await retrying(request);
          expect(status).toBe(asked.at(-1));
          expect(asked.length).toBeLessThanOrEqual(usualRetries.tries);
          for (const [index, ms] of waits.entries()) {
            const { status: before = 0, retryAfter = null } = answers[index] ?? {};
            expect(ms).toBe(retryAfter === null ? 250 * 2 ** index : retryAfter * 1000);
            expect(ms).toBeLessThanOrEqual(usualRetries.mostWaitMs);
            expect(before === 429 || isRepeatable(request)).toBe(true);
          }
        },
      ),
    );
  });

  test('Retry-After is read as seconds or as a date', () => {
    const now = Date.UTC(2026, 0, 1);
    expect(retryAfterMs('7', now)).toBe(7_000);
    expect(retryAfterMs(new Date(now + 9_000).toUTCString(), now)).toBe(9_000);
    expect(retryAfterMs(new Date(now - 9_000).toUTCString(), now)).toBe(0);
    for (const none of [null, '', 'soon', '-1']) expect(retryAfterMs(none, now)).toBeUndefined();
  });
});

describe('a list', () => {
  test('is gone through page by page, each row once, newest first', async () => {
    const { client, tries } = await flakyClient(['cut']);
    const ids: string[] = [];
    for (let count = 0; count < 5; count += 1)
      ids.unshift((await client.sendEvent({ type: 'sdk.listed', data: {} })).id);
    tries.length = 0;
    const rows = [];
    for await (const row of client.list('/v1/events', { query: { type: 'sdk.listed', limit: 2 } }))
      rows.push(row.id);
    expect(rows).toEqual(ids);
    expect(tries).toHaveLength(3);
    const pages = [];
    for await (const { data } of client.listPages('/v1/events', { query: { type: 'sdk.listed', limit: 2 } }))
      pages.push(data.length);
    expect(pages).toEqual([2, 2, 1]);
  });

  test('that is asked for wrongly fails with the parameter’s name', async () => {
    const { client } = await flakyClient([]);
    const rows = client.list('/v1/events', { query: { cursor: 'nonsense' } });
    const failure = await rows.next().catch((error: unknown) => error);
    expect(failure).toMatchObject({ status: 400, errors: [{ parameter: 'cursor' }] });
  });
});
