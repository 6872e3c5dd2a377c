import { afterAll, beforeAll, expect, test } from 'vitest';
import type { EndpointEventData } from '../../webhook/operational-types.ts';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { type Receiver, type Reply, startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

let postrider: TestPostrider;
const receivers: Receiver[] = [];
beforeAll(async () => {
  postrider = await startTestPostrider();
});
afterAll(async () => {
  await postrider.close();
  await Promise.all(receivers.map((one) => one.close()));
});

async function receiver(reply: Reply = 200) {
  const one = await startReceiver(() => reply);
  receivers.push(one);
  return one;
}
const bodies = (of: Receiver) => of.received.map(({ body }) => JSON.parse(body));
const moment = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

test('people are told of an endpoint by events and the audit log: what happened, when, why and by whom', async () => {
  const [broken, ops, star] = [await receiver(500), await receiver(), await receiver()];
  const { id } = await postrider.createWebhook({
    ...{ url: broken.url, events: ['order.paid', 'webhook.*'], description: 'Orders' },
    ...{ retry_schedule: { delays_ms: [0] }, health: { count: 'attempts', failures: 5 } },
  });
  await postrider.createWebhook({ url: ops.url, events: ['webhook.*'] });
  await postrider.createWebhook({ url: star.url, events: ['*'], channels: ['elsewhere'] });
  await postrider.createWebhook({ url: star.url, events: ['*'] });
  const [key] = (await postrider.request('GET', '/v1/api-keys')).json.data;
  const ask = (what: string, body?: object) => postrider.request('POST', `/v1/webhooks/${id}/${what}`, body);

  for (let failures = 1; failures <= 3; failures++) {
    await postrider.postEvent({ type: 'order.paid', data: {} });
    await waitFor(async () => {
      const { json } = await postrider.request('GET', `/v1/webhooks/${id}/health`);
      return json.consecutive_failures === failures ? json : undefined;
    }, `${failures} failures to be counted`);
  }
  const common = { webhook_id: id, description: 'Orders', since: moment };
  const last_failure = { at: moment, reason: 'answered 500' };
  await ops.gets(1);
  expect(bodies(ops)[0]).toMatchObject({ type: 'webhook.failing' });
  expect(bodies(ops)[0].data).toEqual({
    ...common,
    ...{ state: 'failing', reason: null, consecutive_failures: 3, last_failure, by: null },
  } satisfies EndpointEventData);

  for (let again = 0; again < 2; again++) {
    const disabled = await ask('disable', { reason: 'maintenance' });
    expect(disabled).toMatchObject({ status: 200, json: { state: 'disabled', reason: 'maintenance' } });
  }
  await ops.gets(2);
  expect(bodies(ops)[1]).toMatchObject({ type: 'webhook.disabled' });
  expect(bodies(ops)[1].data).toEqual({
    ...common,
    ...{ state: 'disabled', reason: 'maintenance', consecutive_failures: 3, last_failure, by: key.id },
  } satisfies EndpointEventData);

  for (let again = 0; again < 2; again++) {
    const enabled = await ask('enable', { reason: 'it is well again' });
    expect(enabled).toMatchObject({ status: 200, json: { state: 'healthy', consecutive_failures: 0 } });
  }
  await ops.gets(3);
  expect(bodies(ops)[2]).toMatchObject({ type: 'webhook.enabled' });
  expect(bodies(ops)[2].data).toEqual({
    ...common,
    ...{ state: 'healthy', reason: 'it is well again', consecutive_failures: 0, last_failure, by: key.id },
  } satisfies EndpointEventData);

  const entries = (await postrider.request('GET', `/v1/audit-log?subject_id=${id}`)).json.data;
  const actor = { kind: 'api_key', id: key.id, name: 'Admin key' };
  expect(entries).toMatchObject([
    { action: 'webhook.enabled', actor, reason: 'it is well again' },
    { action: 'webhook.disabled', actor, reason: 'maintenance' },
    { action: 'webhook.created', actor, reason: null },
  ]);

  // Asked twice it was told once, to the one who named it.
  const told = (await postrider.request('GET', '/v1/events?limit=100')).json.data;
  expect(told.filter(({ type }: { type: string }) => type.startsWith('webhook.'))).toHaveLength(3);
  expect(new Set(bodies(broken).map(({ type }) => type))).toEqual(new Set(['order.paid']));
  await star.gets(3);
  expect(new Set(bodies(star).map(({ type }) => type))).toEqual(new Set(['order.paid']));
}, 60_000);
