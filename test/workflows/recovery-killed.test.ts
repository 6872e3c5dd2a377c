import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { testSettings } from '../setup/postrider.ts';
import { type Received, startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';

const startScript = fileURLToPath(new URL('../../scripts/start.js', import.meta.url));
/** 15 s are promised; this machine has other tests to run. */
const patientMs = 45_000;

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

/** The numbers of the events that came, for each lane. */
function ledgerOf(received: readonly Received[]): Map<string, number[]> {
  const lanes = new Map<string, number[]>();
  for (const { body } of received) {
    const { lane, n }: { lane: string; n: number } = JSON.parse(body).data;
    lanes.set(lane, [...(lanes.get(lane) ?? []), n]);
  }
  return lanes;
}

it('loses nothing of recoveries whose worker is killed, repeats at most what was on its way, and keeps the order where there is one', async () => {
  const count = 160;
  const lanes = 20;
  const { env, remove } = await testSettings();
  onTestFinished(remove);
  const receiver = await startReceiver();
  onTestFinished(() => receiver.close());
  const { received } = receiver;
  const ordered = await startReceiver();
  onTestFinished(() => ordered.close());

  const killed = await startProcess(env);
  const webhookTo = async (url: string, settings: object) => {
    const wanted = { url, events: ['message.*'], recovery_rate: 20, timeout_ms: 30_000, ...settings };
    const { id } = await killed.request('POST', '/v1/webhooks', wanted);
    await killed.request('POST', `/v1/webhooks/${id}/disable`);
    return id;
  };
  const ids = [
    await webhookTo(receiver.url, {}),
    await webhookTo(ordered.url, { ordering: { fifo_by: '/data/lane' } }),
  ];
  const events = Array.from({ length: count }, (_, n) => ({
    ...{ type: 'message.read', data: { lane: `${n % lanes}`, n } },
  }));
  const { results } = await killed.request('POST', '/v1/events/batch', { events });
  for (const id of ids) await killed.request('POST', `/v1/webhooks/${id}/enable`);
  await Promise.all([receiver.gets(count / 4), ordered.gets(count / 4)]);
  await killed.kill();
  const killedAt = Date.now();
  // What it had sent by then may be read a little later.
  await Promise.all([receiver.hasReadAll(), ordered.hasReadAll()]);
  const atKilling = [received.length, ordered.received.length] as const;
  for (const sent of atKilling) expect(sent).toBeLessThan(count);

  const next = await startProcess(env);
  const startedAt = Date.now();
  await receiver.gets(atKilling[0] + 1);
  expect(received[atKilling[0]]!.at - startedAt).toBeLessThan(patientMs);
  for (const id of ids) {
    await waitFor(async () => {
      const { state, left } = await next.request('GET', `/v1/webhooks/${id}/recovery`);
      return state === 'done' && left === 0 ? true : undefined;
    }, 'the recovery to be done');
    await waitFor(async () => {
      const { data } = await next.request('GET', `/v1/deliveries?webhook_id=${id}&status=pending`);
      return data.length === 0 ? true : undefined;
    }, 'the rest to be sent by its workflow');
  }

  const posted = new Set(results.map(({ id }: { id: string }) => id));
  for (const [index, all] of [received, ordered.received].entries()) {
    expect(new Set(all.map(idOf))).toEqual(posted);
    const before = all.slice(0, atKilling[index]);
    const again = all.slice(atKilling[index]).map(idOf);
    const twice = before.filter((one) => again.includes(idOf(one)));
    expect(all.length).toBe(count + twice.length);
    for (const one of twice) expect(killedAt - one.at).toBeLessThan(1_000);
  }
  // Repeats as well come before what is behind them in their lane.
  for (const came of ledgerOf(ordered.received).values()) {
    expect(came).toEqual(came.toSorted((a, b) => a - b));
  }
}, 180_000);
