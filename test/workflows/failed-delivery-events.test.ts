import { pino } from 'pino';
import { afterEach, expect, test } from 'vitest';
import { newId } from '../../db/ids.ts';
import { recordAttempts } from '../../db/record-attempts.ts';
import { untoldFailures } from '../../db/schema.ts';
import { openStorage } from '../../storage.ts';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { type Receiver, type Reply, startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

let postrider: TestPostrider;
const receivers: Receiver[] = [];
afterEach(async () => {
  await postrider.close();
  for (const receiver of receivers.splice(0)) await receiver.close();
});

async function receiver(reply: Reply = 200) {
  const one = await startReceiver(() => reply);
  receivers.push(one);
  return one;
}
const bodies = (of: Receiver) => of.received.map(({ body }) => JSON.parse(body));
const typesAt = (of: Receiver) => bodies(of).map(({ type }) => type);
const list = async (path: string) => (await postrider.request('GET', path)).json.data;

test('a failed delivery is told to those who asked: not to its own endpoint, not to the star, not of itself', async () => {
  postrider = await startTestPostrider();
  const [broken, ops, alsoBroken, star] = [
    await receiver(500),
    await receiver(),
    await receiver(400),
    await receiver(),
  ];
  const retry_schedule = { delays_ms: [0, 10] };
  const failing = await postrider.createWebhook({
    ...{ url: broken.url, events: ['order.paid', 'delivery.failed', 'delivery.*'], retry_schedule },
    headers: { 'X-Token': 'hunter2' },
  });
  await postrider.createWebhook({ url: ops.url, events: ['delivery.failed'] });
  const deaf = await postrider.createWebhook({
    ...{ url: alsoBroken.url, events: ['delivery.*'], retry_schedule },
  });
  await postrider.createWebhook({ url: star.url, events: ['*'] });

  for (let failure = 1; failure <= 2; failure++) {
    const posted = await postrider.postEvent({ type: 'order.paid', data: { order: 'hunter2' } });
    await ops.gets(failure);
    const [delivery] = await list(`/v1/deliveries?event_id=${posted.id}&webhook_id=${failing.id}`);
    const { attempts } = (await postrider.request('GET', `/v1/deliveries/${delivery.id}`)).json;
    const told = bodies(ops).at(-1);
    expect(told).toMatchObject({ type: 'delivery.failed' });
    expect(told.data).toEqual({
      delivery_id: delivery.id,
      event_id: posted.id,
      event_type: 'order.paid',
      webhook_id: failing.id,
      attempts: 2,
      reason: 'answered 500',
      failed_at: new Date(Date.parse(attempts[1].started_at) + attempts[1].duration_ms).toISOString(),
    });
    expect(ops.received.at(-1)?.headers).toMatchObject({
      'x-inbox-signature': expect.stringMatching(/^sha256=[0-9a-f]{64}$/),
      'webhook-id': told.id,
    });
    // The one who does not take it: its own failure is not told to the others.
    await waitFor(async () => {
      const failed = await list(`/v1/deliveries?webhook_id=${deaf.id}&status=failed`);
      return failed.length === failure ? failed : undefined;
    }, 'the news to fail');
  }
  expect(await list('/v1/events?type=delivery.failed')).toHaveLength(2);
  expect(typesAt(ops)).toEqual(['delivery.failed', 'delivery.failed']);
  expect(new Set(typesAt(broken))).toEqual(new Set(['order.paid']));
  await star.gets(2);
  expect(typesAt(star)).toEqual(['order.paid', 'order.paid']);
  expect(JSON.stringify(bodies(ops))).not.toContain('hunter2');
}, 90_000);

test('a process that dies between the record of a failure and its telling: the sweep tells it, once', async () => {
  postrider = await startTestPostrider({ SCHEDULE_SCALE: '1' });
  const [broken, ops] = [await receiver(500), await receiver()];
  const failing = await postrider.createWebhook({ url: broken.url, events: ['order.paid'] });
  await postrider.createWebhook({ url: ops.url, events: ['delivery.failed'] });
  const posted = await postrider.postEvent({ type: 'order.paid', data: {} });
  const delivery = await waitFor(async () => {
    const [one] = await list(`/v1/deliveries?event_id=${posted.id}`);
    return one.attempt_count === 1 ? one : undefined;
  }, 'the first attempt');
  const [account] = await list('/v1/accounts');
  await postrider.stop();

  // All that such a process leaves: the attempt is recorded, in one statement, and nothing more.
  const { config } = postrider;
  const log = pino({ level: 'silent' });
  const { database } = await openStorage(config, { folder: config.DATA_DIR, poolSize: 2, log });
  await recordAttempts(database.db, [
    {
      ...{ id: newId('att'), delivery_id: delivery.id, webhook_id: failing.id, account_id: account.id },
      ...{ trigger: 'schedule', started_at: new Date(), duration_ms: 5, url: broken.url },
      ...{ request_headers: {}, succeeded: false, reason: 'http_status', detail: 'answered 500' },
      ...{ response_status: 500, response_headers: null, response_body: null, response_truncated: false },
      next_attempt_at: null,
    },
  ]);
  expect(await database.db.$count(untoldFailures)).toBe(1);
  await database.close();

  await postrider.start();
  // How soon the sweep finds what is overdue is sweep.test.ts's.
  await ops.gets(1);
  expect(bodies(ops)).toMatchObject([
    { type: 'delivery.failed', data: { delivery_id: delivery.id, event_id: posted.id, attempts: 2 } },
  ]);
  // The sweep's next rounds, of this process and of one after it, find nothing left.
  await postrider.restart();
  expect(await list('/v1/events?type=delivery.failed')).toHaveLength(1);
  await postrider.stop();
  const again = await openStorage(config, { folder: config.DATA_DIR, poolSize: 2, log });
  expect(await again.database.db.$count(untoldFailures)).toBe(0);
  await again.database.close();
  await postrider.start();
  expect(ops.received).toHaveLength(1);
}, 90_000);
