import { execFile } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { findTemporalCli } from '../../temporal/find-cli.ts';
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
  await Promise.all(receivers.map((receiver) => receiver.close()));
});

let types = 0;

/** A webhook of its own event type, to a receiver whose answer can be changed. */
async function webhookTo(reply: Reply, settings: object = {}) {
  types += 1;
  const type = `health.type-${types}`;
  const answer = { now: reply };
  const receiver = await startReceiver(() => answer.now);
  receivers.push(receiver);
  const webhook = await postrider.createWebhook({
    url: receiver.url,
    events: [type],
    profile: 'inbox-components',
    retry_schedule: { delays_ms: [0] },
    ...settings,
  });
  const post = () => postrider.postEvent({ type, data: { message_id: 'msg_1' } });
  /** Posts events one after the other, each once the one before was attempted. */
  const attempted = async (count: number) => {
    for (let index = 0; index < count; index += 1) {
      const before = receiver.received.length;
      await post();
      await receiver.gets(before + 1);
    }
  };
  return { webhook, receiver, answer, post, attempted, workflowId: `endpoint-health/${webhook.id}` };
}

const healthOf = async (webhook: { id: string }) =>
  (await postrider.request('GET', `/v1/webhooks/${webhook.id}/health`)).json;
const healthIs = (webhook: { id: string }, wanted: object) =>
  waitFor(
    async () => {
      const health = await healthOf(webhook);
      return Object.entries(wanted).every(([key, value]) => health[key] === value) ? health : undefined;
    },
    `${webhook.id} to be ${JSON.stringify(wanted)}`,
  );
/** Its workflow comes to count so many failures in a row, and no more; the database is told of more at once. */
const counts = async (workflowId: string, failures: number) => {
  const handle = postrider.temporal.workflow.getHandle(workflowId);
  const counted = await waitFor(async () => {
    const health = await handle.query<{ consecutive_failures: number }>('health');
    return health.consecutive_failures >= failures ? health.consecutive_failures : undefined;
  }, `${failures} failures to be counted`);
  expect(counted).toBe(failures);
};
/** Not synchronous: the worker that answers is in this process. */
const temporal = async (...args: string[]) => {
  const cli = await findTemporalCli({ env: process.env, report: () => {} });
  return (await promisify(execFile)(cli, [...args, '--address', inject('temporalAddress')])).stdout;
};

describe('the document of inboxcomponents.com', () => {
  it('holds: 5 errors in a row disable an endpoint, and not 4', async () => {
    const { webhook, receiver, attempted, post } = await webhookTo(500);
    await attempted(4);
    await healthIs(webhook, { state: 'failing', consecutive_failures: 4 });
    await attempted(1);
    const health = await healthIs(webhook, { state: 'disabled' });
    expect(health).toMatchObject({
      consecutive_failures: 5,
      last_failure: { reason: 'answered 500' },
      policy: { count: 'attempts', failures: 5, reenable: 'manual' },
      next_probe_at: null,
    });
    const event = await post();
    expect(await postrider.deliveryIs(event.id, 'held')).toMatchObject({ attempt_count: 0 });
    expect(receiver.received).toHaveLength(5);
  });

  it('holds: a success in between starts the count again', async () => {
    const { webhook, answer, attempted } = await webhookTo(500);
    await attempted(4);
    answer.now = 200;
    await attempted(1);
    await healthIs(webhook, { state: 'healthy', consecutive_failures: 0 });
    answer.now = 500;
    await attempted(4);
    await healthIs(webhook, { state: 'failing', consecutive_failures: 4 });
    await attempted(1);
    await healthIs(webhook, { state: 'disabled' });
  });

  it('holds: it is enabled again by hand, and what waited goes out', async () => {
    const { webhook, receiver, answer, attempted, post } = await webhookTo(500);
    await attempted(5);
    await healthIs(webhook, { state: 'disabled' });
    const event = await post();
    await postrider.deliveryIs(event.id, 'held');
    answer.now = 200;
    const enabled = await postrider.request('POST', `/v1/webhooks/${webhook.id}/enable`);
    expect(enabled).toMatchObject({ status: 200, json: { state: 'healthy', consecutive_failures: 0 } });
    await postrider.deliveryIs(event.id, 'succeeded');
    expect(receiver.received).toHaveLength(6);
  });
});

