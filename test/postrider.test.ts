import { pino } from 'pino';
import { expect, inject, it, onTestFinished } from 'vitest';
import { parseConfig } from '../config.ts';
import { DataFolderInUse } from '../data-folder.ts';
import { type Postrider, startPostrider } from '../postrider.ts';
import type { Role } from '../roles.ts';
import { lastingPorts } from './setup/lasting-ports.ts';
import { testSettings } from './setup/postrider.ts';
import { startReceiver } from './setup/receiver.ts';
import { waitFor } from './setup/wait-for.ts';

async function startRoles(env: Record<string, string>, role: Role): Promise<Postrider> {
  const postrider = await startPostrider(parseConfig(env), {
    role,
    env: process.env,
    log: pino({ level: 'silent' }),
    report: () => {},
    workflowBundle: inject('workflowBundle'),
  });
  onTestFinished(() => postrider.stop());
  return postrider;
}

it('delivers with the API and two workers apart on a server, and refuses a second process on an embedded database', async () => {
  const { env, remove } = await testSettings('empty');
  onTestFinished(remove);
  const receiver = await startReceiver((_, index) => (index % 2 === 0 ? 500 : 200));
  onTestFinished(() => receiver.close());

  const api = await startRoles(env, 'api');
  if (env.DATABASE_URL === undefined) {
    await expect(startRoles(env, 'worker')).rejects.toThrow(DataFolderInUse);
    return;
  }
  const [METRICS_PORT = 0] = await lastingPorts(1);
  const workers = [
    await startRoles(env, 'worker'),
    await startRoles({ ...env, METRICS_PORT: `${METRICS_PORT}` }, 'worker'),
  ];
  expect(workers.map((worker) => worker.apiUrl)).toEqual([undefined, undefined]);

  const post = async (path: string, body: object) => {
    const response = await fetch(`${api.apiUrl}${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${env.ADMIN_API_KEY}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return response.status;
  };
  expect(await post('/v1/webhooks', { url: receiver.url, events: ['message.*'] })).toBe(201);
  const statuses = await Promise.all(
    Array.from({ length: 20 }, () => post('/v1/events', { type: 'message.read', data: {} })),
  );
  expect(statuses).toEqual(Array.from({ length: 20 }, () => 202));
  // Every other request fails, and retries may overtake first attempts.
  await waitFor(async () => {
    const ids = new Set(receiver.received.map(({ headers }) => headers['webhook-id']));
    return ids.size === 20 && receiver.received.length > 20 ? ids : undefined;
  }, 'each event, and retries');

  // A worker has no API to be asked at.
  const ask = (path: string) => fetch(`http://127.0.0.1:${METRICS_PORT}${path}`);
  expect(await (await ask('/readyz')).json()).toMatchObject({ ready: true });
  expect(await (await ask('/metrics')).text()).toContain('postrider_endpoints{state="');
  expect((await ask('/v1/events')).status).toBe(404);
}, 60_000);
