import { type GroupName, groupNames, type Roots, readUsage, type Usage } from './groups.ts';
import { readMachineTime } from './machine.ts';

export interface Measured {
  readonly seconds: number;
  /** Undefined where there is no /proc. */
  readonly groups: Partial<Record<GroupName, GroupMeasured>> | undefined;
  /** What everybody else on this machine has taken of its processors meanwhile, from 0 to 1. */
  readonly othersBusy: number | undefined;
}

export interface GroupMeasured {
  readonly cpuSeconds: number;
  readonly peakMemoryBytes: number;
  /** At each sample, a second apart. */
  readonly memoryBytes: readonly number[];
}

export interface Sampler {
  stop(): Measured;
}

const everyMs = 1_000;

/** Measures what the groups use from now until it is stopped. */
export function startSampler(roots: Roots): Sampler {
  const startedAt = performance.now();
  const machineBefore = readMachineTime();
  // This process itself drives what is measured, and is nobody else's.
  const ownBefore = process.cpuUsage();
  const first = readUsage(roots);
  const samples: Usage[] = first === undefined ? [] : [first];
  const timer = setInterval(() => {
    const sample = first === undefined ? undefined : readUsage(roots);
    if (sample !== undefined) samples.push(sample);
  }, everyMs);

  return {
    stop() {
      clearInterval(timer);
      const seconds = (performance.now() - startedAt) / 1_000;
      const last = first === undefined ? undefined : readUsage(roots);
      if (first === undefined || last === undefined)
        return { seconds, groups: undefined, othersBusy: undefined };
      samples.push(last);
      const groups: Partial<Record<GroupName, GroupMeasured>> = {};
      for (const name of groupNames) {
        const usage = last[name];
        if (usage === undefined) continue;
        const memoryBytes = samples.map((sample) => sample[name]?.memoryBytes ?? 0);
        groups[name] = {
          cpuSeconds: usage.cpuSeconds - (first[name]?.cpuSeconds ?? 0),
          peakMemoryBytes: Math.max(...memoryBytes),
          memoryBytes,
        };
      }
      const machine = readMachineTime();
      const own = process.cpuUsage(ownBefore);
      const ours =
        Object.values(groups).reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0) +
        (own.user + own.system) / 1e6;
      const all = machine.allSeconds - machineBefore.allSeconds;
      const others = machine.busySeconds - machineBefore.busySeconds - ours;
      return { seconds, groups, othersBusy: all === 0 ? undefined : Math.max(0, others / all) };
    },
  };
}
