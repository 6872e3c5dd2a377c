import { describe, expect, it } from 'vitest';
import { postriderWithEndpoints } from '../setup/endpoints.ts';
import type { Received } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

const { postrider, webhookTo } = postriderWithEndpoints();

/** Scaled. */
const soon = 20_000;
const later = 1_000_000;
const never = 600_000_000;
const byConversation = { ordering: { fifo_by: '/data/conversation' } };

const contentOf = (body: string): { conversation: string; n: number } => JSON.parse(body).data;

/** What a receiver got of each lane, in the order of the requests. */
function ledger(received: readonly Received[]): Record<string, number[]> {
  const lanes: Record<string, number[]> = {};
  for (const { conversation, n } of received.map(({ body }) => contentOf(body))) {
    lanes[conversation] = [...(lanes[conversation] ?? []), n];
  }
  return lanes;
}

const numbers = (count: number) => Array.from({ length: count }, (_, n) => n);

async function runningWorkflows(webhookId: string): Promise<number> {
  const query = `PostriderWebhook = "${webhookId}" AND WorkflowType = "deliverEvents" AND ExecutionStatus = "Running"`;
  return (await postrider.temporal.workflow.count(query)).count;
}

const statusOf = async (id: string) => (await postrider.request('GET', `/v1/deliveries/${id}`)).json;

