import { randomUUID } from 'node:crypto';
import { linkSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { processStartTime } from './process-start-time.ts';

export interface DataFolder {
  /** Absolute. */
  readonly path: string;
  /** Lets other processes have the folder. Doing so twice is harmless. */
  release(): void;
}

/** Another process that is alive has the folder. */
export class DataFolderInUse extends Error {
  override readonly name = 'DataFolderInUse';
}

/** There is something else than a folder at the path. */
export class DataFolderNotAFolder extends Error {
  override readonly name = 'DataFolderNotAFolder';
}

/** The folder cannot be made, read or written. */
export class DataFolderNotUsable extends Error {
  override readonly name = 'DataFolderNotUsable';
}

/** A process as its lock tells it: the pid alone would also fit whoever gets the number next. */
interface Holder {
  readonly pid: number;
  readonly startTime: string;
  /** Of this lock file alone. */
  readonly id: string;
}

const lockName = 'postrider.lock';

/** How often to try when others take over stale locks at the same time. */
const mostTries = 200;

/**
 * Makes the folder if need be (mode 0700) and takes it for this process alone, until `release` or the process ends,
 * however it ends. Of several processes that ask at once exactly one gets it.
 * @throws DataFolderInUse, DataFolderNotAFolder, DataFolderNotUsable: each with one line for the user
 */
export async function openDataFolder(folder: string): Promise<DataFolder> {
  const path = resolve(folder);
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    readdirSync(path);
    const lockFile = join(path, lockName);
    const mine = await takeLock(lockFile, path);
    return {
      path,
      release() {
        if (readHolder(lockFile)?.id === mine.id) rmSync(lockFile, { force: true });
      },
    };
  } catch (error) {
    throw explained(error, path);
  }
}

async function takeLock(lockFile: string, folder: string): Promise<Holder> {
  const startTime = processStartTime(process.pid) ?? '';
  for (let tries = 0; tries < mostTries; tries += 1) {
    const mine: Holder = { pid: process.pid, startTime, id: randomUUID() };
    if (createLock(lockFile, mine)) return mine;
    const holder = readHolder(lockFile);
    if (holder !== undefined && isAlive(holder)) {
      throw new DataFolderInUse(
        `the data folder ${folder} is in use by another Postrider (process ${holder.pid}): stop it, or give this one another DATA_DIR`,
      );
    }
    if (holder !== undefined) removeStale(lockFile, holder);
    // Whoever has the right to remove the lock does it within moments.
    await new Promise((done) => setTimeout(done, 5 + Math.random() * 20));
  }
  throw new DataFolderInUse(
    `the lock of the data folder ${folder} could not be taken: others keep taking it`,
  );
}

/** Writes the lock whole or not at all: a link fails when the name is there. */
function createLock(lockFile: string, holder: Holder): boolean {
  const whole = `${lockFile}.${holder.id}.new`;
  try {
    writeFileSync(whole, JSON.stringify(holder), { mode: 0o600, flag: 'wx' });
    linkSync(whole, lockFile);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(whole, { force: true });
  }
}

/**
 * Removes the lock of a dead process, and only that one. The right to do so is itself a lock, named after the lock to
 * remove: without it a slow starter that saw the dead lock would remove the one which a quicker starter has put in its
 * place.
 */
function removeStale(lockFile: string, stale: Holder): void {
  const right = `${lockFile}.${stale.id.replace(/[^\w-]/g, '')}.stale`;
  const mine: Holder = {
    pid: process.pid,
    startTime: processStartTime(process.pid) ?? '',
    id: randomUUID(),
  };
  if (!createLock(right, mine)) {
    const other = readHolder(right);
    if (other !== undefined && !isAlive(other)) removeStale(right, other);
    return;
  }
  if (readHolder(lockFile)?.id === stale.id) rmSync(lockFile, { force: true });
  rmSync(right, { force: true });
}

/** Undefined when there is no such lock. What is not a lock's text was left by a crash of the machine: nobody holds it. */
function readHolder(lockFile: string): Holder | undefined {
  let text: string;
  try {
    text = readFileSync(lockFile, 'utf8');
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
  try {
    const { pid, startTime, id } = JSON.parse(text) as Holder;
    if (Number.isInteger(pid) && typeof startTime === 'string' && typeof id === 'string') {
      return { pid, startTime, id };
    }
  } catch {
    // Not JSON.
  }
  return { pid: -1, startTime: '', id: 'damaged' };
}

function isAlive({ pid, startTime }: Holder): boolean {
  return pid > 0 && processStartTime(pid) === startTime;
}

function explained(error: unknown, folder: string): unknown {
  const code = codeOf(error);
  if (code === undefined) return error;
  if (code === 'EEXIST' || code === 'ENOTDIR') {
    return new DataFolderNotAFolder(
      `the data folder ${folder} cannot be used: it, or a part of its path, is a file`,
    );
  }
  const why = reasons[code] ?? `it failed with ${code}`;
  return new DataFolderNotUsable(`the data folder ${folder} cannot be used: ${why} (DATA_DIR names another)`);
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not read and write it',
  EPERM: 'this user may not read and write it',
  EROFS: 'it is on a read-only file system',
  ENOSPC: 'its disk is full',
  ENOENT: 'it cannot be made there',
  ENOTSUP: 'its file system knows no hard links',
};

function codeOf(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}
