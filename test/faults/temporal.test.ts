import { expect, it, onTestFinished } from 'vitest';
import { isAcknowledged } from '../../bench/ledger.ts';
import { startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';
import type { Books } from './rig/books.ts';
import { awayMs, latenessAllowed, timeoutMs } from './rig/form.ts';
import { promisedMs } from './rig/interruptions.ts';
import { serversOfTests } from './rig/servers.ts';
import { type System, startServerSystem } from './rig/system.ts';
import { type Trial, tryFault } from './rig/trial.ts';

const servers = serversOfTests();

/** A fault of Temporal, during which every event is taken in. */
async function tryWithoutTemporal(
  name: string,
  fault: (trial: Trial) => Promise<void>,
  startedSystem?: System,
): Promise<Books> {
  const system = startedSystem ?? (await startServerSystem(servers));
  onTestFinished(system.close);
  const { books } = await tryFault(name, system, {
    repeats: 'in flight',
    hurt: (trial) => trial.interruptions.during(() => fault(trial)),
  });
  expect(books).toMatchObject({ refused: 0, unanswered: 0, unacknowledged: 0 });
  expect(books.acknowledged).toBe(books.sent);
  return books;
}

it('kill-temporal: SIGKILL of the Temporal server loses nothing, and events are taken in meanwhile', {
  timeout: timeoutMs,
}, async () => {
  await tryWithoutTemporal('kill-temporal', async () => {
    await servers.temporal.kill();
    await servers.temporal.start();
  });
});

it('temporal-gone: with Temporal gone for 30 s events are taken in, and what was due goes out when it is back', {
  timeout: timeoutMs,
}, async () => {
  const { dueMeanwhile } = await tryWithoutTemporal('temporal-gone', async (trial) => {
    await servers.temporal.stop();
    await trial.wait(awayMs(30));
    await someAreDue(trial);
    await servers.temporal.start();
  });
  expect(dueMeanwhile).toBeGreaterThan(0);
});

it('temporal-emptied: when its database is deleted, the running processes make again what they need there', {
  timeout: timeoutMs,
}, async () => {
  const system = await startServerSystem(servers);
  const ill = await disabledEndpoint(system);
  let backAt = 0;
  const { dueMeanwhile } = await tryWithoutTemporal(
    'temporal-emptied',
    async (trial) => {
      await servers.temporal.kill();
      await servers.temporal.empty();
      await trial.wait(awayMs(5));
      await someAreDue(trial);
      await servers.temporal.start();
      backAt = Date.now();
      ill.recover();
    },
    system,
  );
  expect(dueMeanwhile).toBeGreaterThan(0);
  // Its health workflow is there again, since nobody else finds out that the endpoint is well.
  const probe = await ill.delivered();
  expect(probe.at - backAt).toBeLessThan(latenessAllowed * promisedMs + ill.mostBetweenProbesMs);
});

/** The time of some scheduled events has come, while there is no Temporal. */
async function someAreDue({ load, wait }: Trial): Promise<void> {
  const { first, status } = load.sent();
  const acknowledged = [...load.dueAt].filter(([seq]) => isAcknowledged(status[seq - first] as number));
  await wait(Math.max(0, Math.min(...acknowledged.map(([, due]) => due)) + 200 - Date.now()));
}

/** An endpoint that is disabled, with a delivery that waits until a probe finds it well. */
async function disabledEndpoint(system: System) {
  let isWell = false;
  const receiver = await startReceiver(() => (isWell ? 200 : 500));
  onTestFinished(receiver.close);
  const { json: webhook } = await system.request('POST', '/v1/webhooks', {
    url: receiver.url,
    events: ['ill.endpoint'],
    retry_schedule: { delays_ms: [0] },
    // Times the scale of the tests: every 2 s.
    health: { count: 'attempts', failures: 1, reenable: { after_ms: 100_000, backoff: 1, max_ms: 100_000 } },
  });
  const post = () => system.request('POST', '/v1/events', { type: 'ill.endpoint', data: {} });
  expect((await post()).status).toBe(202);
  await waitFor(async () => {
    const { json } = await system.request('GET', `/v1/webhooks/${webhook.id}/health`);
    return json.state === 'disabled' ? true : undefined;
  }, 'the endpoint to be disabled');
  expect((await post()).status).toBe(202);
  return {
    mostBetweenProbesMs: 5_000,
    recover() {
      isWell = true;
    },
    delivered: () =>
      waitFor(async () => {
        const { json } = await system.request(
          'GET',
          `/v1/deliveries?webhook_id=${webhook.id}&status=succeeded`,
        );
        return json.data.length > 0 ? receiver.received.at(-1) : undefined;
      }, 'the probe'),
  };
}
