import { describe, expect, it, onTestFinished } from 'vitest';
import { eventType } from '../../bench/layout.ts';
import { form, timeoutMs } from './rig/form.ts';
import { promisedMs } from './rig/interruptions.ts';
import type { PostriderProcess } from './rig/postrider-process.ts';
import { serversOfTests } from './rig/servers.ts';
import { type System, startEmbeddedSystem, startServerSystem } from './rig/system.ts';
import { type Trial, tryFault } from './rig/trial.ts';

// The short form is in test/workflows/recovery-killed.test.ts: this one takes minutes (vitest.config.ts leaves it out).

const servers = serversOfTests();

/** For so long the endpoint is disabled, and as fast as they came what was held goes out. */
const heldForMs = 3_000;
const recovery_rate = form.perSecond / 2;
const patienceMs = 60_000;
/** Each kill has a recovery, what it holds up, and what has come meanwhile. */
const patientMs = 2 * timeoutMs;
/** When nothing is held a delivery waits no longer for its lane, whose deliveries are attempted again after 0.6 s. */
const atRestMs = 5_000;
/** Held, then with all before it in its lane, at the recovery's pace, and held up by a kill. */
const mostLateMs = 4 * promisedMs;

/** Disables the endpoint that gets its events in order, enables it, and kills the process while what was held goes out; again and again. */
async function killInRecovery({ system, interruptions, random, wait }: Trial, victim: PostriderProcess) {
  const { json } = await system.request('GET', '/v1/webhooks');
  const { id } = json.data.find(({ events }: { events: string[] }) => events.includes(eventType(1)));
  const held = async () => (await system.request('GET', `/v1/webhooks/${id}/health`)).json?.held as number;
  const post = async (path: string) => (await system.request('POST', `/v1/webhooks/${id}/${path}`)).status;
  /** Its workflow may have been on the process that was killed. */
  const ask = (path: string) =>
    expect.poll(() => post(path), { timeout: patienceMs, interval: 100 }).toBe(200);
  /** A killed worker's part of a recovery is missed after some seconds, and after several kills in a row left for some more. */
  const heldBelow = async (most: number) => {
    let now = await held();
    await expect
      .poll(async () => (now = await held()), { timeout: patienceMs, interval: 20 })
      .toBeLessThan(most);
    return now;
  };
  /** What came while others were held has gone out as well: otherwise more is held each time. */
  const isBehind = async () => {
    const until = new Date(Date.now() - atRestMs).toISOString();
    const { json } = await system.request(
      'GET',
      `/v1/deliveries?webhook_id=${id}&status=pending&until=${until}&limit=1`,
    );
    return json?.data?.length !== 0;
  };
  const patch = { recovery_rate };
  expect((await system.request('PATCH', `/v1/webhooks/${id}`, patch)).status).toBe(200);
  for (let kill = 0; kill < form.kills; kill += 1) {
    await ask('disable');
    await wait(heldForMs);
    const before = await held();
    await ask('enable');
    const left = before * (0.2 + 0.7 * random());
    const now = await heldBelow(left);
    // All went out between two looks: nothing is left to be killed in.
    if (now === 0) {
      kill -= 1;
      continue;
    }
    await interruptions.during(async () => {
      await victim.kill();
      await victim.start();
    });
    await heldBelow(1);
    await expect.poll(isBehind, { timeout: patienceMs, interval: 200 }).toBe(false);
  }
}

async function tryOn(name: string, system: System, victim: PostriderProcess | undefined) {
  if (victim === undefined) throw new Error('there is nobody to kill');
  onTestFinished(system.close);
  await tryFault(name, system, {
    ...{ repeats: 'in flight', inOrder: true, mostLateMs, stopsBeforeBooks: victim.role === 'both' },
    hurt: (trial) => killInRecovery(trial, victim),
  });
}

describe('what was held in lanes goes out in order, and none of it is lost, when', () => {
  it('kill-recovery: the worker that sends it is killed by SIGKILL', { timeout: patientMs }, async () => {
    const system = await startServerSystem(servers);
    await tryOn(
      'kill-recovery',
      system,
      system.processes.find(({ role }) => role === 'worker'),
    );
  });

  it('kill-recovery-embedded: the one process is killed by SIGKILL', { timeout: patientMs }, async () => {
    const system = await startEmbeddedSystem();
    await tryOn('kill-recovery-embedded', system, system.processes[0]);
  });
});
