import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { startCountingReceiver, startProcesses } from '../setup/processes.ts';
import { startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

let postrider: TestPostrider;
const ends: (() => Promise<void>)[] = [];
beforeAll(async () => {
  // An hour's pause is one of 36 s: long enough to see that nothing happens meanwhile.
  postrider = await startTestPostrider({ SCHEDULE_SCALE: '0.01' });
});
afterAll(async () => {
  await postrider.close();
  for (const end of ends) await end();
});

const inMs = (ms: number) => new Date(Date.now() + ms).toISOString();
const delays_ms = [0, 3_600_000, 3_600_000];

async function webhook(type: string, reply: Parameters<typeof startReceiver>[0] = () => 200, settings = {}) {
  const receiver = await startReceiver(reply);
  ends.push(receiver.close);
  const { id } = await postrider.createWebhook({ url: receiver.url, events: [type], ...settings });
  return { ...receiver, id };
}

const eventOf = async (id: string) => (await postrider.request('GET', `/v1/events/${id}`)).json;

describe('a scheduled event', () => {
  it('goes out at its time to the webhooks of then, as it was last changed, and not at all when it was cancelled', async () => {
    const later = { type: 'scheduled.soon', data: { n: 1 }, deliver_at: inMs(3_600_000) };
    const { id } = await postrider.postEvent(later);
    const cancelled = await postrider.postEvent(later);
    const now = await postrider.postEvent(later);
    const receiver = await webhook('scheduled.soon');
    await postrider.request('POST', `/v1/events/${cancelled.id}/cancel`);
    const deliver_at = inMs(1_500);
    const change = { deliver_at, data: { n: 2 } };
    expect((await postrider.request('PATCH', `/v1/events/${id}`, change)).status).toBe(200);
    const [got] = await receiver.gets(1);
    expect(JSON.parse(got?.body ?? '')).toMatchObject({ id, data: { n: 2 } });
    expect(got?.at).toBeGreaterThanOrEqual(Date.parse(deliver_at) - 50);
    expect(got?.at).toBeLessThan(Date.parse(deliver_at) + 5_000);
    await postrider.request('PATCH', `/v1/events/${now.id}`, { deliver_at: null });
    await receiver.gets(2);
    expect(JSON.parse(receiver.received[1]?.body ?? '')).toMatchObject({ id: now.id, data: { n: 1 } });
    await postrider.deliveryIs(id, 'succeeded');
    expect(await eventOf(id)).toMatchObject({ status: 'released', deliver_at });
    expect(await eventOf(cancelled.id)).toMatchObject({ status: 'cancelled', deliveries: [] });
    expect((await postrider.request('POST', `/v1/events/${id}/cancel`)).json.code).toBe('event_released');
    const metrics = await (await fetch(`${postrider.apiUrl()}/metrics`)).text();
    expect(metrics).toMatch(/^postrider_scheduled_release_delay_seconds_count\{[^}]*\} [2-9]/m);
    expect(metrics).toMatch(/^postrider_events_scheduled 0$/m);
  });

  it('goes out soon after, when nothing ran at its time', async () => {
    const receiver = await webhook('scheduled.later');
    const deliver_at = inMs(2_000);
    const { id } = await postrider.postEvent({ type: 'scheduled.later', data: {}, deliver_at });
    await postrider.stop();
    if (Date.now() < Date.parse(deliver_at)) expect(receiver.received).toEqual([]);
    await delay(Math.max(0, Date.parse(deliver_at) - Date.now() + 100));
    const startedAt = Date.now();
    await postrider.start();
    await receiver.gets(1);
    expect(Date.now() - startedAt).toBeLessThan(15_000);
    await postrider.deliveryIs(id, 'succeeded');
    expect(receiver.received).toHaveLength(1);
  });
});