describe('the program `temporal`', () => {
  it('disables and enables with hand-typed JSON, and without any input', async () => {
    const { webhook, workflowId } = await webhookTo(200);
    const signal = (name: string, ...input: string[]) =>
      temporal('workflow', 'signal', '--workflow-id', workflowId, '--name', name, ...input);
    await healthIs(webhook, { state: 'healthy' });
    await signal('disable', '--input', '{"reason": "maintenance", "by": "Ann"}');
    expect(await healthIs(webhook, { state: 'disabled' })).toMatchObject({ reason: 'maintenance' });
    await signal('enable');
    await healthIs(webhook, { state: 'healthy' });
    await signal('disable');
    expect(await healthIs(webhook, { state: 'disabled' })).toMatchObject({ reason: 'disabled by hand' });
    await signal('enable', '--input', '{"held": "discard"}');
    await healthIs(webhook, { state: 'healthy' });
    await signal('attempts');
    await signal('attempts', '--input', '[{"succeeded": false, "reason": "I saw it fail"}]');
    expect(await healthIs(webhook, { state: 'failing' })).toMatchObject({
      consecutive_failures: 1,
      last_failure: { reason: 'I saw it fail' },
    });
    const query = ['workflow', 'query', '--workflow-id', workflowId, '--name', 'health', '--output', 'json'];
    expect(await temporal(...query)).toContain('"state"');
    const update = ['workflow', 'update', 'execute', '--workflow-id', workflowId, '--name', 'enableEndpoint'];
    await temporal(...update);
    expect((await healthOf(webhook)).state).toBe('healthy');
  });

  it('finds disabled endpoints by their state, and shows in words why', async () => {
    const { webhook, workflowId, attempted } = await webhookTo(500);
    await attempted(5);
    await healthIs(webhook, { state: 'disabled' });
    await waitFor(async () => {
      for await (const found of postrider.temporal.workflow.list({ query: 'PostriderState = "disabled"' })) {
        if (found.workflowId === workflowId) return true;
      }
      return undefined;
    }, 'the workflow to be found');
    const { currentDetails } = (await postrider.temporal.workflow
      .getHandle(workflowId)
      .query('__temporal_workflow_metadata')) as { currentDetails: string };
    expect(currentDetails).toMatch(/\*\*disabled\*\* since .*: 5 attempts in a row failed/);
    expect(currentDetails).toContain('last failure: answered 500, at ');
  });
});

