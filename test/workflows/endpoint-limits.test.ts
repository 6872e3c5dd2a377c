import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mostWithin } from '../delivery/limited-processes.ts';
import { startCountingReceiver, startProcesses } from '../setup/processes.ts';
import { waitFor } from '../setup/wait-for.ts';

const windowMs = 10_000;

let shared: Awaited<ReturnType<typeof startProcesses>>;
const ends: (() => Promise<void>)[] = [];
beforeAll(async () => {
  shared = await startProcesses({ onEnd: (end) => ends.push(end) });
});
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

describe('a rate limit', () => {
  it('is held within 5 % over 10 s, and reached', async () => {
    const rate = process.env.TEST_DATABASE_URL ? 50 : 20;
    const { webhookTo, post, deliveriesAre } = shared;
    const { url, seen, gets } = await startCountingReceiver();
    const id = await webhookTo(url, { rate_limit: rate });
    const count = 12 * rate;
    await post(count);
    const from = Date.now();
    await gets(count);
    const times = seen.times.filter((at) => at >= from);
    expect(mostWithin(times, windowMs)).toBeLessThanOrEqual(rate * 10 * 1.05 + 1);
    // A busy machine may send less than it is allowed to.
    expect(mostWithin(times, windowMs)).toBeGreaterThanOrEqual(rate * 10 * 0.85);
    const deliveries = await deliveriesAre(id, 'succeeded', count);
    expect(new Set(deliveries.map(({ attempt_count }) => attempt_count))).toEqual(new Set([1]));
    expect(seen.times).toHaveLength(count);
  }, 120_000);

  it('is no failure for those that wait: they say what they wait for, and their workflows sleep', async () => {
    const { webhookTo, post, deliveriesOf, deliveriesAre, request, temporal } = shared;
    const { url, seen, gets } = await startCountingReceiver();
    const id = await webhookTo(url, { rate_limit: 2 });
    const count = 300;
    await post(count);
    const [lookedFor, waiting] = await waitFor(async () => {
      const all = await deliveriesOf(id);
      const waiting = all.filter(({ reason }) => reason === 'waits for the endpoint’s rate limit');
      return waiting.length > count - 30 ? [all, waiting] : undefined;
    }, 'them to wait');
    expect(lookedFor.filter(({ attempt_count }) => attempt_count > 1)).toEqual([]);
    expect(waiting.every(({ status, attempt_count }) => status === 'pending' && attempt_count === 0)).toBe(
      true,
    );
    // Spread over the turns to come: 300 at 2 a second.
    const due = waiting.map(({ next_attempt_at }) => Date.parse(next_attempt_at) - Date.now());
    expect(Math.max(...due)).toBeGreaterThan(100_000);
    expect(Math.max(...due)).toBeLessThan(200_000);

    const before = seen.times.length;
    const histories = async () => {
      const lengths: number[] = [];
      for (const workflowId of new Set(waiting.map(({ workflow_id }) => workflow_id))) {
        lengths.push((await temporal.workflow.getHandle(workflowId).describe()).historyLength);
      }
      return lengths;
    };
    const first = await histories();
    await delay(6_000);
    const second = await histories();
    const sum = (lengths: number[]) => lengths.reduce((total, length) => total + length, 0);
    // The few that are due look once; the others do nothing at all.
    expect(sum(second) - sum(first)).toBeLessThan(80);
    expect(Math.max(...second)).toBeLessThan(60);
    expect(seen.times.length - before).toBeGreaterThanOrEqual(11);
    expect(seen.times.length - before).toBeLessThanOrEqual(16);

    // Oldest first, but for some that came in before it was known that others wait.
    const sent = (await deliveriesOf(id)).flatMap(({ status }, index) =>
      status === 'succeeded' ? index : [],
    );
    expect(sent.filter((index) => index > sent.length).length).toBeLessThanOrEqual(6);

    await request('PATCH', `/v1/webhooks/${id}`, { rate_limit: null });
    await gets(count);
    const delivered = await deliveriesAre(id, 'succeeded', count);
    expect(seen.times).toHaveLength(count);
    expect(delivered.every(({ attempt_count }) => attempt_count === 1)).toBe(true);
  }, 120_000);

  it('leaves retries their schedule: each attempt is one step, though all of them wait', async () => {
    const { webhookTo, post, deliveriesAre, request } = shared;
    let answers = 0;
    const { url, seen, gets } = await startCountingReceiver(() => ({ status: answers++ < 40 ? 503 : 200 }));
    const delays_ms = [0, ...Array(9).fill(100_000)];
    const settings = { retry_schedule: { delays_ms }, health: { failures: 100 } };
    const id = await webhookTo(url, { rate_limit: 20, ...settings });
    await post(30);
    await gets(70);
    await deliveriesAre(id, 'succeeded', 30);
    expect(seen.times).toHaveLength(70);
    expect(mostWithin(seen.times, 2_000)).toBeLessThanOrEqual(20 * 2.5 + 1);
    const { data } = await request('GET', `/v1/webhooks/${id}/logs?limit=250`);
    expect(data.filter(({ succeeded }: { succeeded: boolean }) => !succeeded)).toHaveLength(40);
  }, 120_000);

  it('holds for a recovery too, beside its own pace', async () => {
    const { webhookTo, post, deliveriesAre, request } = shared;
    const { url, seen, gets } = await startCountingReceiver();
    const id = await webhookTo(url, { rate_limit: 30, recovery_rate: 1_000 });
    await request('POST', `/v1/webhooks/${id}/disable`);
    await post(200);
    await deliveriesAre(id, 'held', 200);
    await request('POST', `/v1/webhooks/${id}/enable`);
    await post(60);
    await gets(260);
    await deliveriesAre(id, 'succeeded', 260);
    expect(seen.times).toHaveLength(260);
    const seconds = (seen.times.at(-1)! - seen.times[0]!) / 1_000;
    expect(260 / seconds).toBeGreaterThan(30 * 0.6);
    expect(mostWithin(seen.times, 5_000)).toBeLessThanOrEqual(30 * 5.5 + 1);
  }, 120_000);
});

