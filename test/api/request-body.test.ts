import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { type Receiver, startReceiver } from '../setup/receiver.ts';

let postrider: TestPostrider;
let receiver: Receiver;
beforeAll(async () => {
  receiver = await startReceiver((_, index) => (index === 0 ? 503 : 200));
  postrider = await startTestPostrider();
});
afterAll(async () => {
  await postrider.close();
  await receiver.close();
});

test('an attempt shows the very bytes that its receiver got, and the list what it was last answered', async () => {
  const profiles = ['inbox', 'inbox-components', 'omnichannel', 'standard'];
  const data = { message: { text: 'Größe 漢字', z: 1, a: [1e21, null] }, conversation: { id: 'c' } };
  for (const profile of profiles) {
    const webhook = await postrider.createWebhook({
      url: receiver.url,
      events: [`body.${profile}`],
      profile,
    });
    const before = receiver.received.length;
    const { id } = await postrider.postEvent({ type: `body.${profile}`, data });
    const { id: deliveryId } = await postrider.deliveryIs(id, 'succeeded');
    const { json } = await postrider.request('GET', `/v1/deliveries/${deliveryId}`);
    const got = receiver.received.slice(before);
    expect(json.attempts.map((one: { request_body: string }) => one.request_body)).toEqual(
      got.map(({ body }) => body),
    );
    const listed = await postrider.request('GET', `/v1/deliveries?webhook_id=${webhook.id}`);
    expect(listed.json.data).toMatchObject([{ id: deliveryId, response_status: 200 }]);
  }
  expect(receiver.received).toHaveLength(profiles.length + 1);
}, 60_000);

test('an event that is sent again to a webhook that is newer arrives there, with the same id and body', async () => {
  const { id } = await postrider.postEvent({ type: 'again', data: { n: 1 } });
  const webhook = await postrider.createWebhook({ url: receiver.url, events: ['again'] });
  const before = receiver.received.length;
  const first = await postrider.request('POST', `/v1/events/${id}/resend`);
  expect(first.status).toBe(202);
  await postrider.deliveryIs(id, 'succeeded');
  await postrider.request('POST', `/v1/events/${id}/resend`, { webhook_id: webhook.id });
  await receiver.gets(before + 2);
  const [one, two] = receiver.received.slice(before);
  expect(one?.headers['webhook-id']).toBe(id);
  expect([two?.headers['webhook-id'], two?.body]).toEqual([id, one?.body]);
}, 60_000);
