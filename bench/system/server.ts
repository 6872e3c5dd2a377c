import { join } from 'node:path';
import pg from 'pg';
import { openServerDatabase } from '../../db/database.ts';
import { generateEncryptionKey } from '../../db/encryption.ts';
import { startFullTemporalServer } from '../servers/full-temporal-server.ts';
import { type PostgresServer, startPostgresServer } from '../servers/postgres-server.ts';
import { type PostriderProcess, startPostriderProcess } from './postrider-process.ts';
import type { System, SystemOptions } from './system.ts';

/** Temporal's four services open up to 80 connections, and each of Postrider's processes 10. */
const postgresSettings = { max_connections: '300' };

/** PostgreSQL with its settings as they come, and fsync on. */
export function startPostgres(): Promise<PostgresServer> {
  return startPostgresServer({ settings: postgresSettings });
}

/** An empty database on the server; resolves with its URL. */
export async function makeDatabase({ url }: PostgresServer, name: string): Promise<string> {
  const client = new pg.Client(url);
  await client.connect();
  await client.query(`create database "${name}"`).finally(() => client.end());
  const made = new URL(url);
  made.pathname = `/${name}`;
  return made.href;
}

/** PostgreSQL, the full Temporal server on it, and Postrider on both. */
export async function startServerSystem(options: SystemOptions): Promise<System> {
  // Closed from the last to the first.
  const opened: (() => Promise<void>)[] = [];
  const stop = async () => {
    for (const close of opened.splice(0).reverse()) await close();
  };
  try {
    const postgres = await startPostgres();
    opened.push(postgres.stop);
    const temporal = await startFullTemporalServer({
      postgresUrl: postgres.url,
      dynamicConfig: options.dynamicConfig,
      report: options.report,
    });
    opened.push(temporal.stop);
    const databaseUrl = await makeDatabase(postgres, 'postrider');
    const encryptionKey = generateEncryptionKey();
    const start = () =>
      startPostriderProcess(options, {
        DATA_DIR: join(options.folder, 'data'),
        DATABASE_URL: databaseUrl,
        ENCRYPTION_KEY: encryptionKey,
        TEMPORAL_ADDRESS: temporal.address,
      });
    let postrider: PostriderProcess = await start();
    opened.push(() => postrider.stop());
    return {
      get apiUrl() {
        return postrider.apiUrl;
      },
      get adminKey() {
        return postrider.adminKey;
      },
      roots: () => ({ postrider: postrider.pid, temporal: temporal.pid, postgresql: postgres.pid }),
      async withDatabase(work) {
        await postrider.stop();
        const database = openServerDatabase({ url: databaseUrl, poolSize: 2, onIdleError: () => {} });
        await work(database).finally(database.close);
        postrider = await start();
      },
      stop,
    };
  } catch (error) {
    await stop();
    throw error;
  }
}
