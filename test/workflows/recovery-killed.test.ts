import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { testSettings } from '../setup/postrider.ts';
import { type Received, startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

const startScript = fileURLToPath(new URL('../../scripts/start.js', import.meta.url));
/** What was due goes out within so long of everything being there again. */
const promisedMs = 15_000;

/** All of Postrider in a process of its own, that a test can kill. */
async function startProcess(env: Record<string, string>) {
  const child = spawn(process.execPath, [startScript], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exited = once(child, 'exit');
  const kill = async () => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  for await (const line of createInterface({ input: child.stdout })) {
    const [, apiUrl] = /API\s+(http\S+)\/v1$/.exec(line) ?? [];
    if (apiUrl === undefined) continue;
    child.stdout.resume();
    const request = async (method: string, path: string, body?: object) => {
      const response = await fetch(`${apiUrl}${path}`, {
        method,
        headers: { authorization: `Bearer ${env.ADMIN_API_KEY}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
      return (await response.json()) as any;
    };
    return { request, kill };
  }
  throw new Error('the process ended');
}

const idOf = ({ headers }: Received) => headers['webhook-id'] as string;

it('loses nothing of a recovery whose worker is killed, and repeats at most what was on its way', async () => {
  const count = 300;
  const { env, remove } = await testSettings();
  onTestFinished(remove);
  const receiver = await startReceiver();
  onTestFinished(() => receiver.close());
  const { received } = receiver;

  const killed = await startProcess(env);
  const { id } = await killed.request('POST', '/v1/webhooks', {
    ...{ url: receiver.url, events: ['message.*'], recovery_rate: 50, timeout_ms: 30_000 },
  });
  await killed.request('POST', `/v1/webhooks/${id}/disable`);
  const posted = await Promise.all(
    Array.from({ length: count }, () =>
      killed.request('POST', '/v1/events', { type: 'message.read', data: {} }),
    ),
  );
  await killed.request('POST', `/v1/webhooks/${id}/enable`);
  await receiver.gets(count / 3);
  await killed.kill();
  const atKilling = received.length;
  const killedAt = Date.now();
  expect(atKilling).toBeLessThan(count);

  const next = await startProcess(env);
  const startedAt = Date.now();
  await receiver.gets(atKilling + 1);
  expect(received[atKilling]!.at - startedAt).toBeLessThan(promisedMs);
  await waitFor(async () => {
    const { state, left } = await next.request('GET', `/v1/webhooks/${id}/recovery`);
    return state === 'done' && left === 0 ? true : undefined;
  }, 'the recovery to be done');
  await waitFor(async () => {
    const { data } = await next.request('GET', `/v1/deliveries?webhook_id=${id}&status=pending`);
    return data.length === 0 ? true : undefined;
  }, 'the rest to be sent by its workflow');

  expect(new Set(received.map(idOf))).toEqual(new Set(posted.map((event) => event.id)));
  const again = received.slice(atKilling).map(idOf);
  const twice = received.slice(0, atKilling).filter((one) => again.includes(idOf(one)));
  expect(received.length).toBe(count + twice.length);
  for (const one of twice) expect(killedAt - one.at).toBeLessThan(1_000);
}, 180_000);
