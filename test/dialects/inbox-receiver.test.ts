import type { AddressInfo } from 'node:net';
import express from 'express';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { golden, verifySignature } from '../webhook/events.ts';

let postrider: TestPostrider;
beforeAll(async () => {
  postrider = await startTestPostrider();
});
afterAll(() => postrider.close());

interface Handled {
  delivered: unknown[];
  read: unknown[];
  others: unknown[];
}

/** The receiver of seed 003, its code as it stands there; the secret reaches `verifySignature` as in its "Usage". */
async function startDocumentsReceiver(handled: Handled) {
  const env: { INBOX_WEBHOOK_SECRET?: string } = {};
  const app = express();
  const run = new Function(
    ...['app', 'express', 'verifySignature', 'handleMessageDelivered', 'handleMessageRead', 'console'],
    golden('seed-003-receiver.js'),
  );
  run(
    app,
    express,
    (payload: Buffer, signature: string) =>
      verifySignature(payload, signature, env.INBOX_WEBHOOK_SECRET ?? ''),
    (data: unknown) => handled.delivered.push(data),
    (data: unknown) => handled.read.push(data),
    { log: (_words: string, type: unknown) => handled.others.push(type) },
  );
  const server = app.listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    env,
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/webhooks/inbox`,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

test('the receiver of seed 003 accepts every request, and none when its secret is another', async () => {
  const handled: Handled = { delivered: [], read: [], others: [] };
  const receiver = await startDocumentsReceiver(handled);
  const { id, secret } = await postrider.createWebhook({
    url: receiver.url,
    events: ['message.delivered', 'message.read', 'message.failed', 'message.action'],
    retry_schedule: { delays_ms: [0] },
  });
  expect(id).toMatch(/^wh_/);
  receiver.env.INBOX_WEBHOOK_SECRET = secret;
  const documents = ['delivered', 'read', 'failed', 'action'].map((name) =>
    JSON.parse(golden(`inbox-message.${name}`)),
  );
  for (const { type, data } of documents) {
    const event = await postrider.postEvent({ type, data });
    expect(event.id).toMatch(/^evt_/);
    await postrider.deliveryIs(event.id, 'succeeded');
  }
  expect(handled).toEqual({
    delivered: [documents[0].data],
    read: [documents[1].data],
    others: ['message.failed', 'message.action'],
  });

  const rotated = await postrider.request('POST', `/v1/webhooks/${id}/rotate-secret`);
  expect(rotated.status).toBe(200);
  const refused = await postrider.postEvent({ type: 'message.read', data: {} });
  expect(await postrider.deliveryIs(refused.id, 'failed')).toMatchObject({ reason: 'answered 401' });
  receiver.env.INBOX_WEBHOOK_SECRET = rotated.json.secret;
  const accepted = await postrider.postEvent({ type: 'message.read', data: {} });
  await postrider.deliveryIs(accepted.id, 'succeeded');
  await receiver.close();
});
