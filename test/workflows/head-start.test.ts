import { pino } from 'pino';
import { afterEach, describe, expect, inject, it, onTestFinished } from 'vitest';
import { parseConfig } from '../../config.ts';
import { mostEvents } from '../../delivery/workflow-pacing.ts';
import { type Postrider, startPostrider } from '../../postrider.ts';
import type { Role } from '../../roles.ts';
import { startTestPostrider, type TestPostrider, testSettings } from '../setup/postrider.ts';
import { type Receiver, type Reply, startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

let postrider: TestPostrider | undefined;
let receiver: Receiver | undefined;
afterEach(async () => {
  await postrider?.close();
  await receiver?.close();
  postrider = undefined;
  receiver = undefined;
});

async function started(settings: Record<string, string> = {}, reply?: () => Reply, webhook: object = {}) {
  receiver = await startReceiver(reply);
  postrider = await startTestPostrider(settings);
  await postrider.createWebhook({ url: receiver.url, events: ['message.*'], ...webhook });
  return { receiver, postrider };
}

const event = (n: number) => ({ type: 'message.read', data: { n } });
/** Posts so many at once; answers their ids. */
const postBurst = async (count: number): Promise<string[]> => {
  const posted = Array.from({ length: count }, (_, n) => (postrider as TestPostrider).postEvent(event(n)));
  return (await Promise.all(posted)).map(({ id }) => id);
};

/** The ids of the workflows that a search in the Temporal UI would find, once there is one. */
function workflowsOf(eventId: string): Promise<string[]> {
  const { temporal } = postrider as TestPostrider;
  return waitFor(async () => {
    const found: string[] = [];
    for await (const { workflowId } of temporal.workflow.list({ query: `PostriderEvent = "${eventId}"` })) {
      found.push(workflowId);
    }
    return found.length > 0 ? found : undefined;
  }, `a workflow with ${eventId}`);
}

describe('a lone event', () => {
  it('goes out at once, and its one workflow, named after it, joins that attempt', async () => {
    const { postrider, receiver } = await started();
    const { id } = await postrider.postEvent(event(1));
    const delivery = await postrider.deliveryIs(id, 'succeeded');
    expect(delivery).toMatchObject({ attempt_count: 1, workflow_id: `deliver/${id}` });
    expect(await workflowsOf(id)).toEqual([`deliver/${id}`]);
    const workflow = await postrider.startedWorkflow(`deliver/${id}`);
    expect(await workflow.result()).toEqual({ succeeded: 1 });
    expect(receiver.received).toHaveLength(1);
  }, 60_000);

  it('is at its receiver before its workflow could be', async () => {
    const { postrider, receiver } = await started({ GROUP_WINDOW_MS: '2000' });
    // The first starts its workflow at once; the second's waits until the window ends.
    await postrider.postEvent(event(1));
    const { id } = await postrider.postEvent(event(2));
    await receiver.gets(2);
    await expect(postrider.temporal.workflow.getHandle(`deliver/${id}`).describe()).rejects.toThrow();
    await postrider.deliveryIs(id, 'succeeded');
    expect(await workflowsOf(id)).toEqual([`deliver/${id}`]);
  }, 60_000);

  it('that is slow to be answered is attempted once, and its workflow waits for that', async () => {
    const { postrider, receiver } = await started({}, () => 'hang', { timeout_ms: 4_000 });
    const { id } = await postrider.postEvent(event(1));
    const delivery = await waitFor(async () => {
      const [one] = (await postrider.request('GET', `/v1/events/${id}`)).json.deliveries;
      return one.attempt_count === 1 ? one : undefined;
    }, 'the attempt to be recorded');
    expect(receiver.received).toHaveLength(1);
    await postrider.request('POST', `/v1/deliveries/${delivery.id}/cancel`);
  }, 60_000);
});

describe('a burst', () => {
  it('shares workflows, each found by every event in it and holding no more than it may', async () => {
    const { postrider, receiver } = await started({ EVENTS_PER_WORKFLOW: '3', GROUP_WINDOW_MS: '300' });
    const ids = await postBurst(40);
    const eventsOf = new Map<string, string[]>();
    for (const id of ids) {
      const { workflow_id } = await postrider.deliveryIs(id, 'succeeded');
      eventsOf.set(workflow_id, [...(eventsOf.get(workflow_id) ?? []), id]);
      expect(await workflowsOf(id)).toEqual([workflow_id]);
    }
    expect(eventsOf.size).toBeLessThan(30);
    for (const [workflowId, events] of eventsOf) {
      // On a busy machine the burst lasts so long that it counts as a steady load.
      expect(events.length).toBeLessThanOrEqual(mostEvents(3));
      expect(events).toContain(workflowId.replace('deliver/', ''));
      const result = await (await postrider.startedWorkflow(workflowId)).result();
      expect(result).toEqual({ succeeded: events.length });
    }
    expect(receiver.received).toHaveLength(40);
  }, 60_000);

  it('has one workflow an event when EVENTS_PER_WORKFLOW is 1', async () => {
    const { postrider } = await started({ EVENTS_PER_WORKFLOW: '1', GROUP_WINDOW_MS: '1000' });
    const ids = await postBurst(12);
    for (const id of ids) {
      expect(await postrider.deliveryIs(id, 'succeeded')).toMatchObject({ workflow_id: `deliver/${id}` });
      expect(await workflowsOf(id)).toEqual([`deliver/${id}`]);
    }
  }, 60_000);

  it('that fails is retried by its workflows, each event on its own', async () => {
    let failures = 30;
    const { postrider, receiver } = await started({}, () => (failures-- > 0 ? 500 : 200));
    const ids = await postBurst(20);
    for (const id of ids) await postrider.deliveryIs(id, 'succeeded');
    expect(receiver.received).toHaveLength(50);
  }, 90_000);
});

describe.runIf(process.env.TEST_DATABASE_URL)('several processes on one PostgreSQL', () => {
  /** Composed as processes of their own would be. */
  async function startAll(...roles: Role[]) {
    const { env, remove } = await testSettings();
    const running: Postrider[] = [];
    onTestFinished(async () => {
      for (const one of running.reverse()) await one.stop();
      await remove();
    });
    for (const role of roles) {
      running.push(
        await startPostrider(parseConfig(env), {
          role,
          env: process.env,
          log: pino({ level: 'silent' }),
          report: () => {},
          workflowBundle: inject('workflowBundle'),
        }),
      );
    }
    const urls = running.flatMap(({ apiUrl }) => apiUrl ?? []);
    const request = async (url: string | undefined, method: string, path: string, body?: object) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${env.ADMIN_API_KEY}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
      return (await response.json()) as any;
    };
    return { urls, request };
  }

  it('attempt each event once: two that take events in, and one that works', async () => {
    receiver = await startReceiver();
    const { urls, request } = await startAll('api', 'api', 'worker');
    await request(urls[0], 'POST', '/v1/webhooks', { url: receiver.url, events: ['*'] });
    const posted = await Promise.all(
      Array.from({ length: 60 }, (_, n) => request(urls[n % 2], 'POST', '/v1/events', event(n))),
    );
    for (const { id } of posted) {
      const delivery = await waitFor(async () => {
        const [one] = (await request(urls[0], 'GET', `/v1/events/${id}`)).deliveries;
        return one.status === 'succeeded' ? one : undefined;
      }, `${id} to be delivered`);
      expect(delivery.attempt_count).toBe(1);
    }
    expect(receiver.received).toHaveLength(60);
  }, 90_000);

  it('leave an attempt that takes its time to the process that makes it, and retry it when it failed', async () => {
    receiver = await startReceiver((_, index) => (index === 0 ? 'hang' : 200));
    const { urls, request } = await startAll('api', 'worker');
    const webhook = { url: receiver.url, events: ['*'], timeout_ms: 6_000 };
    await request(urls[0], 'POST', '/v1/webhooks', webhook);
    const { id } = await request(urls[0], 'POST', '/v1/events', event(1));
    const delivery = await waitFor(async () => {
      const [one] = (await request(urls[0], 'GET', `/v1/events/${id}`)).deliveries;
      return one.status === 'succeeded' ? one : undefined;
    }, 'the retry to succeed');
    expect(delivery.attempt_count).toBe(2);
    const [first, second] = receiver.received;
    expect(receiver.received).toHaveLength(2);
    expect(second!.at - first!.at).toBeGreaterThan(5_900);
  }, 90_000);
});
