import { cpus, loadavg } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';

/** What the machine's processors have done since it started, in seconds of one processor. */
export interface MachineTime {
  readonly busySeconds: number;
  readonly allSeconds: number;
}

export function readMachineTime(): MachineTime {
  let idle = 0;
  let all = 0;
  for (const { times } of cpus()) {
    idle += times.idle;
    all += times.user + times.nice + times.sys + times.irq + times.idle;
  }
  return { busySeconds: (all - idle) / 1_000, allSeconds: all / 1_000 };
}

export interface MachineLoad {
  /** How much of its processors was busy during that second, from 0 to 1. */
  readonly busy: number;
  /** The load average of the last minute. */
  readonly average: number;
}

/** More than this is somebody else's work, which makes figures doubtful. */
export const mostIdleBusy = 0.1;

/** Looks at the machine for that time while nothing of ours runs. */
export async function readMachineLoad(ms = 1_000): Promise<MachineLoad> {
  const before = readMachineTime();
  await delay(ms);
  const after = readMachineTime();
  const all = after.allSeconds - before.allSeconds;
  return {
    busy: all === 0 ? 0 : (after.busySeconds - before.busySeconds) / all,
    average: loadavg()[0] ?? 0,
  };
}
