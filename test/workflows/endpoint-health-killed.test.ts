import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { lastingPorts } from '../setup/lasting-ports.ts';
import { testSettings } from '../setup/postrider.ts';
import { startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

const startScript = fileURLToPath(new URL('../../scripts/start.js', import.meta.url));

// Of the embedded database's process test/faults/processes.test.ts has the kills; five starts of it take a minute and more.
const itOnServer = it.runIf(process.env.TEST_DATABASE_URL);

itOnServer(
  'an endpoint is disabled at its fifth failure in a row though its worker is killed after each',
  async () => {
    const { env, remove } = await testSettings();
    onTestFinished(remove);
    const receiver = await startReceiver(() => 500);
    onTestFinished(() => receiver.close());
    const [port] = await lastingPorts(1);
    const url = `http://127.0.0.1:${port}`;
    let child: ChildProcess;
    const start = async () => {
      const settings = { ...process.env, ...env, PORT: `${port}` };
      child = spawn(process.execPath, [startScript], { env: settings, stdio: 'ignore' });
      const isReady = () =>
        fetch(`${url}/readyz`).then(
          ({ ok }) => ok || undefined,
          () => undefined,
        );
      await waitFor(isReady, 'Postrider to be ready');
    };
    const kill = async () => {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    };
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    const request = async (method: string, path: string, body?: object) => {
      const response = await fetch(`${url}${path}`, {
        method,
        headers: { authorization: `Bearer ${env.ADMIN_API_KEY}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      // biome-ignore lint/suspicious/noExplicitAny: looked into freely
      return (await response.json()) as any;
    };

    await start();
    const webhook = await request('POST', '/v1/webhooks', {
      url: receiver.url,
      events: ['message.sent'],
      profile: 'inbox-components',
      retry_schedule: { delays_ms: [0] },
    });
    const health = () => request('GET', `/v1/webhooks/${webhook.id}/health`);
    const healthIs = (state: string, failures: number) =>
      waitFor(async () => {
        const { state: now, consecutive_failures } = await health();
        return now === state && consecutive_failures === failures ? true : undefined;
      }, `the endpoint to be ${state} after ${failures} failures`);

    const states: string[] = [];
    for (let failures = 1; failures <= 5; failures += 1) {
      const event = await request('POST', '/v1/events', { type: 'message.sent', data: {} });
      // Killed as soon as the attempt is recorded: whether its outcome was told is left to chance.
      await waitFor(async () => {
        const { deliveries } = await request('GET', `/v1/events/${event.id}`);
        return deliveries[0]?.status === 'failed' ? true : undefined;
      }, 'the attempt to be recorded');
      await kill();
      await start();
      const state = failures < 5 ? 'failing' : 'disabled';
      await healthIs(state, failures);
      states.push(state);
    }
    expect(states).toEqual(['failing', 'failing', 'failing', 'failing', 'disabled']);
    expect(receiver.received).toHaveLength(5);
    await kill();
  },
  120_000,
);
