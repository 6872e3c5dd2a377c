import { closeSync, mkdtempSync, openSync, rmSync, statfsSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { followOutput } from '../../../temporal/child-output.ts';
import { startGuardedChild } from '../../../temporal/guarded-child.ts';

/** A disk of so many bytes, in memory, which only processes see that are started in it. */
export interface SmallDisk {
  /** Where it is for processes that `within` starts. */
  readonly folder: string;
  /** Where it is for everyone else. */
  readonly outside: string;
  /** The command that runs another one where the disk is there. */
  within(command: string[]): string[];
  /** Fills it up to the last byte. */
  fill(): void;
  freeBytes(): number;
  /** Gives back what `fill` took. */
  makeRoom(): void;
  close(): Promise<void>;
}

/**
 * Makes such a disk in a mount namespace of its own, which any user may do where Linux lets users have namespaces, and root
 * everywhere. It goes with its processes.
 * @throws Error where that is not possible
 */
export async function makeSmallDisk(bytes: number): Promise<SmallDisk> {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-faults-disk-'));
  const isRoot = process.getuid?.() === 0;
  const script = 'mount -t tmpfs -o "size=$1" none "$0" && echo mounted && exec sleep 1000000';
  const holder = startGuardedChild(
    'unshare',
    [...(isRoot ? [] : ['--user', '--map-root-user']), '--mount', 'sh', '-c', script, folder, `${bytes}`],
    process.env,
  );
  const output = followOutput(holder, () => {});
  const failure = await Promise.race([output.said(/^mounted$/), holder.exited]);
  if (failure !== undefined) {
    rmSync(folder, { recursive: true, force: true });
    throw new Error(
      `a small disk cannot be made here (${failure}: ${output.tail().join('; ')}): it needs Linux, and root or user namespaces`,
    );
  }
  const outside = `/proc/${holder.pid}/root${folder}`;
  const ballast = join(outside, 'ballast');
  return {
    folder,
    outside,
    within: (command) => [
      ...['nsenter', `--target=${holder.pid}`, '--mount'],
      ...(isRoot ? [] : ['--user', '--preserve-credentials']),
      ...['--', ...command],
    ],
    fill() {
      const file = openSync(ballast, 'w');
      try {
        for (let size = 1024 * 1024; size >= 1; ) {
          try {
            writeSync(file, Buffer.alloc(size));
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error;
            size = Math.floor(size / 2);
          }
        }
      } finally {
        closeSync(file);
      }
    },
    freeBytes() {
      const { bavail, bsize } = statfsSync(outside);
      return bavail * bsize;
    },
    makeRoom: () => rmSync(ballast),
    async close() {
      await holder.stop(0);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
