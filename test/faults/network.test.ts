import { expect, it, onTestFinished } from 'vitest';
import { readMemory } from '../../bench/usage/processes.ts';
import { form, timeoutMs } from './rig/form.ts';
import { hostileReceivers } from './rig/hostile-receivers.ts';
import { serversOfTests } from './rig/servers.ts';
import { type System, startServerSystem } from './rig/system.ts';
import { tryFault } from './rig/trial.ts';

const servers = serversOfTests();

/** The shortest that a webhook may have. */
const attemptMs = 1_000;
/** Until an attempt that has ended is recorded, on a busy machine. */
const graceMs = 1_500;
/** Each of the hostile ones gets an event so often. */
const everyMs = 500;
const mostGrowthBytes = 200 * 1024 * 1024;
/** What a busy machine makes of anything, whoever receives. */
const noiseMs = 250;

it('network: whatever receivers do to an attempt, it ends in time with its reason, and others do not wait', {
  timeout: timeoutMs,
}, async () => {
  const system = await startServerSystem(servers);
  onTestFinished(system.close);
  const webhooks = await registerHostile(system);
  const posted = new Map(hostileReceivers.map(({ name }) => [name, 0]));
  let mostMemory = 0;
  let quietUntil = 0;
  let memoryBefore = 0;

  const { latencies } = await tryFault('network', system, {
    repeats: 'none',
    hurt: async ({ wait }) => {
      await wait((form.seconds * 1_000) / 2);
      quietUntil = Date.now();
      memoryBefore = memoryOf(system);
      const until = quietUntil + form.seconds * 1_000;
      while (Date.now() < until) {
        for (const { name, dataBytes = 0 } of hostileReceivers) {
          const { status } = await system.request('POST', '/v1/events', {
            type: `hostile.${name}`,
            data: { filling: 'x'.repeat(dataBytes) },
          });
          expect(status).toBe(202);
          posted.set(name, (posted.get(name) ?? 0) + 1);
        }
        mostMemory = Math.max(mostMemory, memoryOf(system));
        await wait(everyMs);
      }
    },
  });

  for (const { name, reason, isTruncated = false } of hostileReceivers) {
    const attempts = await attemptsAt(system, webhooks.get(name) ?? '');
    const came = attempts.map((attempt) => attempt.reason);
    expect({ name, came }).toEqual({ name, came: new Array(posted.get(name)).fill(reason) });
    for (const attempt of attempts) {
      expect(attempt).toMatchObject({ number: 1, succeeded: reason === null });
      expect({ name, truncated: attempt.response_truncated }).toEqual({ name, truncated: isTruncated });
      expect(attempt.duration_ms).toBeLessThan(attemptMs + graceMs);
    }
  }
  expect(mostMemory - memoryBefore).toBeLessThan(mostGrowthBytes);
  const [quiet, hostile] = [latencies(0, quietUntil), latencies(quietUntil, Number.POSITIVE_INFINITY)];
  expect(hostile?.p99).toBeLessThan(2 * (quiet?.p99 ?? 0) + noiseMs);
});

/** Webhooks whose deliveries have one attempt, and whose endpoints are never disabled; by the receivers' names. */
async function registerHostile(system: System): Promise<Map<string, string>> {
  const webhooks = new Map<string, string>();
  for (const { name, start } of hostileReceivers) {
    const { url, close } = await start();
    onTestFinished(close);
    const { status, json } = await system.request('POST', '/v1/webhooks', {
      url,
      events: [`hostile.${name}`],
      timeout_ms: attemptMs,
      retry_schedule: { delays_ms: [0] },
      health: { failures: 100, min_failing_ms: 3_600_000 },
    });
    expect({ status, json }).toMatchObject({ status: 201 });
    webhooks.set(name, json.id);
  }
  return webhooks;
}

interface Attempt {
  number: number;
  succeeded: boolean;
  reason: string | null;
  duration_ms: number;
  response_truncated: boolean;
}

async function attemptsAt(system: System, webhook: string): Promise<Attempt[]> {
  const attempts: Attempt[] = [];
  let cursor: string | null = '';
  while (cursor !== null) {
    const after: string = cursor === '' ? '' : `&cursor=${cursor}`;
    const { json } = await system.request('GET', `/v1/webhooks/${webhook}/logs?limit=100${after}`);
    attempts.push(...json.data);
    cursor = json.next_cursor;
  }
  return attempts;
}

function memoryOf(system: System): number {
  return system.processes.reduce((sum, one) => sum + (readMemory(one.pid())?.anonymous ?? 0), 0);
}
