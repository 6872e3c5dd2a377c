import { describe, expect, it, onTestFinished } from 'vitest';
import type { Books } from './rig/books.ts';
import { form, timeoutMs } from './rig/form.ts';
import { serversOfTests } from './rig/servers.ts';
import { type System, startEmbeddedSystem, startServerSystem } from './rig/system.ts';
import { tryFault } from './rig/trial.ts';

const pauseMs = 1_000;

/** Stops and starts each process in turn, in order and again and again, as a roll-out does. */
async function rollOut(name: string, system: System, stopsBeforeBooks: boolean): Promise<Books> {
  const { books } = await tryFault(name, system, {
    repeats: 'none',
    stopsBeforeBooks,
    hurt: async ({ interruptions, wait }) => {
      for (let stop = 0; stop < form.stops; stop += 1) {
        for (const one of system.processes) {
          await interruptions.during(async () => {
            expect(await one.stop()).toBe('exit code 0');
            await one.start();
          });
          await wait(pauseMs);
        }
      }
    },
  });
  return books;
}

describe('on PostgreSQL, with a process for the API and two workers', () => {
  const servers = serversOfTests();

  it('stop-processes: each process stopped by SIGTERM in turn repeats nothing and leaves no answer out', {
    timeout: timeoutMs,
  }, async () => {
    const system = await startServerSystem({ ...servers, workers: 2 });
    onTestFinished(system.close);
    const books = await rollOut('stop-processes', system, false);
    expect(books).toMatchObject({ otherwise: 0, unacknowledged: 0, repeated: 0, unrecorded: 0 });
  });
});

describe('with everything in one process', () => {
  it('stop-embedded: the process stopped by SIGTERM repeats nothing and leaves no answer out', {
    timeout: timeoutMs,
  }, async () => {
    const system = await startEmbeddedSystem();
    onTestFinished(system.close);
    const books = await rollOut('stop-embedded', system, true);
    expect(books).toMatchObject({ otherwise: 0, unacknowledged: 0, repeated: 0, unrecorded: 0 });
  });
});
