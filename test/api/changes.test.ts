import { connect } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { newId } from '../../db/ids.ts';
import type { ChangesListener } from '../../delivery/changes-feed.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';
import { openPortal } from '../setup/browser.ts';
import { openEventStream } from '../setup/event-stream.ts';
import { waitFor } from '../setup/wait-for.ts';

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

const streams: { close(): Promise<void> }[] = [];
afterEach(async () => {
  vi.useRealTimers();
  for (const stream of streams.splice(0)) await stream.close();
});

async function listen(headers: Record<string, string> = { authorization: `Bearer ${api.key}` }, query = '') {
  const stream = await openEventStream(`${api.origin}/v1/changes${query}`, headers);
  streams.push(stream);
  await stream.message('ready', ({ event }) => event === 'ready');
  return stream;
}

const post = async (key = api.key) =>
  (await api.request('POST', '/v1/events', { body: { type: 'a', data: { secret: 'hunter2' } }, key })).json
    .id as string;

describe('GET /v1/changes', () => {
  test('streams changes, of this account alone, with nothing in them but ids and states', async () => {
    const stream = await listen();
    expect(stream.response.headers.get('content-type')).toMatch(/^text\/event-stream/);
    expect(stream.response.headers.get('cache-control')).toBe('no-store');
    await post(api.otherKey);
    const webhook = await api.request('POST', '/v1/webhooks', {
      body: { url: 'https://hunter2.test/', events: ['*'], description: 'hunter2' },
    });
    const id = await post();
    await stream.message('the event', ({ data }) => data.id === id);
    expect(stream.messages.map(({ event, data }) => [event, data])).toEqual([
      ['ready', {}],
      ['webhook', { id: webhook.json.id, endpoint_state: 'healthy' }],
      ['event', { id }],
    ]);
    expect(JSON.stringify(stream.messages)).not.toContain('hunter2');
  });

  test('goes on after the message that was seen last', async () => {
    const first = await listen();
    const seen = await post();
    const last = await first.message('the event', ({ data }) => data.id === seen);
    await first.close();
    const missed = await post();
    for (const [headers, query] of [
      [{ 'Last-Event-ID': String(last.id) }, ''],
      [{}, `?last_event_id=${last.id}`],
    ] as const) {
      const stream = await listen({ authorization: `Bearer ${api.key}`, ...headers }, query);
      expect(stream.messages.map(({ event, data }) => [event, data.id])).toEqual([
        ['event', missed],
        ['ready', undefined],
      ]);
    }
  });

  test('is for browsers, too, and ends when their session does', async () => {
    const { cookie, ask } = await openPortal(api, { account_id: api.otherAccountId, read_only: true });
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
    const stream = await openEventStream(`${api.origin}/v1/changes`, { cookie });
    streams.push(stream);
    await stream.message('ready', ({ event }) => event === 'ready');
    await vi.advanceTimersByTimeAsync(15_000);
    const id = await post(api.otherKey);
    await waitFor(async () => {
      await vi.advanceTimersByTimeAsync(500);
      return stream.messages.find(({ data }) => data.id === id);
    }, 'the event');
    await ask('DELETE', '/v1/session');
    await vi.advanceTimersByTimeAsync(15_000);
    await stream.ended();
  });

  test.each(['?last_event_id=x', '?last_event_id=-1', '?last_event_id=1e3', '?account_id=acct_1'])(
    '%s is refused',
    async (query) => {
      expect((await api.request('GET', `/v1/changes${query}`)).json).toMatchObject({
        status: 400,
        code: 'invalid_parameter',
      });
    },
  );

  test('answers HEAD and 429 at once', async () => {
    expect((await api.request('HEAD', '/v1/changes')).status).toBe(200);
    const full = await startTestApi({
      changes: { listen: () => undefined, cursor: () => 0, close: () => {} },
    });
    const answer = await full.request('GET', '/v1/changes');
    expect(answer.json).toMatchObject({ status: 429, code: 'too_many_listeners' });
    expect(answer.headers.get('content-type')).toMatch(/^application\/problem\+json/);
    await full.close();
  });

  test('keeps little for a client that does not read, and then tells it to read anew', async () => {
    let listener: ChangesListener | undefined;
    let hasLeft = false;
    const own = await startTestApi({
      changes: {
        listen(_, __, one) {
          listener = one;
          return () => {
            hasLeft = true;
          };
        },
        cursor: () => 7,
        close: () => {},
      },
    });
    const socket = connect(Number(new URL(own.origin).port), '127.0.0.1');
    socket.pause();
    socket.write(`GET /v1/changes HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${own.key}\r\n\r\n`);
    await waitFor(async () => listener, 'the client to listen');
    const many = Array.from({ length: 100 }, () => ({
      account_id: own.accountId,
      event: 'event' as const,
      data: { id: newId('evt').padEnd(1_000, 'x') },
    }));
    const rounds = 500;
    for (let n = 0; n < rounds; n++) {
      listener?.tell(many, n);
      if (n % 10 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    let text = '';
    let bytes = 0;
    socket.on('data', (chunk) => {
      bytes += chunk.length;
      text = (text + chunk.toString('latin1')).slice(-1_000);
    });
    socket.resume();
    await waitFor(
      async () => /event: reset\nid: 7\n/.test(text) || undefined,
      'the client to be told to read anew',
    );
    // What the system keeps for a connection is some megabytes; 50 were told.
    expect(bytes).toBeLessThan(rounds * 100_000 * 0.5);
    socket.destroy();
    await waitFor(async () => hasLeft || undefined, 'the listener to leave');
    await own.close();
  });
});
