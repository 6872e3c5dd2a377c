import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { newId } from '../../db/ids.ts';
import { connectTemporal, installTemporalRuntime, type TemporalConnection } from '../../temporal/connect.ts';
import { createHealthStarter } from '../../temporal/health-starter.ts';
import { TemporalUnavailable } from '../../temporal/workflow-starter.ts';
import type {} from '../setup/once-a-run.ts';

installTemporalRuntime(pino({ level: 'silent' }));

let temporal: TemporalConnection;
beforeAll(async () => {
  temporal = await connectTemporal({ address: inject('temporalAddress'), namespace: 'default' });
});
afterAll(() => temporal.close());

test('an endpoint that no worker enables in time is a refusal, not a wait without end', async () => {
  const { client } = temporal;
  const starter = createHealthStarter({ client, taskQueue: `test-${randomUUID()}`, answerMs: 500 });
  const webhook = { id: newId('wh'), account_id: newId('acct') };
  await expect(starter.enable(webhook, {})).rejects.toThrow(TemporalUnavailable);
  // It waits for a worker, under the id that people look for.
  const handle = client.workflow.getHandle(`endpoint-health/${webhook.id}`);
  expect((await handle.describe()).status.name).toBe('RUNNING');
  await handle.terminate();
}, 20_000);
