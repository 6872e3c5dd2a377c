import { expect, it, onTestFinished } from 'vitest';
import { startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';
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
): Promise<void> {
  const system = startedSystem ?? (await startServerSystem(servers));
  onTestFinished(system.close);
  const { books } = await tryFault(name, system, {
    repeats: 'in flight',
    hurt: (trial) => trial.interruptions.during(() => fault(trial)),
  });
  expect(books).toMatchObject({ refused: 0, unanswered: 0, unacknowledged: 0 });
  expect(books.acknowledged).toBe(books.sent);
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
  await tryWithoutTemporal('temporal-gone', async ({ wait }) => {
    await servers.temporal.stop();
    await wait(awayMs(30));
    await servers.temporal.start();
  });
});

it('temporal-emptied: when its database is deleted, the running processes make again what they need there', {
  timeout: timeoutMs,
}, async () => {
  const system = await startServerSystem(servers);
  const ill = await disabledEndpoint(system);
  let backAt = 0;
  await tryWithoutTemporal(
    'temporal-emptied',
    async ({ wait }) => {
      await servers.temporal.kill();
      await servers.temporal.empty();
      await wait(awayMs(5));
      await servers.temporal.start();
      backAt = Date.now();
      ill.recover();
    },
    system,
  );
  // Its health workflow is there again, since nobody else finds out that the endpoint is well.
  const probe = await ill.delivered();
  expect(probe.at - backAt).toBeLessThan(latenessAllowed * promisedMs + ill.mostBetweenProbesMs);
});

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
