import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { expect, inject, it } from 'vitest';
import { newId } from '../../db/ids.ts';
import { connectTemporal, installTemporalRuntime } from '../../temporal/connect.ts';
import { startWorker } from '../../temporal/worker.ts';
import { inboxWorkflowId } from '../../temporal/workflow-ids.ts';
import { createWorkflowStarter } from '../../temporal/workflow-starter.ts';
import type {} from '../setup/once-a-run.ts';

installTemporalRuntime(pino({ level: 'silent' }));

it('looks once more when it is told of a change just before it would end, and not when it was told before', async () => {
  const temporal = await connectTemporal({ address: inject('temporalAddress'), namespace: 'default' });
  const taskQueue = `test-${randomUUID()}`;
  const starter = createWorkflowStarter({ client: temporal.client, taskQueue, requestEagerStart: false });
  const list = { account_id: newId('acct'), contact_hash: '0'.repeat(32) };
  let looks = 0;
  const worker = await startWorker({
    connection: temporal.connection,
    namespace: 'default',
    taskQueue,
    workflowBundle: inject('workflowBundle'),
    activities: {
      async announceList() {
        looks += 1;
        // The list was read and marked: this change is not in it.
        if (looks === 1) await starter.tellListChanged(list);
        return { event_id: 'evt_1', is_due: false };
      },
    },
  });
  try {
    await starter.tellListChanged(list);
    await starter.tellListChanged(list);
    expect(await starter.startAnnounceInbox(list)).toBe('running');
    expect(await temporal.client.workflow.getHandle(inboxWorkflowId(list)).result()).toBe(2);
    expect(looks).toBe(2);
  } finally {
    await worker.stop();
    await temporal.close();
  }
});
