import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { awayMs, timeoutMs } from './rig/form.ts';
import { makeSmallDisk } from './rig/small-disk.ts';
import { startEmbeddedSystem } from './rig/system.ts';
import { tryFault } from './rig/trial.ts';

/** Of which a new embedded database takes 40 MB, and as much again is left free. */
const diskBytes = 400 * 1024 * 1024;

it('disk-full: with the disk full, events are refused with the reason, and taken in when it has room (Linux alone)', {
  timeout: timeoutMs,
}, async () => {
  const disk = await makeSmallDisk(diskBytes);
  onTestFinished(disk.close);
  const system = await startEmbeddedSystem({
    folder: disk.folder,
    databaseFolder: join(disk.outside, 'database'),
    wrap: disk.within,
  });
  onTestFinished(system.close);
  const { books } = await tryFault('disk-full', system, {
    repeats: 'none',
    stopsBeforeBooks: true,
    hurt: ({ interruptions, wait }) =>
      interruptions.during(async () => {
        disk.fill();
        expect(disk.freeBytes()).toBe(0);
        const refused = await system.request('POST', '/v1/events', { type: 'nobody.asked', data: {} });
        expect({ status: refused.status, code: refused.json.code }).toEqual({
          status: 503,
          code: 'storage_full',
        });
        await wait(awayMs(20));
        disk.makeRoom();
      }),
  });
  expect(books).toMatchObject({ otherwise: 0, unanswered: 0, repeated: 0 });
  expect(books.refused).toBeGreaterThan(0);
});
