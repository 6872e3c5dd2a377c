import { statfsSync } from 'node:fs';
import type { PGlite } from '@electric-sql/pglite';
import { aroundStatements } from './around-statements.ts';
import { DatabaseUnavailable } from './errors.ts';

/**
 * With less left, in bytes, an embedded database takes no statements: it does not survive a write-ahead log that cannot have
 * its next 16 MB (it never answers again, and the process with it), and the one statement that is under way may want more.
 */
const leastRoom = 64 * 1024 * 1024;

/** The room on an embedded database's disk. */
export interface DiskRoom {
  /** @throws DatabaseUnavailable when there is too little */
  assertEnough(): void;
  isEnough(): boolean;
}

/** Looks at the folder's disk whenever it is asked, which takes microseconds; `onChange` hears when the answer is another. */
export function createDiskRoom(folder: string, onChange: (isEnough: boolean) => void): DiskRoom {
  let wasEnough = true;

  function isEnough(): boolean {
    const { bavail, bsize } = statfsSync(folder);
    const is = bavail * bsize >= leastRoom;
    if (is !== wasEnough) {
      wasEnough = is;
      onChange(is);
    }
    return is;
  }

  return {
    isEnough,
    assertEnough() {
      if (isEnough()) return;
      const megabytes = leastRoom / 1024 / 1024;
      throw new DatabaseUnavailable(
        `The disk is full: the database needs ${megabytes} MB on it that are free`,
        {
          isFull: true,
        },
      );
    },
  };
}

/** The same database, which begins no statement without room for it. */
export function refusingWhenFull(client: PGlite, room: DiskRoom): PGlite {
  return aroundStatements(client, async (work) => {
    room.assertEnough();
    return work();
  });
}
