import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import type { FullTemporalTls } from '../../../bench/servers/full-temporal-config.ts';
import { portsFor, startFullTemporalServer } from '../../../bench/servers/full-temporal-server.ts';
import { startPostgresServer } from '../../../bench/servers/postgres-server.ts';
import { startDevelopmentServer } from '../../../temporal/development-server.ts';
import { findTemporalCli } from '../../../temporal/find-cli.ts';
import { searchAttributes } from '../../../temporal/search-attributes.ts';
import { lastingPorts } from '../../setup/lasting-ports.ts';
import { certificate } from '../../temporal/gateway.ts';

/** A Temporal server that can go away and come back at the same address. */
export interface TemporalUnderTest {
  readonly address: string;
  /** With which Postrider and others get in. */
  readonly tls: FullTemporalTls | undefined;
  start(): Promise<void>;
  stop(): Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** While it is away: removes all that it has stored. */
  empty(): Promise<void>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

interface Running {
  address: string;
  pid: number;
  exited: Promise<string>;
  stop(): Promise<void>;
}

const report = (line: string) => process.stdout.write(`${line}\n`);

/** The development server on its file; with FAULT_TEMPORAL=full the full server on PostgreSQL, one of its own unless given. */
export function startTemporalUnderTest({
  postgresUrl,
  wantsCertificates = false,
}: {
  postgresUrl?: string | undefined;
  /** Whether the full server lets in those alone who have one. */
  wantsCertificates?: boolean;
} = {}): Promise<TemporalUnderTest> {
  if (process.env.FAULT_TEMPORAL !== 'full') return startDevelopment();
  return startFull(postgresUrl, wantsCertificates ? tlsOfTests : undefined);
}

const tlsOfTests: FullTemporalTls = {
  ca: certificate('ca'),
  server: { cert: certificate('server'), key: certificate('server-key') },
  client: { cert: certificate('client'), key: certificate('client-key') },
};

async function startDevelopment(): Promise<TemporalUnderTest> {
  const cli = await findTemporalCli({ env: process.env, report });
  const folder = mkdtempSync(join(tmpdir(), 'postrider-faults-temporal-'));
  const [port, uiPort] = await lastingPorts(2);
  let isEmptied = false;
  return controlled({
    start: () =>
      startDevelopmentServer({
        cli,
        databaseFile: join(folder, 'temporal.db'),
        namespace: 'default',
        // An empty one gets none: Postrider has to make them.
        searchAttributes: isEmptied ? {} : searchAttributes,
        port,
        uiPort,
        log: () => {},
      }),
    async empty() {
      for (const file of readdirSync(folder)) rmSync(join(folder, file));
      isEmptied = true;
    },
    remove: async () => rmSync(folder, { recursive: true, force: true }),
  });
}

async function startFull(postgresUrl?: string, tls?: FullTemporalTls): Promise<TemporalUnderTest> {
  const postgres =
    postgresUrl === undefined
      ? await startPostgresServer({ settings: { max_connections: '200' } })
      : { url: postgresUrl, stop: async () => {} };
  const databases = { default: 'temporal', visibility: 'temporal_visibility' };
  const ports = await portsFor();
  return controlled({
    start: () => startFullTemporalServer({ postgresUrl: postgres.url, databases, ports, tls, report }),
    async empty() {
      const client = new pg.Client(postgres.url);
      await client.connect();
      for (const name of Object.values(databases)) await client.query(`drop database "${name}" with (force)`);
      await client.end();
    },
    remove: () => postgres.stop(),
    tls,
  });
}

async function controlled({
  start,
  empty,
  remove,
  tls,
}: {
  start: () => Promise<Running>;
  empty: () => Promise<void>;
  remove: () => Promise<void>;
  tls?: FullTemporalTls | undefined;
}): Promise<TemporalUnderTest> {
  let server = await start();
  return {
    address: server.address,
    tls,
    async start() {
      server = await start();
    },
    stop: () => server.stop(),
    async kill() {
      process.kill(server.pid, 'SIGKILL');
      await server.exited;
    },
    empty,
    async close() {
      await server.stop();
      await remove();
    },
  };
}
