import { expect, it, onTestFinished } from 'vitest';
import { startProcesses } from '../setup/processes.ts';
import { startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

it('an endpoint is disabled at its fifth failure in a row though its worker is killed after each', async () => {
  const receiver = await startReceiver(() => 500);
  onTestFinished(() => receiver.close());
  const { request, restart } = await startProcesses({ roles: ['both'] });
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
    await restart();
    const state = failures < 5 ? 'failing' : 'disabled';
    await healthIs(state, failures);
    states.push(state);
  }
  expect(states).toEqual(['failing', 'failing', 'failing', 'failing', 'disabled']);
  expect(receiver.received).toHaveLength(5);
}, 180_000);
