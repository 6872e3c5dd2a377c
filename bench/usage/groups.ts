import { type ProcessInfo, readMemory, readProcesses, togetherBytes } from './processes.ts';

export const groupNames = ['postrider', 'temporal', 'postgresql', 'limit', 'load', 'sink'] as const;
/** Whose a process is. */
export type GroupName = (typeof groupNames)[number];

/** Processes that are looked at as one: those given, with all that they have started. */
export type Roots = Partial<Record<GroupName, number>>;

export interface GroupUsage {
  /** Since the processes began, those of them that have ended included. */
  readonly cpuSeconds: number;
  readonly memoryBytes: number;
  readonly processes: number;
}

export type Usage = Partial<Record<GroupName, GroupUsage>>;

/** What each group has used. Undefined where there is no /proc. */
export function readUsage(roots: Roots): Usage | undefined {
  const processes = readProcesses();
  if (processes === undefined) return undefined;
  const usage: Usage = {};
  for (const [name, members] of groupProcesses(roots, processes)) {
    usage[name] = {
      cpuSeconds: members.reduce((sum, { cpuSeconds }) => sum + cpuSeconds, 0),
      memoryBytes: togetherBytes(members.flatMap(({ pid }) => readMemory(pid) ?? [])),
      processes: members.length,
    };
  }
  return usage;
}

/**
 * The processes of each group. A Temporal server that Postrider has started is Temporal's and not Postrider's.
 */
export function groupProcesses(
  roots: Roots,
  processes: readonly ProcessInfo[],
): Map<GroupName, ProcessInfo[]> {
  const byPid = new Map(processes.map((process) => [process.pid, process]));
  const nameOf = new Map(Object.entries(roots).map(([name, pid]) => [pid, name as GroupName]));
  const groups = new Map<GroupName, ProcessInfo[]>();

  const groupOf = (process: ProcessInfo | undefined): GroupName | undefined => {
    if (process === undefined) return undefined;
    const own = nameOf.get(process.pid);
    if (own !== undefined) return own;
    const inherited = groupOf(byPid.get(process.parent));
    return inherited === 'postrider' && process.name.startsWith('temporal') ? 'temporal' : inherited;
  };
  for (const process of processes) {
    const name = groupOf(process);
    if (name !== undefined) groups.set(name, [...(groups.get(name) ?? []), process]);
  }
  return groups;
}
