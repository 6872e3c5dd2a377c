import { join } from 'node:path';
import { afterEach, expect, it } from 'vitest';
import { compileChild, startChild } from '../children/run-child.ts';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { type Receiver, startReceiver } from '../setup/receiver.ts';

let postrider: TestPostrider | undefined;
let receiver: Receiver | undefined;
afterEach(async () => {
  await postrider?.close();
  await receiver?.close();
});

it('delivers what a process stored that was killed before it could start the workflow', async () => {
  const child = await compileChild('accept-and-die.ts');
  receiver = await startReceiver();
  postrider = await startTestPostrider();
  const webhook = await postrider.createWebhook({ url: receiver.url, events: ['message.*'] });
  const account = (await postrider.request('GET', '/v1/accounts')).json.data[0].id;
  await postrider.stop();

  const { DATABASE_URL: url, DATA_DIR: folder } = postrider.config;
  const killed = startChild(child, [account, 'message.read', join(folder, 'database')], {
    ...process.env,
    DATABASE_URL: url ?? '',
  });
  const eventId = await killed.nextLine();
  expect((await killed.exited).signal).toBe('SIGKILL');
  await expect(postrider.temporal.workflow.getHandle(`deliver/${eventId}`).describe()).rejects.toThrow();

  await postrider.start();
  // Without the sweep it would never go out; the full form of the faults holds it to the 15 s that are promised.
  await receiver.gets(1);
  const delivery = await postrider.deliveryIs(eventId, 'succeeded');
  expect(delivery).toMatchObject({ webhook_id: webhook.id, attempt_count: 1 });
}, 90_000);

it('goes on with waiting retries, without an attempt too many, when Postrider is stopped and started', async () => {
  receiver = await startReceiver((_, index) => (index === 0 ? 500 : 200));
  postrider = await startTestPostrider({ SCHEDULE_SCALE: '0.1' });
  await postrider.createWebhook({ url: receiver.url, events: ['message.*'] });
  const event = await postrider.postEvent({ type: 'message.read', data: {} });
  await receiver.gets(1);
  await postrider.restart();
  await receiver.gets(2);
  const waited = receiver.received[1]!.at - receiver.received[0]!.at;
  expect(waited).toBeGreaterThanOrEqual(2_995);
  expect(await postrider.deliveryIs(event.id, 'succeeded')).toMatchObject({ attempt_count: 2 });
}, 60_000);

it('starts nothing twice: a delivery whose workflow is waiting is left to it', async () => {
  receiver = await startReceiver(() => 500);
  postrider = await startTestPostrider({ SCHEDULE_SCALE: '1' });
  await postrider.createWebhook({ url: receiver.url, events: ['message.*'] });
  const event = await postrider.postEvent({ type: 'message.read', data: {} });
  await receiver.gets(1);
  const handle = await postrider.startedWorkflow(
    (await postrider.request('GET', `/v1/events/${event.id}`)).json.deliveries[0].workflow_id,
  );
  const { runId } = await handle.describe();
  await postrider.restart();
  expect((await handle.describe()).runId).toBe(runId);
  expect(receiver.received).toHaveLength(1);
}, 60_000);
