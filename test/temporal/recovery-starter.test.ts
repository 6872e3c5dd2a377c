import { randomUUID } from 'node:crypto';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { newId } from '../../db/ids.ts';
import { connectTemporal, installTemporalRuntime, type TemporalConnection } from '../../temporal/connect.ts';
import { createRecoveryStarter } from '../../temporal/recovery-starter.ts';
import { TemporalUnavailable } from '../../temporal/workflow-starter.ts';
import type {} from '../setup/once-a-run.ts';

installTemporalRuntime(pino({ level: 'silent' }));

let temporal: TemporalConnection;
beforeAll(async () => {
  temporal = await connectTemporal({ address: inject('temporalAddress'), namespace: 'default' });
});
afterAll(() => temporal.close());

const webhook = () => ({ id: newId('wh'), account_id: newId('acct') });
const starterFor = ({ client }: TemporalConnection) =>
  createRecoveryStarter({ client, taskQueue: `test-${randomUUID()}`, answerMs: 500 });

test('a recovery that no worker answers for in time is a refusal, not a wait without end', async () => {
  const one = webhook();
  const starter = starterFor(temporal);
  await expect(starter.cancel(one)).rejects.toThrow(TemporalUnavailable);
  await expect(starter.progress(one)).rejects.toThrow(TemporalUnavailable);
  const handle = temporal.client.workflow.getHandle(`recover/${one.id}`);
  expect((await handle.describe()).status.name).toBe('RUNNING');
  await handle.terminate();
}, 20_000);

test('a recovery is started once, and asked for without a worker', async () => {
  const one = webhook();
  const starter = starterFor(temporal);
  expect(await starter.progress(one)).toBeUndefined();
  expect(await starter.ensureRecovery(one)).toBe('started');
  expect(await starter.ensureRecovery(one)).toBe('running');
  await starter.startRecovery(one);
  await starter.recover(one, { since: '2025-01-15T10:00:00Z' });
  await starter.tellChanged(one);
  const handle = temporal.client.workflow.getHandle(`recover/${one.id}`);
  const { events } = await handle.fetchHistory();
  const signals = events?.flatMap(
    (event) => event.workflowExecutionSignaledEventAttributes?.signalName ?? [],
  );
  expect(signals).toEqual(['goOn', 'recover', 'goOn']);
  await handle.terminate();
}, 20_000);

test('telling a recovery that is not there of a change is not an error', async () => {
  await starterFor(temporal).tellChanged(webhook());
});