describe('a webhook whose events are in order', () => {
  it('gets those of a lane one after the other, whatever fails, while no lane waits for another', async () => {
    const failed = new Map<string, number>();
    const isStuck = { now: true };
    const endpoint = await webhookTo(
      (_, body) => {
        const { conversation, n } = contentOf(body);
        if (conversation === 'stuck') return isStuck.now ? 500 : 200;
        const times = failed.get(`${conversation} ${n}`) ?? 0;
        failed.set(`${conversation} ${n}`, times + 1);
        return n % 5 === 1 && times < 2 ? 500 : 200;
      },
      { ...byConversation, retry_schedule: { delays_ms: [0, ...Array(15).fill(soon)] } },
    );
    const lanes = ['a', 'b', 'c', 'd'];
    const count = 12;
    const stuck = [];
    for (const n of numbers(3)) stuck.push(await endpoint.post({ conversation: 'stuck', n }));
    for (const n of numbers(count)) {
      await Promise.all(lanes.map((conversation) => endpoint.post({ conversation, n })));
    }
    await endpoint.statusesAre({ succeeded: lanes.length * count, pending: 3 });
    const inOrder = numbers(count).flatMap((n) => (n % 5 === 1 ? [n, n, n] : [n]));
    const { stuck: ofStuck, ...others } = ledger(endpoint.receiver.received);
    expect(others).toEqual(Object.fromEntries(lanes.map((lane) => [lane, inOrder])));
    expect(new Set(ofStuck)).toEqual(new Set([0]));

    const [head, ...behind] = await Promise.all(
      stuck.map(async ({ id }) => (await postrider.request('GET', `/v1/events/${id}`)).json.deliveries[0]),
    );
    expect(head).toMatchObject({ waits_for: null, lane: expect.any(String) });
    for (const one of behind) {
      expect(one).toMatchObject({ waits_for: head.id, lane: head.lane, next_attempt_at: null });
      expect(one.reason).toContain('waits for the delivery before it');
    }
    expect((await postrider.request('POST', `/v1/deliveries/${behind[0].id}/retry`)).json).toMatchObject({
      ...{ status: 409, code: 'delivery_waits' },
    });
    isStuck.now = false;
    await endpoint.statusesAre({ succeeded: lanes.length * count + 3 });
    expect([...new Set(ledger(endpoint.receiver.received).stuck)]).toEqual([0, 1, 2]);
    await waitFor(
      async () => ((await runningWorkflows(endpoint.webhook.id)) === 0 ? true : undefined),
      'its workflows to end',
    );
  }, 60_000);

  it('goes on behind what is cancelled, and behind what fails for good, where it is to be skipped', async () => {
    const endpoint = await webhookTo(
      (_, body) => (contentOf(body).n === 1 ? 500 : contentOf(body).n === 0 ? 503 : 200),
      { ordering: 'fifo', retry_schedule: { delays_ms: [0, never] } },
    );
    const [first] = await Promise.all([endpoint.post({ conversation: 'a', n: 0 })]);
    await endpoint.receiver.gets(1);
    await endpoint.request('PATCH', '', { retry_schedule: { delays_ms: [0] } });
    for (const n of [1, 2, 3]) await endpoint.post({ conversation: 'b', n });
    const { id } = (await postrider.request('GET', `/v1/events/${first.id}`)).json.deliveries[0];
    expect((await statusOf(id)).status).toBe('pending');
    await postrider.request('POST', `/v1/deliveries/${id}/cancel`);
    await endpoint.statusesAre({ cancelled: 1, failed: 1, succeeded: 2 });
    expect(endpoint.receiver.received.map(({ body }) => contentOf(body).n)).toEqual([0, 1, 2, 3]);
  }, 60_000);

  it('stops, disabled, behind what fails for good, where that is to block, and goes on with it when it is enabled', async () => {
    const isWell = { now: false };
    const endpoint = await webhookTo((_, body) => (contentOf(body).n === 2 && !isWell.now ? 400 : 200), {
      ...byConversation,
      on_failure: 'block',
      retry_schedule: { delays_ms: [0, 0] },
      recovery_rate: 500,
    });
    for (const n of numbers(5)) await endpoint.post({ conversation: 'a', n });
    await waitFor(
      async () => ((await endpoint.health()).state === 'disabled' ? true : undefined),
      'the endpoint to be disabled',
    );
    expect((await endpoint.health()).reason).toContain('failed for good');
    for (const n of [5, 6]) await endpoint.post({ conversation: 'a', n });
    await endpoint.post({ conversation: 'b', n: 0 });
    await endpoint.statusesAre({ succeeded: 2, held: 6 });
    const before = endpoint.receiver.received.length;

    isWell.now = true;
    await endpoint.enable();
    await endpoint.statusesAre({ succeeded: 8 });
    const after = ledger(endpoint.receiver.received.slice(before));
    expect(after).toEqual({ a: [2, 3, 4, 5, 6], b: [0] });
  }, 60_000);

  it('is sent what was held, and what ended and is to be sent again, in order', async () => {
    const endpoint = await webhookTo(() => 200, { ...byConversation, recovery_rate: 500 });
    const lanes = ['a', 'b', 'c'];
    await endpoint.disable();
    for (const n of numbers(10)) {
      await Promise.all(lanes.map((conversation) => endpoint.post({ conversation, n })));
    }
    await endpoint.heldAre(30);
    await endpoint.enable();
    await endpoint.statusesAre({ succeeded: 30 });
    const inOrder = Object.fromEntries(lanes.map((lane) => [lane, numbers(10)]));
    expect(ledger(endpoint.receiver.received)).toEqual(inOrder);

    await endpoint.disable();
    for (const n of numbers(5)) await endpoint.post({ conversation: 'a', n });
    await endpoint.enable({ held: 'discard' });
    await endpoint.statusesAre({ succeeded: 30, cancelled: 5 });
    await endpoint.recover({ since: '2025-01-01T00:00:00Z', status: 'cancelled' });
    await endpoint.statusesAre({ succeeded: 35 });
    expect(ledger(endpoint.receiver.received.slice(30))).toEqual({ a: numbers(5) });
  }, 60_000);

  it('is sent what waits for one that is soon attempted again by the same recovery', async () => {
    const failed = new Set<number>();
    const endpoint = await webhookTo(
      (_, body) => {
        const { n } = contentOf(body);
        if (n % 2 === 0 || failed.has(n)) return 200;
        failed.add(n);
        return 500;
      },
      { ...byConversation, retry_schedule: { delays_ms: [0, ...Array(3).fill(later)] } },
    );
    await endpoint.disable();
    for (const n of numbers(6)) await endpoint.post({ conversation: 'a', n });
    await endpoint.heldAre(6);
    await endpoint.enable();
    await endpoint.statusesAre({ succeeded: 6 });
    expect(ledger(endpoint.receiver.received)).toEqual({ a: [0, 1, 1, 2, 3, 3, 4, 5, 5] });
    // Had the first ended before, another would have sent the rest.
    expect(await endpoint.recoveryIs({ state: 'done' })).toMatchObject({ sent: 6, left: 0 });
  }, 60_000);
});
