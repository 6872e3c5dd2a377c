import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import {
  DataFolderInUse,
  DataFolderNotAFolder,
  DataFolderNotUsable,
  openDataFolder,
} from '../data-folder.ts';
import { processStartTime } from '../process-start-time.ts';
import { compileChild, startChild } from './children/run-child.ts';

const lockName = 'postrider.lock';

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-data-folder-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A folder with the lock that such a process would have left. */
function folderLockedBy(holder: { pid: number; startTime: string }): string {
  const folder = temporaryFolder();
  writeFileSync(join(folder, lockName), JSON.stringify({ ...holder, id: 'left-behind' }));
  return folder;
}

test('a folder that is not there is made, for its owner alone', async () => {
  const folder = join(temporaryFolder(), 'a', 'b');
  const opened = await openDataFolder(folder);
  expect(opened.path).toBe(folder);
  expect(statSync(folder).mode & 0o777).toBe(0o700);
});

test('after its release the folder is free, and nothing of the lock is left', async () => {
  const folder = temporaryFolder();
  const first = await openDataFolder(folder);
  first.release();
  first.release();
  expect(readdirSync(folder)).toEqual([]);
  const second = await openDataFolder(folder);
  // The first holder's right ended with its release.
  first.release();
  await expect(openDataFolder(folder)).rejects.toThrow(DataFolderInUse);
  second.release();
});

test('a second process on the folder is refused in one line that names the first', async () => {
  const folder = temporaryFolder();
  const compiled = await compileChild('hold-data-folder.ts');
  const first = startChild(compiled, [folder]);
  expect(await first.nextLine()).toBe('held');

  const second = startChild(compiled, [folder]);
  const line = await second.nextLine();
  expect(line).toMatch(/^DataFolderInUse: /);
  expect(line).toContain(folder);
  expect(line).toContain(`process ${first.pid}`);
  expect(await second.exited).toEqual({ code: 1, signal: null });
});

test('the folder of a process that was killed is free at once', async () => {
  const folder = temporaryFolder();
  const compiled = await compileChild('hold-data-folder.ts');
  const first = startChild(compiled, [folder]);
  expect(await first.nextLine()).toBe('held');
  first.process.kill('SIGKILL');
  await first.exited;
  expect(existsSync(join(folder, lockName))).toBe(true);

  const second = startChild(compiled, [folder]);
  expect(await second.nextLine()).toBe('held');
  expect(readdirSync(folder)).toEqual([lockName]);
});

test('of many processes that find a stale lock at the same time exactly one takes it over', async () => {
  const folder = folderLockedBy({ pid: process.pid, startTime: 'long ago' });
  const compiled = await compileChild('hold-data-folder.ts');
  const lines = await Promise.all(Array.from({ length: 8 }, () => startChild(compiled, [folder]).nextLine()));
  expect(lines.filter((line) => line === 'held')).toHaveLength(1);
  expect(lines.filter((line) => line.startsWith('DataFolderInUse: '))).toHaveLength(7);
});

test('of many that ask within one process exactly one gets the folder, again and again', async () => {
  for (let round = 0; round < 20; round += 1) {
    const folder = folderLockedBy({ pid: process.pid, startTime: 'long ago' });
    const asked = await Promise.allSettled(Array.from({ length: 5 }, () => openDataFolder(folder)));
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  }
});

test('a lock whose number belongs to another process by now is stale', async () => {
  const opened = await openDataFolder(folderLockedBy({ pid: process.pid, startTime: 'before the restart' }));
  opened.release();
});

test('a lock of this very process holds', async () => {
  const startTime = processStartTime(process.pid);
  expect(startTime).toBeDefined();
  await expect(
    openDataFolder(folderLockedBy({ pid: process.pid, startTime: startTime as string })),
  ).rejects.toThrow(DataFolderInUse);
});

test.each(['', '{', '{}', '[1]', 'null'])('a lock that a crash left as %j is stale', async (text) => {
  const folder = temporaryFolder();
  writeFileSync(join(folder, lockName), text);
  await openDataFolder(folder);
  expect(JSON.parse(readFileSync(join(folder, lockName), 'utf8'))).toMatchObject({ pid: process.pid });
});

test('whoever was killed while taking over a stale lock does not keep others from it', async () => {
  const folder = folderLockedBy({ pid: process.pid, startTime: 'long ago' });
  const right = { pid: process.pid, startTime: 'not so long ago', id: 'taking-over' };
  writeFileSync(join(folder, `${lockName}.left-behind.stale`), JSON.stringify(right));
  await openDataFolder(folder);
  expect(readdirSync(folder)).toEqual([lockName]);
});

test('a file in the place of the folder, or on the way to it, is refused in one line', async () => {
  const file = join(temporaryFolder(), 'file');
  writeFileSync(file, '');
  for (const folder of [file, join(file, 'below')]) {
    const error = await openDataFolder(folder).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DataFolderNotAFolder);
    expect((error as Error).message).toMatch(/^[^\n]+$/);
    expect((error as Error).message).toContain(folder);
  }
});

test.each([0o000, 0o500, 0o300])('a folder of mode %o is refused in one line', async (mode) => {
  const folder = temporaryFolder();
  chmodSync(folder, mode);
  const error = await asOrdinaryUser(() => openDataFolder(folder).catch((thrown: unknown) => thrown));
  chmodSync(folder, 0o700);
  expect(error).toBeInstanceOf(DataFolderNotUsable);
  expect((error as Error).message).toContain(`${folder} cannot be used: this user may not read and write it`);
});

/** Mode bits do nothing for root: then it runs as nobody. */
async function asOrdinaryUser<Result>(run: () => Promise<Result>): Promise<Result> {
  if (process.geteuid?.() !== 0) return run();
  const nobody = 65_534;
  process.seteuid?.(nobody);
  try {
    return await run();
  } finally {
    process.seteuid?.(0);
  }
}