describe('an endpoint', () => {
  it('that is healthy costs its workflow no signal', async () => {
    const { webhook, attempted, workflowId } = await webhookTo(200);
    await attempted(10);
    await healthIs(webhook, { state: 'healthy' });
    const { events } = await postrider.temporal.workflow.getHandle(workflowId).fetchHistory();
    expect(events?.some((event) => event.workflowExecutionSignaledEventAttributes)).toBe(false);
  });

  it('is disabled at once when it answers 410, and never probed', async () => {
    const { webhook, attempted } = await webhookTo(410, {
      health: { reenable: { after_ms: 1_000, backoff: 1, max_ms: 1_000 } },
    });
    await attempted(1);
    expect(await healthIs(webhook, { state: 'disabled' })).toMatchObject({
      reason: 'it answered 410 Gone',
      next_probe_at: null,
    });
  });

  it('is disabled by deliveries that spent their schedules where its profile counts these', async () => {
    const { webhook, receiver, attempted } = await webhookTo(500, {
      profile: 'inbox',
      retry_schedule: { delays_ms: [0, 1_000] },
    });
    await attempted(4);
    await receiver.gets(8);
    await healthIs(webhook, { state: 'failing', consecutive_failures: 4 });
    await attempted(1);
    await receiver.gets(10);
    expect(await healthIs(webhook, { state: 'disabled' })).toMatchObject({
      consecutive_failures: 5,
      reason: '5 deliveries in a row failed',
    });
  });

  it('that fails 200 times at once is disabled once, and people are told once', async () => {
    const told = await startReceiver();
    receivers.push(told);
    await postrider.createWebhook({ url: told.url, events: ['webhook.disabled'] });
    const { webhook, post } = await webhookTo(503);
    await Promise.all(Array.from({ length: 200 }, post));
    await healthIs(webhook, { state: 'disabled' });
    // What the tests before did may be told only now.
    const ofMine = () => told.received.filter(({ body }) => body.includes(webhook.id));
    await expect.poll(() => ofMine().length, { timeout: 10_000 }).toBeGreaterThan(0);
    expect(JSON.parse(ofMine()[0]!.body)).toMatchObject({
      type: 'webhook.disabled',
      data: { webhook_id: webhook.id, state: 'disabled', last_failure: { reason: 'answered 503' } },
    });
    const { json } = await postrider.request(
      'GET',
      `/v1/audit-log?action=webhook.disabled&subject_id=${webhook.id}`,
    );
    expect(json.data).toHaveLength(1);
    const about = await postrider.request('GET', `/v1/events?type=webhook.disabled&q=${webhook.id}`);
    expect(about.json.data).toHaveLength(1);
    expect(ofMine()).toHaveLength(1);
  });

  it('that flaps is never disabled, and its count ends at what it last did', async () => {
    const { webhook, answer, attempted } = await webhookTo(500);
    for (let round = 0; round < 4; round += 1) {
      answer.now = 500;
      await attempted(3);
      answer.now = 200;
      await attempted(1);
    }
    await healthIs(webhook, { state: 'healthy', consecutive_failures: 0 });
    const { json } = await postrider.request('GET', `/v1/audit-log?subject_id=${webhook.id}`);
    expect(json.data.map((entry: { action: string }) => entry.action)).not.toContain('webhook.disabled');
  });

  it('is not judged by attempts made by hand, nor by test events', async () => {
    const { webhook, receiver, answer, attempted, post } = await webhookTo(500, { health: { failures: 2 } });
    const event = await post();
    const delivery = await postrider.deliveryIs(event.id, 'failed');
    await healthIs(webhook, { state: 'failing', consecutive_failures: 1 });
    for (let index = 0; index < 3; index += 1) {
      await postrider.request('POST', `/v1/deliveries/${delivery.id}/retry`);
      await postrider.request('POST', '/v1/webhooks/test', {
        webhook_id: webhook.id,
        event_type: 'message.sent',
      });
      await receiver.gets(1 + 2 * (index + 1));
    }
    answer.now = 200;
    await postrider.request('POST', `/v1/deliveries/${delivery.id}/retry`);
    await postrider.deliveryIs(event.id, 'succeeded');
    expect(await healthOf(webhook)).toMatchObject({ state: 'failing', consecutive_failures: 1 });
    answer.now = 500;
    await attempted(1);
    await healthIs(webhook, { state: 'disabled', consecutive_failures: 2 });
  });
});

describe('a probe', () => {
  const reenable = { after_ms: 1_000_000, backoff: 2, max_ms: 4_000_000 };

  it('is one delivery that waits; its failure waits longer, its success enables and sends the rest', async () => {
    const { webhook, receiver, answer, attempted, post } = await webhookTo(500, { health: { reenable } });
    await attempted(5);
    await healthIs(webhook, { state: 'disabled' });
    const events = [await post(), await post(), await post()];
    // SCHEDULE_SCALE makes 1,000 s one second.
    await receiver.gets(6);
    expect(await healthIs(webhook, { state: 'disabled' })).toMatchObject({
      reason: '5 attempts in a row failed',
    });
    await postrider.deliveryIs(events[0].id, 'held');
    answer.now = 200;
    await healthIs(webhook, { state: 'healthy' });
    for (const event of events) await postrider.deliveryIs(event.id, 'succeeded');
    const [first] = (await postrider.request('GET', `/v1/events/${events[0].id}`)).json.deliveries;
    const { attempts } = (await postrider.request('GET', `/v1/deliveries/${first.id}`)).json;
    const triggers = attempts.map(({ trigger }: { trigger: string }) => trigger);
    expect(new Set(triggers)).toEqual(new Set(['probe']));
    const { json } = await postrider.request('GET', `/v1/audit-log?subject_id=${webhook.id}`);
    expect(json.data[0]).toMatchObject({ action: 'webhook.enabled', reason: 'a probe succeeded' });
  });
});

