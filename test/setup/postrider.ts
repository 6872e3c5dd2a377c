import { randomUUID } from 'node:crypto';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { pino } from 'pino';
import { inject } from 'vitest';
import { parseConfig } from '../../config.ts';
import { generateEncryptionKey } from '../../db/encryption.ts';
import { type StartOptions, startPostrider } from '../../postrider.ts';
import { installTemporalRuntime } from '../../temporal/connect.ts';
import { createServerDatabase } from './database.ts';
import { endSchedules } from './end-schedules.ts';
import { migratedTemplate } from './migrated-template.ts';
import type {} from './once-a-run.ts';
import { waitFor } from './wait-for.ts';

installTemporalRuntime(pino({ level: 'silent' }));

/** The settings of a Postrider of its own: database (migrated already, or `empty`), port, task queue; the run's Temporal server. */
export async function testSettings(
  state: 'migrated' | 'empty' = 'migrated',
): Promise<{ env: Record<string, string>; remove(): Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), 'postrider-test-'));
  const dataFolder = join(folder, 'data');
  const server = process.env.TEST_DATABASE_URL;
  const database = server ? await createServerDatabase(server, state) : undefined;
  const temporal = { address: inject('temporalAddress'), taskQueue: `test-${randomUUID()}` };
  if (database === undefined && state === 'migrated') {
    await cp((await migratedTemplate()).folder, join(dataFolder, 'database'), { recursive: true });
  }
  return {
    env: {
      HOST: '127.0.0.1',
      PORT: '0',
      DATA_DIR: dataFolder,
      ...(database === undefined
        ? {}
        : { DATABASE_URL: database.url, ENCRYPTION_KEY: generateEncryptionKey() }),
      TEMPORAL_ADDRESS: temporal.address,
      TEMPORAL_TASK_QUEUE: temporal.taskQueue,
      ADMIN_API_KEY: `test-key-${randomUUID()}`,
      ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
      SCHEDULE_SCALE: '0.001',
      LOG_LEVEL: 'silent',
    },
    async remove() {
      await endSchedules(temporal.address, temporal.taskQueue);
      await database?.drop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** All of Postrider in this process, as `npm start` composes it, with a client of its API and one of its Temporal. */
export async function startTestPostrider(
  settings: Record<string, string> = {},
  options: Partial<Pick<StartOptions, 'log' | 'resolve' | 'tracing' | 'metrics'>> = {},
) {
  const { env, remove } = await testSettings();
  const config = parseConfig({ ...env, ...settings });
  const start = (workflowBundle = inject('workflowBundle')) =>
    startPostrider(config, {
      role: 'both',
      env: process.env,
      log: pino({ level: config.LOG_LEVEL }),
      report: () => {},
      workflowBundle,
      ...options,
    });
  let postrider = await start();
  const connection = await Connection.connect({ address: inject('temporalAddress') });
  const temporal = new Client({ connection, namespace: config.TEMPORAL_NAMESPACE });

  async function request(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(`${postrider.apiUrl}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${env.ADMIN_API_KEY}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
    const json: any = text === '' ? undefined : JSON.parse(text);
    return { status: response.status, headers: response.headers, json };
  }

  const deliveryOf = async (eventId: string) =>
    (await request('GET', `/v1/events/${eventId}`)).json.deliveries[0];

  return {
    request,
    apiUrl: () => postrider.apiUrl ?? '',
    config,
    temporal,
    key: env.ADMIN_API_KEY ?? '',
    async createWebhook(body: object) {
      const { status, json } = await request('POST', '/v1/webhooks', body);
      if (status !== 201) throw new Error(`the webhook was refused: ${JSON.stringify(json)}`);
      return json;
    },
    async postEvent(body: object) {
      const { status, json } = await request('POST', '/v1/events', body);
      if (status !== 202) throw new Error(`the event was refused: ${JSON.stringify(json)}`);
      return json;
    },
    /** The one delivery of an event, once it has that status. */
    deliveryIs: (eventId: string, status: string) =>
      waitFor(async () => {
        const delivery = await deliveryOf(eventId);
        return delivery?.status === status ? delivery : undefined;
      }, `the delivery of ${eventId} to be ${status}`),
    /** A workflow, once it is there: it may start a moment after its first attempts. */
    startedWorkflow: (workflowId: string) =>
      waitFor(async () => {
        const handle = temporal.workflow.getHandle(workflowId);
        return handle.describe().then(
          () => handle,
          () => undefined,
        );
      }, `${workflowId} to start`),
    stop: () => postrider.stop(),
    /** Starts again, on the same storage, with these bundled workflows or this version's. */
    async start(workflowBundle?: string) {
      postrider = await start(workflowBundle);
    },
    async restart() {
      await postrider.stop();
      postrider = await start();
    },
    async close() {
      await postrider.stop();
      await connection.close();
      await remove();
    },
  };
}

export type TestPostrider = Awaited<ReturnType<typeof startTestPostrider>>;
