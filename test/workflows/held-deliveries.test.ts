import { describe, expect, it } from 'vitest';
import { postriderWithEndpoints } from '../setup/endpoints.ts';
import { waitFor } from '../setup/wait-for.ts';

const { postrider, webhookTo } = postriderWithEndpoints();

/** Scaled. */
const twoSeconds = 2_000_000;
const eightSeconds = 8_000_000;

async function runningDeliverEvents(webhookId: string): Promise<number> {
  const query = `PostriderWebhook = "${webhookId}" AND WorkflowType = "deliverEvents" AND ExecutionStatus = "Running"`;
  return (await postrider.temporal.workflow.count(query)).count;
}

const attemptsOf = async (id: string) =>
  (await postrider.request('GET', `/v1/deliveries/${id}`)).json.attempts as {
    number: number;
    trigger: string;
    succeeded: boolean;
  }[];

describe('a disabled endpoint', () => {
  it('costs no running workflow, however much waits for it, and gets it all when it is enabled', async () => {
    const waiting = 100;
    const isWell = { now: false };
    const endpoint = await webhookTo(() => (isWell.now ? 200 : 500), {
      retry_schedule: { delays_ms: [0, ...Array(15).fill(eightSeconds)] },
      recovery_rate: 500,
    });
    await endpoint.postMany(waiting);
    await endpoint.receiver.gets(waiting);
    await endpoint.disable();
    const [accepted] = await endpoint.postMany(20);
    await endpoint.heldAre(waiting + 20);
    await waitFor(
      async () => ((await runningDeliverEvents(endpoint.webhook.id)) === 0 ? true : undefined),
      'its workflows to end',
    );
    const receivedBefore = endpoint.receiver.received.length;
    const held = await endpoint.deliveries();
    for (const delivery of held) {
      expect(delivery).toMatchObject({ next_attempt_at: null, ended_at: null });
      expect(delivery.reason).toContain('the endpoint is disabled');
    }
    const [first] = held;
    expect(await (await postrider.startedWorkflow(first.workflow_id)).result()).toMatchObject({
      held: expect.any(Number),
    });
    expect(await postrider.deliveryIs(accepted!, 'held')).toMatchObject({ attempt_count: 0 });

    isWell.now = true;
    await endpoint.enable();
    await endpoint.statusesAre({ succeeded: waiting + 20 });
    expect(endpoint.receiver.received).toHaveLength(receivedBefore + waiting + 20);
    const attempts = await attemptsOf(first.id);
    expect(attempts.map(({ number, trigger, succeeded }) => [number, trigger, succeeded])).toEqual(
      Array.from({ length: first.attempt_count + 1 }, (_, index) => [
        index + 1,
        'schedule',
        index === first.attempt_count,
      ]),
    );
  }, 180_000);

  it('holds what came before Postrider was stopped, and sends it after it was started again', async () => {
    const endpoint = await webhookTo(() => 200);
    await endpoint.disable();
    await endpoint.postMany(5);
    await endpoint.statusesAre({ held: 5 });
    await postrider.restart();
    expect(await endpoint.statuses()).toEqual({ held: 5 });
    expect(endpoint.receiver.received).toHaveLength(0);
    await endpoint.enable();
    await endpoint.statusesAre({ succeeded: 5 });
    expect(endpoint.receiver.received).toHaveLength(5);
  }, 60_000);

  it('keeps what is left of a delivery’s retry schedule', async () => {
    const endpoint = await webhookTo(() => 500, {
      retry_schedule: { delays_ms: [0, twoSeconds, 1_000, 1_000] },
    });
    const event = await endpoint.post();
    await endpoint.receiver.gets(1);
    await endpoint.disable();
    await postrider.deliveryIs(event.id, 'held');
    await endpoint.enable();
    const delivery = await postrider.deliveryIs(event.id, 'failed');
    expect(delivery).toMatchObject({ attempt_count: 4, reason: 'answered 500' });
    expect(delivery.workflow_id).toMatch(new RegExp(`^deliver/${delivery.id}/\\d+$`));
    expect(await (await postrider.startedWorkflow(delivery.workflow_id)).result()).toEqual({ failed: 1 });
    expect(endpoint.receiver.received).toHaveLength(4);
  }, 60_000);

  it('gets test events and attempts that are asked for by hand all the same', async () => {
    const endpoint = await webhookTo((index) => (index === 1 ? 500 : 200));
    await endpoint.disable();
    const event = await endpoint.post();
    const held = await postrider.deliveryIs(event.id, 'held');
    const { json } = await postrider.request('POST', '/v1/webhooks/test', {
      webhook_id: endpoint.webhook.id,
      event_type: 'message.sent',
    });
    await postrider.deliveryIs(json.event_id, 'succeeded');

    const retry = async () => {
      const retried = await postrider.request('POST', `/v1/deliveries/${held.id}/retry`);
      return postrider.temporal.workflow.getHandle(`attempt/${retried.json.attempt_id}`).result();
    };
    expect(await retry()).toBe('held');
    const rotated = await endpoint.request('POST', '/rotate-secret', { overlap_seconds: 0 });
    expect(await retry()).toBe('succeeded');
    const [, failed, succeeded] = endpoint.receiver.received;
    expect(succeeded!.body).toBe(failed!.body);
    expect(succeeded!.headers['x-inbox-signature']).not.toBe(failed!.headers['x-inbox-signature']);
    expect(rotated.signing).toBe(1);
    expect(await postrider.deliveryIs(event.id, 'succeeded')).toMatchObject({ attempt_count: 2 });

    await endpoint.enable();
    expect(endpoint.receiver.received).toHaveLength(3);
  });

  it('does not get what was cancelled while it waited', async () => {
    const endpoint = await webhookTo(() => 200);
    await endpoint.disable();
    const [cancelled, sent] = await endpoint.postMany(2);
    const { id } = await postrider.deliveryIs(cancelled!, 'held');
    const answer = await postrider.request('POST', `/v1/deliveries/${id}/cancel`);
    expect(answer.json).toMatchObject({ status: 'cancelled', ended_at: expect.any(String) });
    await endpoint.enable();
    await postrider.deliveryIs(sent!, 'succeeded');
    await endpoint.recoveryIs({ state: 'done' });
    expect(endpoint.receiver.received.map(({ headers }) => headers['webhook-id'])).toEqual([sent]);
  });

  it('gets nothing of what is discarded when it is enabled, and a recovery that waited for that ends', async () => {
    const endpoint = await webhookTo(() => 200);
    await endpoint.disable();
    await endpoint.postMany(3);
    await endpoint.statusesAre({ held: 3 });
    await endpoint.recover({ since: '2025-01-01T00:00:00Z' });
    await endpoint.recoveryIs({ state: 'paused' });
    await endpoint.enable({ held: 'discard' });
    await endpoint.statusesAre({ cancelled: 3 });
    await endpoint.recoveryIs({ state: 'done', sent: 0, left: 0 });
    const [first] = await endpoint.deliveries();
    expect(first).toMatchObject({
      reason: expect.stringContaining('discarded'),
      ended_at: expect.any(String),
    });
    expect(endpoint.receiver.received).toHaveLength(0);
  });
});

describe('deleting a webhook', () => {
  it('cancels what is held and ends a recovery that is paused', async () => {
    const endpoint = await webhookTo(() => 200, { recovery_rate: 1 });
    await endpoint.disable();
    await endpoint.postMany(30);
    await endpoint.statusesAre({ held: 30 });
    await endpoint.enable();
    await endpoint.receiver.gets(1);
    await endpoint.disable();
    await endpoint.recoveryIs({ state: 'paused' });
    const sent = endpoint.receiver.received.length;
    const deliveries = await endpoint.deliveries();
    await postrider.request('DELETE', `/v1/webhooks/${endpoint.webhook.id}`);
    expect(await endpoint.handle().result()).toMatchObject({ state: 'done', sent });
    const statuses = await endpoint.statuses();
    expect(statuses).toEqual({ succeeded: sent, cancelled: deliveries.length - sent });
    expect(endpoint.receiver.received).toHaveLength(sent);
  });
});