describe('the workflow', () => {
  it('is there as soon as the webhook is, and ends with it', async () => {
    const { webhook, workflowId } = await webhookTo(200);
    const handle = postrider.temporal.workflow.getHandle(workflowId);
    const query = () =>
      handle.query<{ state: string } | null>('health').then(
        (health) => health ?? undefined,
        () => undefined,
      );
    expect(await waitFor(query, 'the health')).toMatchObject({
      state: 'healthy',
      consecutive_failures: 0,
      last_failure: null,
      policy: { failures: 5 },
      next_probe_at: null,
    });
    await postrider.request('DELETE', `/v1/webhooks/${webhook.id}`);
    await handle.result();
  });

  it('takes a changed policy', async () => {
    const { webhook, attempted } = await webhookTo(500);
    await attempted(2);
    await healthIs(webhook, { state: 'failing', consecutive_failures: 2 });
    await postrider.request('PATCH', `/v1/webhooks/${webhook.id}`, { health: { failures: 3 } });
    await attempted(1);
    await healthIs(webhook, { state: 'disabled' });
  });

  it('goes on from the database with the right count when it was lost', async () => {
    const { webhook, attempted, workflowId } = await webhookTo(500);
    await attempted(3);
    await healthIs(webhook, { state: 'failing', consecutive_failures: 3 });
    await postrider.temporal.workflow.getHandle(workflowId).terminate('lost');
    await attempted(1);
    await healthIs(webhook, { state: 'failing', consecutive_failures: 4 });
    await postrider.temporal.workflow.getHandle(workflowId).terminate('lost');
    await attempted(1);
    await healthIs(webhook, { state: 'disabled', consecutive_failures: 5 });
  });

  // The workflow is the same on both databases.
  it.runIf(process.env.TEST_DATABASE_URL)(
    'looks up an outcome that is missing for long, and none that is on its way while two workers tell theirs in turn',
    async () => {
      const { webhook, workflowId } = await webhookTo(200, { health: { min_failing_ms: 86_400_000 } });
      const handle = postrider.temporal.workflow.getHandle(workflowId);
      await healthIs(webhook, { state: 'healthy' });
      const tell = (number: number) => handle.signal('attempts', [{ number, succeeded: false }]);
      const lookUps = async () =>
        (await handle.fetchHistory()).events?.filter(
          ({ activityTaskScheduledEventAttributes: activity }) =>
            activity?.activityType?.name === 'loadOutcomes',
        ).length;
      await waitFor(() => handle.describe().catch(() => undefined), 'the workflow');
      await tell(2);
      for (let round = 1; round <= 10; round += 1) {
        // One is missing at any time, each for a second.
        await delay(1_000);
        await tell(2 * round + 2);
        await tell(2 * round - 1);
      }
      await counts(workflowId, 20);
      expect(await lookUps()).toBe(0);
      await waitFor(
        async () => ((await lookUps()) === 1 ? true : undefined),
        'the missing one to be looked up',
      );
    },
    40_000,
  );

  // What counts them is the workflow, the same on both: once in full.
  const signals = process.env.TEST_DATABASE_URL ? 10_000 : 4_000;
  it(`loses nothing of ${signals} signals through several continuations`, async () => {
    // Never disabled, since it does not fail for so long.
    const { webhook, workflowId } = await webhookTo(200, { health: { min_failing_ms: 86_400_000 } });
    const handle = postrider.temporal.workflow.getHandle(workflowId);
    await healthIs(webhook, { state: 'healthy' });
    const { runId } = await waitFor(() => handle.describe().catch(() => undefined), 'the workflow');
    const atOnce = 50;
    for (let sent = atOnce; sent <= signals; sent += atOnce) {
      await Promise.all(
        Array.from({ length: atOnce }, () => handle.signal('attempts', { succeeded: false })),
      );
      if (sent % 1_000 === 0) await counts(workflowId, sent);
    }
    await healthIs(webhook, { state: 'failing', consecutive_failures: signals });
    let runs = 0;
    for await (const run of postrider.temporal.workflow.list({ query: `WorkflowId = "${workflowId}"` })) {
      expect(run.workflowId).toBe(workflowId);
      runs += 1;
    }
    expect(runs).toBeGreaterThan(2);
    expect((await handle.describe()).runId).not.toBe(runId);
  }, 240_000);
});
