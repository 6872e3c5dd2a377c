import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import fc from 'fast-check';
import { Webhook } from 'standardwebhooks';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { messagesOf } from '../../cli/listen/event-stream.ts';
import { pulledOf } from '../../cli/listen/pulled-stream.ts';
import { lastingPorts } from '../setup/lasting-ports.ts';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';
import { postrider as runCli } from './run.ts';

it('reads messages of a stream wherever it is cut', async () => {
  const message = fc.record({
    event: fc.constantFrom('delivery', 'ready'),
    id: fc.stringMatching(/^[a-zA-Z0-9]{1,8}$/),
    data: fc.json(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(message), fc.array(fc.nat(200)), async (messages, cuts) => {
      const text = messages.map(
        ({ event, id, data }) => `: hi\n\nevent: ${event}\nid: ${id}\ndata: ${data}\n\n`,
      );
      const bytes = new TextEncoder().encode(text.join(''));
      const at = [0, ...cuts.filter((cut) => cut < bytes.length).sort((a, b) => a - b), bytes.length];
      async function* chunks() {
        for (let index = 1; index < at.length; index++) yield bytes.slice(at[index - 1], at[index]);
      }
      const read = [];
      for await (const one of messagesOf(chunks())) if (one !== null) read.push(one);
      expect(read).toEqual(messages);
    }),
  );
});

it('goes on after the last message, and tells of no loss, where a stream ends in order', async () => {
  const asked: (string | undefined)[] = [];
  const server = createServer(({ headers }, response) => {
    asked.push(headers['last-event-id'] as string | undefined);
    const n = asked.length;
    response.writeHead(200, { 'Content-Type': 'text/event-stream' });
    response.write('event: ready\ndata: {"timeout_ms":1000}\n\n');
    response.end(
      `event: delivery\nid: c${n}\ndata: {"n":${n}}\n\nevent: ${n < 3 ? 'again' : 'gone'}\ndata: {}\n\n`,
    );
  });
  server.listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  const lost: string[] = [];
  const pulled: unknown[] = [];
  for await (const one of pulledOf({
    ...{
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      apiKey: 'key',
      webhookId: 'wh_1',
    },
    ...{ window: 8, signal: new AbortController().signal, onConnected: () => {} },
    onLost: (why) => lost.push(why),
  })) {
    pulled.push(one);
  }
  expect(pulled).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }]);
  expect(asked).toEqual([undefined, 'c1', 'c2']);
  expect(lost).toEqual([]);
});

describe('postrider listen', () => {
  let postrider: TestPostrider;
  let env: Record<string, string>;
  beforeAll(async () => {
    const [port] = await lastingPorts(1);
    postrider = await startTestPostrider({ PORT: String(port) });
    env = { POSTRIDER_URL: postrider.apiUrl(), POSTRIDER_API_KEY: postrider.key };
  });
  afterAll(() => postrider.close());

  it('forwards the same bytes in order, tells what was answered, goes on after a restart, and tidies up', async () => {
    const receiver = await startReceiver((_, index) => (index === 1 ? 500 : 200));
    const stop = new AbortController();
    const running = runCli(['listen', '--forward', receiver.url, '--events', 'listen.*', '--json'], {
      env,
      signal: stop.signal,
    });
    const webhook = await waitFor(
      async () => (await postrider.request('GET', '/v1/webhooks')).json.data[0],
      'the webhook of the command',
    );
    expect(webhook).toMatchObject({ url: null, events: ['listen.*'], lapses_after_s: 3_600 });
    const events = [];
    for (const n of [1, 2]) events.push(await postrider.postEvent({ type: 'listen.test', data: { n } }));
    await receiver.gets(3);
    await postrider.restart();
    events.push(await postrider.postEvent({ type: 'listen.test', data: { n: 3 } }));
    await receiver.gets(4);
    const ended = await Promise.all(events.map(({ id }) => postrider.deliveryIs(id, 'succeeded')));
    const { json } = await postrider.request('GET', `/v1/deliveries/${ended[1].id}`);
    expect(json.attempts).toMatchObject([
      { number: 1, trigger: 'pull', response_status: 500, succeeded: false },
      { number: 2, trigger: 'pull', response_status: 200, succeeded: true },
    ]);
    stop.abort();
    const { code, out } = await running;
    expect(code).toBe(0);
    const [beginning, ...told] = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(told.map(({ response_status, attempt }) => [response_status, attempt])).toEqual([
      [200, 1],
      [500, 1],
      [200, 2],
      [200, 1],
    ]);
    for (const { body, headers } of receiver.received) {
      new Webhook(beginning.secret).verify(body, headers as Record<string, string>);
    }
    const numbers = receiver.received.map(({ body }) => JSON.parse(body).data.n);
    expect(numbers).toEqual([1, 2, 2, 3]);
    expect((await postrider.request('GET', `/v1/webhooks/${webhook.id}`)).status).toBe(404);
    await receiver.close();
  }, 90_000);

  it('says what is wrong with its command line', async () => {
    for (const [argv, what] of [
      [['listen'], '--forward'],
      [['listen', '-f', 'ftp://x'], '--forward'],
      [['listen', '-f', 'http://x', '--concurrency', '0'], '--concurrency'],
      [['listen', '-f', 'http://x', '--webhook', 'wh_1', '-e', 'a'], '--webhook'],
    ] as const) {
      const { code, err } = await runCli([...argv], { env });
      expect([code, err]).toEqual([2, expect.stringContaining(what)]);
    }
  });
});
