import { expect, it, onTestFinished } from 'vitest';
import { compileChild } from '../children/run-child.ts';
import { timeoutMs } from './rig/form.ts';
import { serversOfTests } from './rig/servers.ts';
import { startEmbeddedSystem, startServerSystem } from './rig/system.ts';
import { tryFault } from './rig/trial.ts';

const hourMs = 3_600_000;

const servers = serversOfTests();

async function steppedBy(stepMs: number) {
  const clock = await compileChild('stepped-clock.ts');
  return { settings: { CLOCK_STEP_MS: `${stepMs}` }, nodeOptions: ['--import', clock] };
}

it.each([
  ['forwards', hourMs],
  ['backwards', -hourMs],
])(
  'clock-%s: a wall clock that steps by an hour delays, repeats and loses nothing',
  { timeout: timeoutMs },
  async (direction, stepMs) => {
    const system = await startEmbeddedSystem(await steppedBy(stepMs));
    onTestFinished(system.close);
    const { books } = await tryFault(`clock-${direction}`, system, {
      repeats: 'none',
      setsClocks: true,
      stopsBeforeBooks: true,
      hurt: async () => {
        for (const one of system.processes) one.signal('SIGUSR2');
      },
    });
    expect(books).toMatchObject({ refused: 0, otherwise: 0, unanswered: 0, repeated: 0 });
  },
);

it('clock-apart: processes whose clocks are an hour apart delay, repeat and lose nothing', {
  timeout: timeoutMs,
}, async () => {
  const system = await startServerSystem({ ...servers, workers: 2, ...(await steppedBy(-hourMs)) });
  onTestFinished(system.close);
  const { books } = await tryFault('clock-apart', system, {
    repeats: 'none',
    setsClocks: true,
    hurt: async () => system.processes.find(({ role }) => role === 'worker')?.signal('SIGUSR2'),
  });
  expect(books).toMatchObject({ refused: 0, otherwise: 0, unanswered: 0, repeated: 0 });
});