describe('deliveries that wait', () => {
  it('go on to be sent when Postrider was killed, although their workflows sleep for long', async () => {
    const { webhookTo, post, restart } = await startProcesses();
    const { url, seen, gets } = await startCountingReceiver();
    // Fifty of a workflow's: it looks after them in a minute.
    await webhookTo(url, { rate_limit: 1 });
    await post(100);
    await gets(4);
    await restart();
    const [before, startedAt] = [seen.times.length, Date.now()];
    await gets(before + 10);
    expect(seen.times[before]! - startedAt).toBeLessThan(15_000);
    expect(mostWithin(seen.times, windowMs)).toBeLessThanOrEqual(10 * 1.05 + 1);
  }, 90_000);

  it('for many endpoints do not delay what goes to others', async () => {
    const { webhookTo, post, postEach } = shared;
    const limited = await startCountingReceiver(() => ({ afterMs: 2_000 }));
    for (let n = 0; n < 20; n += 1) {
      const limits = n % 2 === 0 ? { rate_limit: 2 } : { max_in_flight: 1 };
      await webhookTo(limited.url, { ...limits, events: ['message.read'] });
    }
    const { url, seen, gets } = await startCountingReceiver();
    await webhookTo(url, { events: ['message.delivered'] });
    await postEach(20, 50, 'message.delivered');
    await post(100);
    const sent = await postEach(60, 50, 'message.delivered');
    await gets(80);
    const late = sent.map((at, n) => seen.times[20 + n]! - at).sort((a, b) => a - b);
    // Those that wait are answered after 2 s each.
    expect(late[30]).toBeLessThan(1_000);
    expect(late[56]).toBeLessThan(1_900);
    expect(limited.seen.times.length).toBeLessThan(400);
  }, 90_000);
});

describe.runIf(process.env.TEST_DATABASE_URL)('an API and a worker, each a process of its own', () => {
  it('keep a rate together, and reach it', async () => {
    const { webhookTo, post } = await startProcesses({ roles: ['api', 'worker'] });
    const { url, seen, gets } = await startCountingReceiver();
    await webhookTo(url, { rate_limit: 50 });
    await post(550);
    await gets(550);
    expect(mostWithin(seen.times, windowMs)).toBeLessThanOrEqual(50 * 10 * 1.05 + 1);
    expect(seen.times.at(-1)! - seen.times[0]!).toBeLessThan(11_000 * 1.3);
    expect(seen.times).toHaveLength(550);
  }, 90_000);
});

describe.runIf(process.env.TEST_DATABASE_URL)('when one of two processes is killed', () => {
  it('what it had of the limits comes back within seconds, and nothing is lost', async () => {
    const { webhookTo, post, kill, deliveriesAre } = await startProcesses();
    const { url, seen, gets } = await startCountingReceiver(() => ({ afterMs: 100 }));
    const id = await webhookTo(url, { rate_limit: 50, max_in_flight: 6 });
    const count = 900;
    await post(count);
    await gets(150);
    await kill();
    const killedAt = Date.now();
    await gets(count);
    await deliveriesAre(id, 'succeeded', count);
    expect(seen.most).toBeLessThanOrEqual(6);
    expect(mostWithin(seen.times, windowMs)).toBeLessThanOrEqual(50 * 10 * 1.05 + 1);
    const afterwards = seen.times.filter((at) => at >= killedAt + 8_000 && at < killedAt + 12_000);
    // Its part of those under way was three, which make 30 a second.
    expect(afterwards.length).toBeGreaterThanOrEqual(4 * 40);
    // Once more only what was under way then.
    expect(seen.times.length).toBeLessThanOrEqual(count + 6);
  }, 120_000);
});

describe('a limit of requests under way', () => {
  it('of 5 is reached and never exceeded, and all is delivered', async () => {
    const { webhookTo, post, deliveriesAre } = shared;
    const { url, seen, gets } = await startCountingReceiver(() => ({ afterMs: 50 + Math.random() * 100 }));
    const id = await webhookTo(url, { max_in_flight: 5 });
    const count = 200;
    await post(count);
    await gets(count);
    const deliveries = await deliveriesAre(id, 'succeeded', count);
    expect(seen.most).toBe(5);
    expect(seen.times).toHaveLength(count);
    expect(deliveries.every(({ attempt_count }) => attempt_count === 1)).toBe(true);
  }, 120_000);

  it('holds together with a rate, and with what is asked for by hand beside it', async () => {
    const { webhookTo, post, deliveriesOf, deliveriesAre, request } = shared;
    const { url, seen } = await startCountingReceiver(() => ({ afterMs: 300 }));
    const id = await webhookTo(url, { max_in_flight: 4, rate_limit: 40 });
    await post(60);
    const first = await waitFor(
      async () => (await deliveriesOf(id)).find(({ status }) => status === 'succeeded'),
      'the first to be delivered',
    );
    await request('POST', '/v1/webhooks/test', { webhook_id: id, event_type: 'message.read' });
    await request('POST', `/v1/deliveries/${first.id}/retry`);
    await deliveriesAre(id, 'succeeded', 61);
    expect(seen.times).toHaveLength(62);
    // These two go out whatever is under way.
    expect(seen.most).toBeGreaterThanOrEqual(4);
    expect(seen.most).toBeLessThanOrEqual(6);
  }, 60_000);
});
