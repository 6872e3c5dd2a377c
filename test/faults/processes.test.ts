import { describe, it, onTestFinished } from 'vitest';
import { startReceiver } from '../setup/receiver.ts';
import { askForAttemptsByHand } from './rig/attempts-by-hand.ts';
import { form, timeoutMs } from './rig/form.ts';
import type { PostriderProcess } from './rig/postrider-process.ts';
import { serversOfTests } from './rig/servers.ts';
import { type System, startEmbeddedSystem, startServerSystem } from './rig/system.ts';
import { type Trial, tryFault } from './rig/trial.ts';

const servers = serversOfTests();

/** Between a process' being ready and its next end. */
const leastPauseMs = 500;
const mostPauseMs = 3_000;

/** Kills the process at random moments of its life, and starts it again at once, as a supervisor does. */
async function killAtRandom({ interruptions, random, wait }: Trial, victim: PostriderProcess) {
  for (let kill = 0; kill < form.kills; kill += 1) {
    await wait(leastPauseMs + random() * (mostPauseMs - leastPauseMs));
    await interruptions.during(async () => {
      await victim.kill();
      await victim.start();
    });
  }
}

function processOf(system: System, role: PostriderProcess['role']): PostriderProcess {
  const found = system.processes.find((one) => one.role === role);
  if (found === undefined) throw new Error(`there is no ${role} process`);
  return found;
}

describe('on PostgreSQL, with a process for the API and two workers', () => {
  it('kill-api: SIGKILL of the API at random moments loses nothing', { timeout: timeoutMs }, async () => {
    const system = await startServerSystem({ ...servers, workers: 2 });
    onTestFinished(system.close);
    await tryFault('kill-api', system, {
      repeats: 'in flight',
      inOrder: true,
      hurt: (trial) => killAtRandom(trial, processOf(system, 'api')),
    });
  });

  it('kill-worker: SIGKILL of a worker at random moments loses nothing', { timeout: timeoutMs }, async () => {
    const system = await startServerSystem({ ...servers, workers: 2 });
    onTestFinished(system.close);
    const receiver = await startReceiver(() => 200);
    onTestFinished(receiver.close);
    const byHand = await askForAttemptsByHand(system, receiver.url);
    await tryFault('kill-worker', system, {
      repeats: 'in flight',
      inOrder: true,
      hurt: async (trial) => {
        await killAtRandom(trial, processOf(system, 'worker'));
        await byHand.areRecorded();
      },
    });
  });
});

describe('on PostgreSQL, with two processes that share the work, and one that looks after them', () => {
  it('kill-shared: SIGKILL of one of them, and in the end of all, loses nothing', {
    timeout: timeoutMs,
  }, async () => {
    const settings = { PROCESSES: '2' };
    const system = await startServerSystem({ ...servers, roles: ['both'], settings });
    onTestFinished(system.close);
    await tryFault('kill-shared', system, {
      repeats: 'in flight',
      inOrder: true,
      hurt: async ({ interruptions, random, wait }) => {
        const all = processOf(system, 'both');
        for (let kill = 1; kill < form.kills; kill += 1) {
          await wait(leastPauseMs + random() * (mostPauseMs - leastPauseMs));
          await interruptions.during(() => all.killChild(random));
        }
        await wait(mostPauseMs);
        await interruptions.during(async () => {
          await all.kill();
          await all.start();
        });
      },
    });
  });
});

describe('with everything in one process', () => {
  it('kill-embedded: SIGKILL of the process at random moments loses nothing', {
    timeout: timeoutMs,
  }, async () => {
    const system = await startEmbeddedSystem();
    onTestFinished(system.close);
    await tryFault('kill-embedded', system, {
      repeats: 'in flight',
      inOrder: true,
      stopsBeforeBooks: true,
      hurt: (trial) => killAtRandom(trial, processOf(system, 'both')),
    });
  });
});
