import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { afterEach, describe, expect, it } from 'vitest';
import {
  dynamicConfigText,
  fullTemporalConfig,
  postgresLogin,
} from '../../bench/servers/full-temporal-config.ts';
import { FullTemporalNotBuilt, findFullTemporal } from '../../bench/servers/full-temporal-programs.ts';
import { type PostgresServer, startPostgresServer } from '../../bench/servers/postgres-server.ts';
import { processStartTime } from '../../process-start-time.ts';
import { lastingPorts } from '../setup/lasting-ports.ts';

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

function tempFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-servers-'));
  closers.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function start(options: Parameters<typeof startPostgresServer>[0] = {}): Promise<PostgresServer> {
  const server = await startPostgresServer(options);
  closers.push(() => server.stop());
  return server;
}

async function ask(server: PostgresServer, query: string): Promise<unknown[]> {
  const client = new pg.Client(server.url);
  await client.connect();
  return (await client.query({ text: query, rowMode: 'array' }).finally(() => client.end())).rows.flat();
}

describe('a PostgreSQL server', () => {
  it('runs with fsync and the settings that are given, and is gone with its data when it is stopped', async () => {
    const server = await start({ settings: { max_connections: '37' } });
    expect(await ask(server, 'show fsync')).toEqual(['on']);
    expect(await ask(server, 'show max_connections')).toEqual(['37']);
    const [data] = await ask(server, 'show data_directory');
    expect(existsSync(`${data}`)).toBe(true);
    await server.stop();
    expect(existsSync(`${data}`)).toBe(false);
    expect(processStartTime(server.pid)).toBeUndefined();
  });

  it('started again on the same folder and port it has what was committed, also after a crash', async () => {
    const folder = tempFolder();
    const [port = 0] = await lastingPorts(1);
    let server = await start({ folder, port });
    await ask(server, 'create table kept (value int)');
    for (const how of ['fast', 'immediate'] as const) {
      await ask(server, 'insert into kept values (1)');
      await server.stop(how);
      expect(processStartTime(server.pid)).toBeUndefined();
      server = await start({ folder, port });
    }
    expect(server.port).toBe(port);
    expect(await ask(server, 'select value from kept')).toEqual([1, 1]);
  });
});

describe('the full Temporal server', () => {
  it('is configured for the databases, shards and ports that it is given', () => {
    const config = JSON.parse(
      fullTemporalConfig({
        postgresUrl: 'postgres://user:p%40ss@127.0.0.1:5433/postgres',
        databases: { default: 'one', visibility: 'two' },
        historyShards: 4,
        ports: {
          frontend: 1,
          frontendHttp: 2,
          history: 3,
          matching: 4,
          worker: 5,
          membership: [6, 7, 8, 9],
        },
        dynamicConfigFile: '/d.yaml',
      }),
    );
    expect(config.persistence).toMatchObject({
      numHistoryShards: 4,
      datastores: {
        default: {
          sql: { databaseName: 'one', connectAddr: '127.0.0.1:5433', user: 'user', password: 'p@ss' },
        },
        visibility: { sql: { databaseName: 'two' } },
      },
    });
    expect(config.services.frontend.rpc).toEqual({
      grpcPort: 1,
      httpPort: 2,
      membershipPort: 6,
      bindOnLocalHost: true,
    });
    expect(config.clusterMetadata.clusterInformation.active.rpcAddress).toBe('127.0.0.1:1');
  });

  it('has dynamic settings that hold everywhere', () => {
    expect(JSON.parse(dynamicConfigText({ 'history.x': 20 }))).toEqual({
      'history.x': [{ value: 20, constraints: {} }],
    });
  });

  it('is given a password also where the database wants none', () => {
    expect(postgresLogin('postgres://postgres@127.0.0.1:5432/postgres').password).not.toBe('');
  });

  it('cannot be built without Go, and says so', async () => {
    const attempt = findFullTemporal({ env: { PATH: '' }, report: () => {}, cacheFolder: tempFolder() });
    await expect(attempt).rejects.toThrow(FullTemporalNotBuilt);
    await expect(attempt).rejects.toThrow(/Go 1.25 or later/);
  });
});
