import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { startReceiver } from '../setup/receiver.ts';

let postrider: TestPostrider;
beforeAll(async () => {
  // 30 s, 2 m, 8 m, 32 m, 2 h become 3, 12, 48, 192 and 720 ms.
  postrider = await startTestPostrider({ SCHEDULE_SCALE: '0.0001' });
});
afterAll(() => postrider.close());

const profile = 'inbox-components';
const data = { id: '0195f17d-0031-7b10-ac8b-454e0f57a85d', body: 'test' };

describe('inbox-components', () => {
  test('makes one attempt and 5 retries, all with the same key and bytes, then gives up', async () => {
    const receiver = await startReceiver(() => 500);
    // Its five failures in a row would disable it before the last retry.
    const health = { failures: 100 };
    await postrider.createWebhook({ url: receiver.url, events: ['message.sent'], profile, health });
    const event = await postrider.postEvent({ type: 'message.sent', data });
    expect(await postrider.deliveryIs(event.id, 'failed')).toMatchObject({ attempt_count: 6 });
    expect(receiver.received).toHaveLength(6);
    expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
    await receiver.close();
  });

  test('sends another key for each event, also when two have the same data', async () => {
    const receiver = await startReceiver((_, index) => (index === 0 ? 503 : 200));
    await postrider.createWebhook({ url: receiver.url, events: ['message.received'], profile });
    for (let count = 0; count < 3; count++) {
      const event = await postrider.postEvent({ type: 'message.received', data });
      await postrider.deliveryIs(event.id, 'succeeded');
    }
    const sent = receiver.received.map(({ body }) => JSON.parse(body));
    expect(sent).toHaveLength(4);
    expect(sent.map(({ id }) => id)).toEqual(Array(4).fill(data.id));
    const keys = sent.map((body) => body.idempotency_key);
    for (const key of keys) expect(key).toMatch(/^[0-9a-f]{64}$/);
    expect(keys[1]).toBe(keys[0]);
    expect(new Set(keys).size).toBe(3);
    await receiver.close();
  });

  test('is refused over plain http, with the reason, but for addresses that the operator lists', async () => {
    const register = (url: string) =>
      postrider.request('POST', '/v1/webhooks', { url, events: ['message.sent'], profile });
    const refused = await register('http://yourdomain.com/webhooks/inbox');
    expect(refused.json).toMatchObject({
      status: 422,
      errors: [{ pointer: '/url', detail: 'only https:// URLs: plain http is not encrypted' }],
    });
    expect((await register('https://yourdomain.com/webhooks/inbox')).status).toBe(201);
    expect((await register('http://127.0.0.1:3999/webhooks/inbox')).status).toBe(201);
  });
});
