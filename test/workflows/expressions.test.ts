import { createHmac } from 'node:crypto';
import { expect, it } from 'vitest';
import { postriderWithEndpoints } from '../setup/endpoints.ts';
import { waitFor } from '../setup/wait-for.ts';

const { postrider, webhookTo } = postriderWithEndpoints();

/** Half a second, scaled. */
const retry_schedule = { delays_ms: [0, ...Array(25).fill(500_000)] };

const eventIs = async (id: string) => (await postrider.request('GET', `/v1/events/${id}`)).json;
const attemptsOf = async (id: string) =>
  (await postrider.request('GET', `/v1/deliveries/${id}`)).json.attempts as {
    number: number;
    reason: string | null;
    detail: string | null;
    request_body: string | null;
  }[];
/** Of a delivery that is tried again. */
const failedAttempt = (deliveryId: string) =>
  waitFor(async () => (await attemptsOf(deliveryId))[0], 'an attempt to be recorded');

it('what a filter lets through goes out as the transformation makes it, signed, and the same at every attempt', async () => {
  const endpoint = await webhookTo((index) => (index === 0 ? 500 : 200), {
    filter: 'data.amount > 100 and channel = "shop"',
    transformation: '{"paid": data.amount, "at": $now(), "chance": $random(), "id": $body.id}',
    retry_schedule,
  });
  const post = (amount: number, channel = 'shop') =>
    postrider.postEvent({ type: endpoint.type, channel, data: { amount } });
  const kept = [await post(10), await post(200, 'elsewhere')];
  const sent = await post(200);
  const [first, second] = await endpoint.receiver.gets(2);

  expect(JSON.parse(first!.body)).toEqual({
    ...{ paid: 200, at: sent.created_at, chance: expect.any(Number), id: sent.id },
  });
  expect(second!.body).toBe(first!.body);
  expect(second!.headers['webhook-id']).toBe(sent.id);
  const signature = createHmac('sha256', endpoint.webhook.secret).update(second!.body).digest('hex');
  expect(second!.headers['x-inbox-signature']).toBe(`sha256=${signature}`);
  const delivery = await postrider.deliveryIs(sent.id, 'succeeded');
  const attempts = await attemptsOf(delivery.id);
  expect(attempts.map(({ request_body }) => request_body)).toEqual([first!.body, first!.body]);

  for (const { id } of kept) {
    expect(await eventIs(id)).toMatchObject({ deliveries: [], filtered_out: [endpoint.webhook.id] });
  }
  expect((await eventIs(sent.id)).filtered_out).toEqual([]);
  expect(endpoint.receiver.received).toHaveLength(2);
});

it('a filter that fails makes a failed attempt that names the place, and one that was mended decides', async () => {
  const endpoint = await webhookTo(() => 200, { filter: 'data.amount > 100', retry_schedule });
  const post = async (data: object) => {
    const { id } = await postrider.postEvent({ type: endpoint.type, data });
    const { deliveries } = await eventIs(id);
    return { id, delivery: deliveries[0] };
  };
  const small = await post({ amount: 'TOP-SECRET', number: 5 });
  const large = await post({ amount: 'TOP-SECRET', number: 500 });
  const attempt = await failedAttempt(small.delivery.id);
  expect(attempt).toMatchObject({
    reason: 'filter_failed',
    detail: expect.stringContaining("the webhook's filter failed at character 13: "),
    request_body: null,
  });
  expect(attempt.detail).not.toContain('TOP-SECRET');
  expect(endpoint.receiver.received).toHaveLength(0);
  expect((await endpoint.health()).state).toBe('failing');

  await endpoint.request('PATCH', '', { filter: 'data.number > 100' });
  await postrider.deliveryIs(large.id, 'succeeded');
  expect(await postrider.deliveryIs(small.id, 'cancelled')).toMatchObject({
    reason: "the webhook's filter does not let the event through",
  });
  expect(endpoint.receiver.received).toHaveLength(1);
});

it('a transformation that fails is tried again, and gives what is sent once it was mended', async () => {
  const endpoint = await webhookTo(() => 200, { transformation: 'data.missing', retry_schedule });
  const { id } = await endpoint.post();
  const [delivery] = (await eventIs(id)).deliveries;
  expect(await failedAttempt(delivery.id)).toMatchObject({
    reason: 'transformation_failed',
    detail: "the webhook's transformation failed: it gives nothing",
  });
  await endpoint.request('PATCH', '', { transformation: 'data.message_id' });
  await postrider.deliveryIs(id, 'succeeded');
  expect(endpoint.receiver.received.map(({ body }) => body)).toEqual(['"msg_1"']);
});

it('batches, App Inbox lists, test events and events that are sent again pass the same way', async () => {
  const endpoint = await webhookTo(() => 200, { filter: 'data.n > 1', transformation: '{"n": data.n}' });
  const events = [1, 2, 3].map((n) => ({ type: endpoint.type, data: { n } }));
  const { json } = await postrider.request('POST', '/v1/events/batch', { events });
  const bodies = async (count: number) =>
    (await endpoint.receiver.gets(count)).map(({ body }) => body).sort();
  expect(await bodies(2)).toEqual(['{"n":2}', '{"n":3}']);

  const [{ id: filtered }] = json.results;
  const again = (body: object) => postrider.request('POST', `/v1/events/${filtered}/resend`, body);
  expect((await again({})).json.deliveries).toEqual([]);
  await again({ webhook_id: endpoint.webhook.id });
  expect(await bodies(3)).toContain('{"n":1}');

  // Of one for later it is asked when it goes out.
  const deliver_at = new Date(Date.now() + 1_000).toISOString();
  const later = await postrider.postEvent({ type: endpoint.type, data: { n: 0 }, deliver_at });
  await waitFor(
    async () => ((await eventIs(later.id)).filtered_out.length === 1 ? true : undefined),
    'the scheduled event to be filtered',
  );

  const { json: test } = await postrider.request('POST', '/v1/webhooks/test', {
    webhook_id: endpoint.webhook.id,
    event_type: endpoint.type,
  });
  expect(await postrider.deliveryIs(test.event_id, 'succeeded')).toMatchObject({ attempt_count: 1 });
  expect(await bodies(4)).toContain('{}');

  const inbox = await webhookTo(() => 200, {
    ...{ profile: 'app-inbox', events: ['inbox.messages'], filter: 'data.externalCustomerId = "ada"' },
    transformation: '$body.title',
  });
  for (const externalCustomerId of ['bob', 'ada']) {
    await postrider.request('POST', '/v1/inbox/messages', {
      externalCustomerId,
      title: `for ${externalCustomerId}`,
    });
  }
  const [list] = await inbox.receiver.gets(1);
  expect(list!.body).toBe('"for ada"');
});

it('a filter that takes too much keeps no other account or webhook from its events', async () => {
  const stuck = await webhookTo(() => 200, {
    filter: '($f := function($n) { $f($n + 1) }; $f(1))',
    retry_schedule,
  });
  const plain = await webhookTo(() => 200, { events: [stuck.type] });
  const { id } = await stuck.post();
  await plain.receiver.gets(1);
  const { deliveries } = await eventIs(id);
  const own = deliveries.find(({ webhook_id }: { webhook_id: string }) => webhook_id === stuck.webhook.id);
  expect(await failedAttempt(own.id)).toMatchObject({ reason: 'filter_failed' });
  expect(stuck.receiver.received).toHaveLength(0);
});
