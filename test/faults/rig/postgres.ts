import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { type PostgresServer, startPostgresServer } from '../../../bench/servers/postgres-server.ts';
import { readProcesses } from '../../../bench/usage/processes.ts';
import { lastingPorts } from '../../setup/lasting-ports.ts';

/** A PostgreSQL server that can go away in several ways and come back, with its data, at the same port. */
export interface PostgresUnderTest {
  readonly url: string;
  /** An empty database; resolves with its URL. */
  createDatabase(name: string): Promise<string>;
  stop(how: 'fast' | 'immediate'): Promise<void>;
  start(): Promise<void>;
  /** Stops every process of it where it stands (SIGSTOP): it takes connections and answers nothing. */
  hang(): void;
  goOn(): void;
  /** A connection of the superuser's own. */
  connect(url?: string): Promise<pg.Client>;
  /** Ends it and removes its data. */
  close(): Promise<void>;
}

export async function startPostgresUnderTest(
  settings: Readonly<Record<string, string>> = {},
): Promise<PostgresUnderTest> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-faults-postgres-'));
  chmodSync(folder, 0o755);
  const [port = 0] = await lastingPorts(1);
  let server: PostgresServer = await startPostgresServer({ folder, port, settings });
  const { url } = server;
  const stopped = new Set<number>();

  const connect = async (to = url) => {
    const client = new pg.Client(to);
    // The server is ended under it.
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const goOn = () => {
    for (const pid of stopped) signal(pid, 'SIGCONT');
    stopped.clear();
  };
  return {
    url,
    connect,
    async createDatabase(name) {
      const client = await connect();
      await client.query(`create database "${name}"`).finally(() => client.end());
      const made = new URL(url);
      made.pathname = `/${name}`;
      return made.href;
    },
    stop: (how) => server.stop(how),
    async start() {
      server = await startPostgresServer({ folder, port, settings });
    },
    hang() {
      // The first one first, so that it makes no more of them.
      for (const pid of [server.pid, ...childrenOf(server.pid)]) {
        signal(pid, 'SIGSTOP');
        stopped.add(pid);
      }
    },
    goOn,
    async close() {
      goOn();
      await server.stop('immediate');
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function childrenOf(parent: number): number[] {
  const processes = readProcesses();
  if (processes === undefined)
    throw new Error('this machine has no /proc to find the processes of PostgreSQL in');
  return processes.filter((process) => process.parent === parent).map(({ pid }) => pid);
}

function signal(pid: number, name: 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name);
  } catch {
    // It has ended meanwhile.
  }
}
