import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { type Receiver, type Reply, startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

/** Six attempts, 0 s, 30 s, 2 m, 8 m, 32 m, 2 h, become 0, 30 ms, 120 ms, 480 ms, 1.92 s, 7.2 s. */
const scale = 0.001;
/** Scaled, still longer than any test. */
const aWeekMs = 7 * 86_400_000;
const delaysMs = [30_000, 120_000, 480_000, 1_920_000, 7_200_000].map((delay) => delay * scale);

let postrider: TestPostrider;
const receivers: Receiver[] = [];

beforeAll(async () => {
  postrider = await startTestPostrider({ SCHEDULE_SCALE: `${scale}` });
});
afterAll(async () => {
  await postrider.close();
  await Promise.all(receivers.map((receiver) => receiver.close()));
});

async function webhookTo(reply: (index: number) => Reply, settings: object = {}, type = uniqueType()) {
  const receiver = await startReceiver((_, index) => reply(index));
  receivers.push(receiver);
  const webhook = await postrider.createWebhook({ url: receiver.url, events: [type], ...settings });
  const post = () => postrider.postEvent({ type, data: { message_id: 'msg_1' } });
  return { receiver, webhook, type, post };
}

let types = 0;
function uniqueType() {
  types += 1;
  return `test.type-${types}`;
}

const workflowOf = (delivery: { workflow_id: string }) => postrider.startedWorkflow(delivery.workflow_id);
const attemptsOf = async (delivery: { id: string }) =>
  (await postrider.request('GET', `/v1/deliveries/${delivery.id}`)).json.attempts;

describe('a delivery', () => {
  it('succeeds with one attempt, and its workflow completes', async () => {
    const { receiver, post } = await webhookTo(() => 204);
    const event = await post();
    const delivery = await postrider.deliveryIs(event.id, 'succeeded');
    expect(delivery).toMatchObject({ attempt_count: 1, next_attempt_at: null });
    expect(receiver.received).toHaveLength(1);
    expect(await (await workflowOf(delivery)).result()).toEqual({ succeeded: 1 });
  });

  it('is attempted six times at the times of the documented schedule, then failed', async () => {
    const { receiver, post } = await webhookTo(() => 500);
    const event = await post();
    const delivery = await postrider.deliveryIs(event.id, 'failed');
    expect(delivery).toMatchObject({ attempt_count: 6, reason: 'answered 500', next_attempt_at: null });

    const times = receiver.received.map(({ at }) => at);
    expect(times).toHaveLength(6);
    delaysMs.forEach((delay, index) => {
      const waited = times[index + 1]! - times[index]!;
      expect(waited).toBeGreaterThanOrEqual(delay - 5);
      // The development server looks at its timers once a second.
      expect(waited).toBeLessThan(delay + 4_000);
    });
    expect(await (await workflowOf(delivery)).result()).toEqual({ failed: 1 });
    const attempts = await attemptsOf(delivery);
    expect(attempts.map(({ number }: { number: number }) => number)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('sends the same bytes under the same id at each attempt', async () => {
    const { receiver, post } = await webhookTo((index) => (index < 2 ? 503 : 200));
    const event = await post();
    await postrider.deliveryIs(event.id, 'succeeded');
    const [first, ...others] = receiver.received;
    expect(others).toHaveLength(2);
    for (const other of others) {
      expect(other.body).toBe(first?.body);
      expect(other.headers['webhook-id']).toBe(event.id);
    }
  });

  it('counts an answer that comes too late as a failed attempt', async () => {
    const { post } = await webhookTo((index) => (index === 0 ? 'hang' : 200), { timeout_ms: 1_000 });
    const delivery = await postrider.deliveryIs((await post()).id, 'succeeded');
    const attempts = await attemptsOf(delivery);
    const late = attempts.find(({ number }: { number: number }) => number === 1);
    expect(late).toMatchObject({ succeeded: false, reason: 'timeout', detail: 'no answer within 1 s' });
  });

  it.each([
    [{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }, 'redirect'],
    [404, 'http_status'],
  ] as const)('counts %j as a failed attempt and says why', async (reply, reason) => {
    const { receiver, post } = await webhookTo((index) => (index === 0 ? reply : 200));
    const delivery = await postrider.deliveryIs((await post()).id, 'succeeded');
    expect(receiver.received).toHaveLength(2);
    const attempts = await attemptsOf(delivery);
    expect(attempts.map((attempt: { reason: string | null }) => attempt.reason)).toContain(reason);
  });

  it('keeps 64 KiB of the answer and says that there was more', async () => {
    const { post } = await webhookTo(() => ({ status: 200, body: 'x'.repeat(200_000) }));
    const delivery = await postrider.deliveryIs((await post()).id, 'succeeded');
    const [attempt] = await attemptsOf(delivery);
    expect(attempt.response_body).toBe('x'.repeat(65_536));
    expect(attempt.response_truncated).toBe(true);
  });

  it('goes to each subscribed webhook, and one that fails does not hold up the others', async () => {
    const type = uniqueType();
    const good = await webhookTo(() => 200, {}, type);
    const bad = await webhookTo(() => 500, {}, type);
    const event = await good.post();
    await good.receiver.gets(1);
    const statuses = await waitFor(async () => {
      const { deliveries } = (await postrider.request('GET', `/v1/events/${event.id}`)).json;
      const byWebhook = new Map(
        deliveries.map((one: { webhook_id: string; status: string }) => [one.webhook_id, one.status]),
      );
      return byWebhook.get(good.webhook.id) === 'succeeded' ? byWebhook : undefined;
    }, 'the good webhook to have it');
    expect(statuses.get(bad.webhook.id)).toBe('pending');
  });
});

describe('what Temporal knows of a delivery', () => {
  it('is ids, times and reasons: no payload, URL, header or secret', async () => {
    const { receiver, webhook, type } = await webhookTo((index) => (index === 0 ? 500 : 200), {
      headers: { 'x-custom': 'header-value-4711' },
      auth: { type: 'basic', username: 'user-4711', password: 'password-4711' },
    });
    const event = await postrider.postEvent({ type, data: { text: 'payload-4711' } });
    const delivery = await postrider.deliveryIs(event.id, 'succeeded');
    await (await workflowOf(delivery)).result();
    const history = JSON.stringify(await (await workflowOf(delivery)).fetchHistory());
    const everything = history + Buffer.from(history).toString('utf8') + decodedPayloads(history);
    expect(everything).toContain(event.id);
    // Digits alone might be some event's nanoseconds.
    expect(everything).not.toMatch(/(payload|value|user|password)-4711/);
    for (const hidden of [new URL(receiver.url).host, webhook.secret])
      expect(everything).not.toContain(hidden);
  });

  it('finds its workflow by event, webhook and account', async () => {
    const { webhook, post } = await webhookTo(() => 200);
    const delivery = await postrider.deliveryIs((await post()).id, 'succeeded');
    const event = delivery.workflow_id.replace('deliver/', '');
    for (const query of [`PostriderEvent = "${event}"`, `PostriderWebhook = "${webhook.id}"`]) {
      await waitFor(async () => {
        for await (const found of postrider.temporal.workflow.list({ query })) {
          if (found.workflowId === delivery.workflow_id) return true;
        }
        return undefined;
      }, `a workflow with ${query}`);
    }
  });

  it('says in words what it waits for', async () => {
    const { post } = await webhookTo(() => 500, { retry_schedule: { delays_ms: [0, aWeekMs] } });
    const event = await post();
    const delivery = await waitFor(async () => {
      const { deliveries } = (await postrider.request('GET', `/v1/events/${event.id}`)).json;
      return deliveries[0]?.attempt_count === 1 ? deliveries[0] : undefined;
    }, 'the first attempt');
    await waitFor(async () => {
      const { currentDetails } = (await (
        await workflowOf(delivery)
      ).query('__temporal_workflow_metadata')) as {
        currentDetails: string;
      };
      return currentDetails?.includes('attempt 1 failed: answered 500') ? currentDetails : undefined;
    }, 'the details');
    await postrider.request('POST', `/v1/deliveries/${delivery.id}/cancel`);
  });
});

describe('cancelling and retrying by hand', () => {
  it('ends a waiting delivery at once, and its workflow with it', async () => {
    const { receiver, post } = await webhookTo(() => 500, { retry_schedule: { delays_ms: [0, aWeekMs] } });
    const event = await post();
    await receiver.gets(1);
    const delivery = await waitFor(async () => {
      const { deliveries } = (await postrider.request('GET', `/v1/events/${event.id}`)).json;
      return deliveries[0]?.attempt_count === 1 ? deliveries[0] : undefined;
    }, 'the first attempt');
    const { json } = await postrider.request('POST', `/v1/deliveries/${delivery.id}/cancel`);
    expect(json).toMatchObject({ status: 'cancelled' });
    expect(await (await workflowOf(delivery)).result()).toEqual({ cancelled: 1 });
    expect(receiver.received).toHaveLength(1);
  });

  it('ends one of several that wait, and their workflow with the last', async () => {
    const { receiver, webhook, post } = await webhookTo(() => 500, {
      retry_schedule: { delays_ms: [0, aWeekMs] },
    });
    await postrider.createWebhook({
      ...{ url: receiver.url, events: webhook.events, retry_schedule: { delays_ms: [0, aWeekMs] } },
    });
    const event = await post();
    const waiting = await waitFor(async () => {
      const { deliveries } = (await postrider.request('GET', `/v1/events/${event.id}`)).json;
      return deliveries.every((one: { attempt_count: number }) => one.attempt_count === 1)
        ? deliveries
        : undefined;
    }, 'the first attempts');
    expect(waiting).toHaveLength(2);
    const workflow = await workflowOf(waiting[0]);
    await postrider.request('POST', `/v1/deliveries/${waiting[0].id}/cancel`);
    // It has seen that, and waits for the other.
    await waitFor(async () => {
      const [activity] = (await workflow.describe()).raw.pendingActivities ?? [];
      return activity?.lastFailure?.message?.startsWith('attempt 1 failed') ? true : undefined;
    }, 'the other alone to wait');
    await postrider.request('POST', `/v1/deliveries/${waiting[1].id}/cancel`);
    expect(await workflow.result()).toEqual({ cancelled: 2 });
    expect(receiver.received).toHaveLength(2);
  });

  it('sends a failed delivery once more, and it is then succeeded', async () => {
    const { receiver, post } = await webhookTo((index) => (index < 1 ? 500 : 200), {
      retry_schedule: { delays_ms: [0] },
    });
    const event = await post();
    const delivery = await postrider.deliveryIs(event.id, 'failed');
    const retry = await postrider.request('POST', `/v1/deliveries/${delivery.id}/retry`);
    expect(retry.status).toBe(202);
    expect(await postrider.deliveryIs(event.id, 'succeeded')).toMatchObject({ attempt_count: 2 });
    expect(receiver.received[1]?.body).toBe(receiver.received[0]?.body);
    const attempts = await attemptsOf(delivery);
    expect(attempts.find((attempt: { id: string }) => attempt.id === retry.json.attempt_id)).toMatchObject({
      number: 2,
      trigger: 'manual',
    });
  });

  it('makes one attempt and no more when that fails', async () => {
    const { receiver, post } = await webhookTo(() => 500, { retry_schedule: { delays_ms: [0] } });
    const event = await post();
    const delivery = await postrider.deliveryIs(event.id, 'failed');
    const { json } = await postrider.request('POST', `/v1/deliveries/${delivery.id}/retry`);
    const result = await postrider.temporal.workflow.getHandle(`attempt/${json.attempt_id}`).result();
    expect(result).toBe('failed');
    expect(receiver.received).toHaveLength(2);
  });

  it('ends the workflow that still waits when the attempt by hand succeeds', async () => {
    const { post } = await webhookTo((index) => (index < 1 ? 500 : 200), {
      retry_schedule: { delays_ms: [0, aWeekMs] },
    });
    const event = await post();
    const delivery = await waitFor(async () => {
      const { deliveries } = (await postrider.request('GET', `/v1/events/${event.id}`)).json;
      return deliveries[0]?.attempt_count === 1 ? deliveries[0] : undefined;
    }, 'the first attempt');
    await postrider.request('POST', `/v1/deliveries/${delivery.id}/retry`);
    await postrider.deliveryIs(event.id, 'succeeded');
    expect(await (await workflowOf(delivery)).result()).toEqual({ succeeded: 1 });
  });
});

describe('a test event', () => {
  it('is one attempt, and no more when that fails', async () => {
    const { receiver, webhook } = await webhookTo(() => 500);
    const { json } = await postrider.request('POST', '/v1/webhooks/test', {
      webhook_id: webhook.id,
      event_type: 'message.delivered',
    });
    const delivery = await postrider.deliveryIs(json.event_id, 'failed');
    expect(delivery).toMatchObject({ attempt_count: 1 });
    expect(JSON.parse(receiver.received[0]!.body)).toMatchObject({
      type: 'message.delivered',
      data: { message_id: 'msg_1234567890' },
    });
  });
});

/** Payloads are base64 in a history's JSON. */
function decodedPayloads(history: string): string {
  return [...history.matchAll(/"data":"([A-Za-z0-9+/=]+)"/g)]
    .map(([, data = '']) => Buffer.from(data, 'base64').toString('utf8'))
    .join('\n');
}