describe('a delivery whose event expires', () => {
  it('is attempted until then and not after, and ends then as expired, which is no failure of its endpoint', async () => {
    const receiver = await webhook('expiring.retried', () => 500, { retry_schedule: { delays_ms } });
    const expires_at = inMs(2_000);
    const { id } = await postrider.postEvent({ type: 'expiring.retried', data: {}, expires_at });
    await receiver.gets(1);
    const failing = await waitFor(async () => {
      const [delivery] = (await eventOf(id)).deliveries;
      return delivery.attempt_count === 1 ? delivery : undefined;
    }, 'the first attempt to be recorded');
    expect(failing).toMatchObject({ status: 'pending', next_attempt_at: null, expires_at });
    const expired = await postrider.deliveryIs(id, 'expired');
    expect(expired.reason).toMatch(/^expired before it was delivered: .*500/);
    expect(Date.parse(expired.ended_at) - Date.parse(expires_at)).toBeGreaterThanOrEqual(-50);
    expect(Date.parse(expired.ended_at) - Date.parse(expires_at)).toBeLessThan(5_000);
    // Its workflow ends with it, and long before the next attempt would have been due.
    const handle = await postrider.startedWorkflow(expired.workflow_id);
    expect(await handle.result()).toEqual({ expired: 1 });
    expect(receiver.received).toHaveLength(1);
    const retried = await postrider.request('POST', `/v1/deliveries/${expired.id}/retry`);
    expect(retried).toMatchObject({ status: 409, json: { code: 'event_expired' } });
    const { json: health } = await postrider.request('GET', `/v1/webhooks/${receiver.id}/health`);
    expect(health).toMatchObject({ state: 'failing', consecutive_failures: 0 });
  });

  it('ends while it is held, or in the line of its endpoint’s limits, and goes out to neither', async () => {
    const held = await webhook('expiring.held');
    await postrider.request('POST', `/v1/webhooks/${held.id}/disable`);
    const limited = await webhook('expiring.limited', () => 200, { rate_limit: 0.1 });
    await postrider.postEvent({ type: 'expiring.limited', data: {} });
    await limited.gets(1);
    const expires_at = inMs(1_500);
    const one = await postrider.postEvent({ type: 'expiring.held', data: {}, expires_at });
    const other = await postrider.postEvent({ type: 'expiring.limited', data: {}, expires_at });
    await postrider.deliveryIs(one.id, 'held');
    for (const { id } of [one, other]) {
      const { attempt_count, ended_at } = await postrider.deliveryIs(id, 'expired');
      expect(attempt_count).toBe(0);
      expect(Date.parse(ended_at) - Date.parse(expires_at)).toBeLessThan(5_000);
    }
    await postrider.request('POST', `/v1/webhooks/${held.id}/enable`);
    const after = await postrider.postEvent({ type: 'expiring.held', data: { after: true } });
    await postrider.deliveryIs(after.id, 'succeeded');
    expect(held.received).toHaveLength(1);
    expect(limited.received).toHaveLength(1);
    const { json } = await postrider.request('GET', '/v1/deliveries?status=expired&limit=2');
    expect(json.data.map(({ event_id }: { event_id: string }) => event_id).sort()).toEqual(
      [one.id, other.id].sort(),
    );
  });
});

describe.runIf(process.env.TEST_DATABASE_URL)('scheduled events of one moment', () => {
  it('go out once each, and soon, when one of two processes is killed at that moment', async () => {
    const { request, webhookTo, kill, deliveriesAre } = await startProcesses();
    const { url, seen } = await startCountingReceiver();
    const id = await webhookTo(url, {});
    const dueAt = Date.now() + 3_000;
    const event = { type: 'message.read', data: {}, deliver_at: new Date(dueAt).toISOString() };
    const { results } = await request('POST', '/v1/events/batch', { events: Array(400).fill(event) });
    expect(results.every(({ status }: { status: string }) => status === 'accepted')).toBe(true);
    await delay(dueAt + 50 - Date.now());
    await kill();
    const all = await deliveriesAre(id, 'succeeded', 400);
    expect(new Set(all.map(({ event_id }) => event_id)).size).toBe(400);
    expect(seen.times[0]).toBeGreaterThanOrEqual(dueAt - 50);
    expect(seen.times.at(-1)).toBeLessThan(dueAt + 20_000);
    // Once more only what was under way then.
    expect(seen.times.length).toBeLessThan(500);
  }, 60_000);
});
