import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, it, onTestFinished } from 'vitest';
import { contactHash } from '../../db/inbox-lists.ts';
import { findTemporalCli } from '../../temporal/find-cli.ts';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { type Receiver, startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

/** A folder a released version, made by `RECORD_HISTORIES=<version> npx vitest run test/workflows/replay.test.ts`. */
const histories = fileURLToPath(new URL('./histories/', import.meta.url));

const replay = (history: unknown, workflowId: string) =>
  Worker.runReplayHistory({ workflowBundle: { codePath: inject('workflowBundle') } }, history, workflowId);

describe('workflows of released versions', () => {
  const files = readdirSync(histories, { recursive: true, encoding: 'utf8' }).filter((file) =>
    file.endsWith('.json'),
  );

  it('are recorded', () => expect(files).not.toEqual([]));

  it.each(files)('replay on today’s code: %s', async (file) => {
    const { workflowId, history } = JSON.parse(readFileSync(`${histories}${file}`, 'utf8'));
    await replay(history, workflowId);
  });

  it('do not replay on code that does something else', async () => {
    const file = files.find((name) => name.endsWith('retried.json'))!;
    const { workflowId, history } = JSON.parse(readFileSync(`${histories}${file}`, 'utf8'));
    const started = history.events.find((event: { eventType: string }) =>
      event.eventType.endsWith('ACTIVITY_TASK_SCHEDULED'),
    );
    history.events = history.events.map((event: { eventType: string; eventId: string }) =>
      event === started ? { ...event, eventType: 'EVENT_TYPE_TIMER_STARTED' } : event,
    );
    await expect(replay(history, workflowId)).rejects.toThrow(/nondetermin/i);
  });
});

let postrider: TestPostrider;

describe('workflows of this version', () => {
  let receiver: Receiver;
  beforeAll(async () => {
    receiver = await startReceiver(({ body }, index) => (body.includes('good') || index > 1 ? 200 : 500));
    postrider = await startTestPostrider();
    await postrider.createWebhook({ url: receiver.url, events: ['message.*'] });
  });
  afterAll(async () => {
    await postrider.close();
    await receiver.close();
  });

  it('replay from the histories that they have just written', async () => {
    const retried = await postrider.postEvent({ type: 'message.read', data: {} });
    const { id, workflow_id } = await postrider.deliveryIs(retried.id, 'succeeded');
    const succeeded = await postrider.postEvent({ type: 'message.read', data: { good: true } });
    const { workflow_id: succeededWorkflow } = await postrider.deliveryIs(succeeded.id, 'succeeded');
    const { json } = await postrider.request('POST', `/v1/deliveries/${id}/retry`);
    const list = { externalCustomerId: 'c', title: 'x' };
    await postrider.request('POST', '/v1/inbox/messages', list);
    const account = (await postrider.request('GET', '/v1/accounts')).json.data[0].id;
    const announced = `inbox/${account}/${contactHash('c')}`;
    await waitFor(
      () =>
        postrider.temporal.workflow
          .getHandle(announced)
          .describe()
          .catch(() => undefined),
      'the list to be announced',
    );
    const { watched, recovered } = await disabledAndRecovered();
    const limited = await waitedForItsLimits();
    const workflows = {
      announced,
      limited,
      'endpoint-health': watched,
      recovered,
      retried: workflow_id,
      succeeded: succeededWorkflow,
      'attempted-by-hand': `attempt/${json.attempt_id}`,
    };
    for (const [name, workflowId] of Object.entries(workflows)) {
      const handle = await postrider.startedWorkflow(workflowId);
      await handle.result();
      const history = await handle.fetchHistory();
      await replay(history, workflowId);
      if (name === 'limited') expect(activitiesIn(history)).toContain('attemptUntilSettled');
      if (process.env.RECORD_HISTORIES) await record(process.env.RECORD_HISTORIES, name, workflowId);
    }
  }, 60_000);
});

/** A webhook that fails, is disabled and enabled, gets what waited, and is deleted: so its workflows have ended. */
async function disabledAndRecovered() {
  const answer = { now: 500 };
  const failing = await startReceiver(() => answer.now);
  onTestFinished(() => failing.close());
  const { id } = await postrider.createWebhook({
    url: failing.url,
    events: ['replayed'],
    retry_schedule: { delays_ms: [0] },
    health: { count: 'attempts', failures: 2 },
  });
  const path = `/v1/webhooks/${id}`;
  const isDisabled = async () =>
    (await postrider.request('GET', `${path}/health`)).json.state === 'disabled' || undefined;
  for (let failures = 1; failures <= 2; failures += 1) {
    const { id: event } = await postrider.postEvent({ type: 'replayed', data: {} });
    await postrider.deliveryIs(event, 'failed');
  }
  await waitFor(isDisabled, 'the endpoint to be disabled');
  const { id: held } = await postrider.postEvent({ type: 'replayed', data: {} });
  await postrider.deliveryIs(held, 'held');
  answer.now = 200;
  await postrider.request('POST', `${path}/enable`, { reason: 'mended' });
  await postrider.deliveryIs(held, 'succeeded');
  await postrider.temporal.workflow.getHandle(`recover/${id}`).result();
  await postrider.request('DELETE', path);
  return { watched: `endpoint-health/${id}`, recovered: `recover/${id}` };
}

/** Some that wait for their endpoint’s rate, of which the first fail at first; answers the workflow that owns them. */
async function waitedForItsLimits() {
  const limited = await startReceiver((_, index) => (index < 2 ? 500 : 200));
  onTestFinished(() => limited.close());
  const settings = { events: ['limited'], rate_limit: 5 };
  const { id } = await postrider.createWebhook({ url: limited.url, ...settings });
  const events = Array.from({ length: 12 }, (_, n) => ({ type: 'limited', data: { n } }));
  await postrider.request('POST', '/v1/events/batch', { events });
  await limited.gets(14);
  const { data } = (await postrider.request('GET', `/v1/deliveries?webhook_id=${id}`)).json;
  return data[0].workflow_id as string;
}

const activitiesIn = ({ events }: Awaited<ReturnType<WorkflowHandle['fetchHistory']>>) =>
  events?.map((event) => event.activityTaskScheduledEventAttributes?.activityType?.name);

/** By the CLI, whose JSON is the same in all its versions. */
async function record(version: string, name: string, workflowId: string) {
  const cli = await findTemporalCli({ env: process.env, report: () => {} });
  const address = inject('temporalAddress');
  const args = ['workflow', 'show', '--address', address, '--workflow-id', workflowId, '--output', 'json'];
  // Stack traces hold the paths of whoever records.
  const withoutStacks = (key: string, value: unknown) => (key === 'stackTrace' ? '' : value);
  const history = JSON.parse(execFileSync(cli, args, { encoding: 'utf8' }), withoutStacks);
  mkdirSync(`${histories}${version}`, { recursive: true });
  writeFileSync(
    `${histories}${version}/${name}.json`,
    `${JSON.stringify({ workflowId, history }, null, 1)}\n`,
  );
}
