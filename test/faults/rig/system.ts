import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventType } from '../../../bench/layout.ts';
import type { FullTemporalTls } from '../../../bench/servers/full-temporal-config.ts';
import { clientTls } from '../../../bench/servers/full-temporal-server.ts';
import { type OpenDatabase, openEmbeddedDatabase, openServerDatabase } from '../../../db/database.ts';
import { generateEncryptionKey } from '../../../db/encryption.ts';
import { lastingPorts } from '../../setup/lasting-ports.ts';
import type { WorkflowsPlace } from './histories.ts';
import type { PostgresUnderTest } from './postgres.ts';
import { type PostriderProcess, postriderProcess } from './postrider-process.ts';
import { createRotation, type Rotation } from './rotation.ts';
import type { TemporalUnderTest } from './temporal.ts';

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into it freely
  json: any;
}

/** A Postrider of its own: its processes, and what a user can ask of it. */
export interface System {
  /** Where its API is, or where its APIs are that a load balancer would send to. */
  readonly rotation: Rotation;
  readonly key: string;
  readonly processes: readonly PostriderProcess[];
  /** Where its data are. */
  readonly folder: string;
  readonly workflows: WorkflowsPlace;
  /** Of its PostgreSQL; empty when its database is embedded. */
  readonly databaseUrl: string;
  request(method: string, path: string, body?: unknown): Promise<Answer>;
  /**
   * Registers a webhook for each URL, the first for `bench.t0`, the second for `bench.t1` and so on, each with its settings; their
   * signing secrets.
   */
  registerEndpoints(urls: readonly string[], settings?: readonly object[]): Promise<string[]>;
  /** Opens its database; an embedded one once the process has been stopped. */
  openDatabase(): Promise<OpenDatabase>;
  /** Kills what still runs and removes its data. */
  close(): Promise<void>;
}

/** 30 s, 2 m, 8 m, 32 m, 2 h become 0.6 s, 2.4 s, 9.6 s, 38 s, 144 s. */
export const scheduleScale = 0.02;

/**
 * A process for the API and so many workers, or the processes given, on PostgreSQL and a Temporal server of the test's own. Each
 * process with an API has a port of its own.
 */
export async function startServerSystem({
  postgres,
  temporal,
  workers = 1,
  settings = {},
  nodeOptions = [],
  roles = ['api', ...new Array<PostriderProcess['role']>(workers).fill('worker')],
}: {
  postgres: PostgresUnderTest;
  temporal: TemporalUnderTest;
  workers?: number;
  roles?: readonly PostriderProcess['role'][];
  settings?: Readonly<Record<string, string>>;
  nodeOptions?: readonly string[];
}): Promise<System> {
  const databaseUrl = await postgres.createDatabase(`faults_${randomUUID().replaceAll('-', '')}`);
  const ports = await lastingPorts(roles.length);
  const folder = mkdtempSync(join(tmpdir(), 'postrider-faults-'));
  const { env, key, taskQueue } = commonSettings();
  const all = {
    ...env,
    DATA_DIR: folder,
    DATABASE_URL: databaseUrl,
    ENCRYPTION_KEY: generateEncryptionKey(),
    TEMPORAL_ADDRESS: temporal.address,
    ...tlsSettings(temporal.tls),
    PROCESSES: '1',
    ...settings,
  };
  const processes = roles.map((role, index) =>
    postriderProcess(role, { ...all, PORT: `${ports[index]}` }, { nodeOptions }),
  );
  return started({
    key,
    folder,
    processes,
    workflows: { connection: { address: temporal.address, ...clientTls(temporal.tls) }, taskQueue },
    databaseUrl,
    openDatabase: async () => openServerDatabase({ url: databaseUrl, poolSize: 2, onIdleError: () => {} }),
  });
}

/** Everything in one process: the embedded database, and the development server that it starts. */
export async function startEmbeddedSystem({
  settings = {},
  folder = mkdtempSync(join(tmpdir(), 'postrider-faults-')),
  nodeOptions = [],
  wrap,
  databaseFolder = join(folder, 'database'),
}: {
  settings?: Readonly<Record<string, string>>;
  folder?: string;
  nodeOptions?: readonly string[];
  wrap?: (command: string[]) => string[];
  databaseFolder?: string;
} = {}): Promise<System> {
  const [port = 0, temporalPort, temporalUiPort] = await lastingPorts(3);
  const { env, key, taskQueue } = commonSettings();
  const process = postriderProcess(
    'both',
    {
      ...env,
      PORT: `${port}`,
      DATA_DIR: folder,
      TEMPORAL_PORT: `${temporalPort}`,
      TEMPORAL_UI_PORT: `${temporalUiPort}`,
      ...settings,
    },
    { nodeOptions, ...(wrap === undefined ? {} : { wrap }) },
  );
  return started({
    key,
    folder,
    processes: [process],
    workflows: { connection: { address: `127.0.0.1:${temporalPort}` }, taskQueue },
    databaseUrl: '',
    openDatabase: () => openEmbeddedDatabase({ folder: databaseFolder }),
  });
}

function tlsSettings(tls: FullTemporalTls | undefined): Record<string, string> {
  if (tls === undefined) return {};
  return {
    TEMPORAL_TLS_SERVER_CA_CERT_PATH: tls.ca,
    TEMPORAL_TLS_CLIENT_CERT_PATH: tls.client.cert,
    TEMPORAL_TLS_CLIENT_KEY_PATH: tls.client.key,
  };
}

function commonSettings() {
  const key = `faults_${randomBytes(16).toString('hex')}`;
  const taskQueue = `faults-${randomUUID()}`;
  const env = {
    HOST: '127.0.0.1',
    ADMIN_API_KEY: key,
    ALLOWED_PRIVATE_CIDRS: '127.0.0.0/8',
    SCHEDULE_SCALE: `${scheduleScale}`,
    TEMPORAL_TASK_QUEUE: taskQueue,
    LOG_LEVEL: 'warn',
  };
  return { env, key, taskQueue };
}

async function started({
  key,
  folder,
  processes,
  workflows,
  databaseUrl,
  openDatabase,
}: {
  key: string;
  folder: string;
  processes: readonly PostriderProcess[];
  workflows: WorkflowsPlace;
  databaseUrl: string;
  openDatabase: () => Promise<OpenDatabase>;
}): Promise<System> {
  const rotation = createRotation(processes);

  async function request(method: string, path: string, body?: unknown): Promise<Answer> {
    const response = await fetch(`${rotation.next()}${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    const isJson = /json/.test(response.headers.get('content-type') ?? '');
    return {
      status: response.status,
      headers: response.headers,
      json: isJson ? JSON.parse(text) : undefined,
    };
  }

  async function close() {
    await Promise.all(
      processes.map(async (one) => {
        if (!one.hasExited()) await one.kill();
      }),
    );
    rmSync(folder, { recursive: true, force: true });
  }

  // The first one makes the database, and the others find it made.
  for (const one of processes) await one.start();
  return {
    rotation,
    key,
    processes,
    folder,
    workflows,
    databaseUrl,
    request,
    async registerEndpoints(urls, settings = []) {
      const secrets: string[] = [];
      for (const [index, url] of urls.entries()) {
        const body = { url, events: [eventType(index)], ...settings[index] };
        const { status, json } = await request('POST', '/v1/webhooks', body);
        if (status !== 201) throw new Error(`the webhook was refused: ${JSON.stringify(json)}`);
        secrets.push(json.secret);
      }
      return secrets;
    },
    openDatabase,
    close,
  };
}
