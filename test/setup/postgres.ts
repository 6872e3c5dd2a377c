import { execFileSync, spawn } from 'node:child_process';
import { chownSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { findPostgres, postgresAdvice } from '../../scripts/find-postgres.js';
import { freePorts } from '../../temporal/free-ports.ts';

const startMs = 60_000;

/**
 * Starts a throw-away PostgreSQL server for the run and names it to the test files in TEST_DATABASE_URL. It ends, and its
 * folder goes, with this process, however that ends.
 */
export default async function startPostgres(project: TestProject): Promise<() => Promise<void>> {
  const postgres = findPostgres();
  if (postgres === undefined) throw new Error(postgresAdvice);

  const user = unprivilegedUser();
  const folder = mkdtempSync(join(tmpdir(), 'postrider-postgres-'));
  if (user !== undefined) chownSync(folder, user.uid, user.gid);
  const asUser = { cwd: folder, env: { PATH: process.env.PATH, LC_ALL: 'C' }, ...user };

  const data = join(folder, 'data');
  execFileSync(
    join(postgres.folder, 'initdb'),
    ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync'],
    { ...asUser, stdio: ['ignore', 'ignore', 'pipe'] },
  );

  const [port] = await freePorts('127.0.0.1', [undefined]);
  const server = [
    join(postgres.folder, 'postgres'),
    ...['-D', data, '-p', `${port}`, '-k', folder, '-c', 'listen_addresses=127.0.0.1', '-c', 'fsync=on'],
  ];
  // The shell waits for the end of its input, which comes when this process closes it or dies.
  const keeper = spawn('sh', ['-c', '"$@" & read -r _; kill -INT $!; wait; rm -rf "$PWD"', 'sh', ...server], {
    ...asUser,
    detached: true,
    stdio: ['pipe', 'ignore', 'pipe'],
  });
  const ended = new Promise<void>((resolve) => keeper.once('exit', () => resolve()));
  const stop = async () => {
    keeper.stdin.end();
    await ended;
  };

  try {
    await readyLine(keeper.stderr);
    project.config.env.TEST_DATABASE_URL = `postgres://postgres@127.0.0.1:${port}/postgres`;
  } catch (error) {
    await stop();
    throw error;
  }
  return stop;
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
  throw new Error('PostgreSQL does not run as root, and there is no user postgres or nobody to run it as');
}

/** Resolves when the server says that it takes connections; goes on reading, so that the pipe never fills. */
function readyLine(log: NodeJS.ReadableStream): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    const fail = (why: string) => reject(new Error(`PostgreSQL did not start: ${why}\n${said}`));
    const timer = setTimeout(fail, startMs, `not ready after ${startMs / 1000} s`);
    log.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-10_000);
      const failed = said.includes('FATAL:');
      if (!failed && !said.includes('ready to accept connections')) return;
      clearTimeout(timer);
      if (failed) fail('it ended');
      else resolve();
    });
  });
}
