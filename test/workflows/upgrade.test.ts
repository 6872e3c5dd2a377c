import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkflowHandle } from '@temporalio/client';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';
import { type Receiver, startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';
import { goOn } from './versions/later.ts';

const fromHere = (path: string) => fileURLToPath(new URL(path, import.meta.url));

let folder: string;
let later: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postrider-later-'));
  later = join(folder, 'workflows.js');
  const { code } = await bundleWorkflowCode({
    workflowsPath: fromHere('./versions/later.ts'),
    workflowInterceptorModules: [fromHere('../../workflows/trace-header.ts')],
    logger: new DefaultLogger('WARN'),
  });
  await writeFile(later, code);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const eventsOf = async (handle: WorkflowHandle) => (await handle.fetchHistory()).events ?? [];

// They are about workflows, which are the same on both databases.
describe.runIf(process.env.TEST_DATABASE_URL)('an upgrade that changes a workflow behind a patch', () => {
  let postrider: TestPostrider;
  let receiver: Receiver;
  let status = 500;
  beforeAll(async () => {
    receiver = await startReceiver(() => status);
    postrider = await startTestPostrider();
    await postrider.createWebhook({
      url: receiver.url,
      events: ['upgraded'],
      retry_schedule: { delays_ms: [0, ...new Array(19).fill(500_000)] },
    });
  });
  afterAll(async () => {
    await postrider.close();
    await receiver.close();
  });

  const post = async () => {
    const { id } = await postrider.postEvent({ type: 'upgraded', data: {} });
    const { workflow_id } = (await postrider.request('GET', `/v1/events/${id}`)).json.deliveries[0];
    return { id, handle: await postrider.startedWorkflow(workflow_id) };
  };

  it('lets a workflow that the version before started finish on the new one, as it began', async () => {
    status = 500;
    const { id, handle } = await post();
    await waitFor(
      async () => ((await handle.describe()).raw.pendingActivities ?? []).length > 0 || undefined,
      'the retries',
    );
    await postrider.stop();
    await postrider.start(later);
    status = 200;
    await postrider.deliveryIs(id, 'succeeded');
    expect(await handle.result()).toEqual({ succeeded: 1 });
    const patches = (await eventsOf(handle)).filter(
      ({ markerRecordedEventAttributes: marker }) => marker?.markerName === 'core_patch',
    );
    expect(patches).toEqual([]);
  }, 60_000);

  it('lets one that the new version started wait for it, when a worker of the version before meets it', async () => {
    status = 200;
    const { id, handle } = await post();
    await waitFor(
      async () =>
        (await eventsOf(handle)).some((event) => event.markerRecordedEventAttributes != null) || undefined,
      'its first task on the new version',
    );
    await postrider.stop();
    await postrider.start();
    await handle.signal(goOn);
    await waitFor(
      async () =>
        (await eventsOf(handle)).some((event) => event.workflowTaskFailedEventAttributes != null) ||
        undefined,
      'a task that fails on the version before',
    );
    expect((await handle.describe()).status.name).toBe('RUNNING');
    await postrider.stop();
    await postrider.start(later);
    await handle.result();
    expect(await postrider.deliveryIs(id, 'succeeded')).toMatchObject({ attempt_count: 1 });
  }, 60_000);
});
