import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findPostgres, postgresAdvice } from '../../scripts/find-postgres.js';
import { freePorts } from '../../temporal/free-ports.ts';

export interface PostgresServer {
  /** Of its database `postgres`, as the superuser of that name. */
  readonly url: string;
  readonly port: number;
  /** Of the process whose children serve the connections. */
  readonly pid: number;
  /** Ends it: `fast` cuts connections and writes everything out; `immediate` is a crash. */
  stop(how?: 'fast' | 'immediate'): Promise<void>;
}

export interface PostgresOptions {
  /**
   * Keeps the server's data from one start to the next; made when missing, in a folder that any user may enter. Without
   * it they go when the server stops.
   */
  folder?: string;
  /** A free one unless given. */
  port?: number;
  /** Beside those here, as in postgresql.conf. */
  settings?: Readonly<Record<string, string>>;
}

/** There is no PostgreSQL on this machine, or it does not start. Its message says why. */
export class PostgresNotStarted extends Error {
  override readonly name = 'PostgresNotStarted';
}

const startMs = 60_000;

/**
 * Runs the server and waits for a word, or for the end of its input, which comes when the starting process dies, however it
 * dies. Then the server ends, and with an argument of `remove` its folder goes.
 */
const keeperScript = `
remove=$1; shift
"$@" >/dev/null &
read -r how
case $how in immediate) kill -QUIT $!;; *) kill -INT $!;; esac
wait
if [ "$remove" = remove ]; then rm -rf "$PWD"; fi
`;

/**
 * Starts a PostgreSQL server on this machine's loopback alone, with fsync on and its other settings as they come. It does not
 * outlive this process.
 * @throws PostgresNotStarted
 */
export async function startPostgresServer(options: PostgresOptions = {}): Promise<PostgresServer> {
  const postgres = findPostgres();
  if (postgres === undefined) throw new PostgresNotStarted(postgresAdvice);

  const user = unprivilegedUser();
  const folder = options.folder ?? mkdtempSync(join(tmpdir(), 'postrider-postgres-'));
  mkdirSync(folder, { recursive: true });
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const asUser = { cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' }, ...user };

  const data = join(folder, 'data');
  if (!existsSync(join(data, 'PG_VERSION'))) {
    execFileSync(
      join(postgres.folder, 'initdb'),
      ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
      { ...asUser, stdio: ['ignore', 'ignore', 'pipe'] },
    );
  }

  const port = options.port ?? ((await freePorts('127.0.0.1', [undefined]))[0] as number);
  const settings = { listen_addresses: '127.0.0.1', fsync: 'on', ...options.settings };
  const server = [
    join(postgres.folder, 'postgres'),
    ...['-D', data, '-p', `${port}`, '-k', folder],
    ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
  const remove = options.folder === undefined ? 'remove' : 'keep';
  const keeper = spawn('sh', ['-c', keeperScript, 'sh', remove, ...server], {
    ...asUser,
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => keeper.once('exit', () => resolve()));
  const stop = async (how: 'fast' | 'immediate' = 'fast') => {
    keeper.stdin.end(`${how}\n`);
    await ended;
  };
  // It may have ended by itself, with nobody left to read.
  keeper.stdin.on('error', () => {});

  try {
    await readyLine(keeper.stderr);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    pid: Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]),
    stop,
  };
}

/** The server refuses to run as root. Undefined when this process is not root anyway. */
function unprivilegedUser(): { uid: number; gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  for (const name of ['postgres', 'nobody']) {
    try {
      const idOf = (kind: '-u' | '-g') => Number(execFileSync('id', [kind, name], { stdio: 'pipe' }));
      return { uid: idOf('-u'), gid: idOf('-g') };
    } catch {
      // There is no such user.
    }
  }
  throw new PostgresNotStarted(
    'PostgreSQL does not run as root, and there is no user postgres or nobody to run it as',
  );
}

/** Resolves when the server says that it takes connections; goes on reading, so that the pipe never fills. */
function readyLine(log: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    const fail = (why: string) => reject(new PostgresNotStarted(`PostgreSQL did not start: ${why}\n${said}`));
    const timer = setTimeout(fail, startMs, `not ready after ${startMs / 1000} s`);
    log.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000);
      // Whoever connects while it starts is told so, also in the log.
      const failed = /FATAL: (?! *the database system is)/.test(said);
      if (!failed && !said.includes('ready to accept connections')) return;
      clearTimeout(timer);
      if (failed) fail('it ended');
      else resolve();
    });
  });
}
