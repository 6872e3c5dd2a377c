import { readdirSync, readFileSync } from 'node:fs';

/** A process as /proc shows it. */
export interface ProcessInfo {
  readonly pid: number;
  readonly parent: number;
  readonly name: string;
  /** Of itself and of its children that have ended and that it has waited for, in seconds. */
  readonly cpuSeconds: number;
}

/** Memory of a process in bytes, by what backs it: `shared` is shared memory, such as PostgreSQL's buffers. */
export interface Memory {
  readonly anonymous: number;
  readonly file: number;
  readonly shared: number;
}

/** USER_HZ, which is 100 on every Linux of today. */
const ticksPerSecond = 100;

/** Every process of this machine. Undefined where there is no /proc. */
export function readProcesses(): ProcessInfo[] | undefined {
  let names: string[];
  try {
    names = readdirSync('/proc');
  } catch {
    return undefined;
  }
  const processes = names
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => readProcess(Number(name)) ?? []);
  return processes.length === 0 ? undefined : processes;
}

function readProcess(pid: number): ProcessInfo | undefined {
  try {
    return parseStat(pid, readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}

/** proc(5): the name is in parentheses and may hold anything; fields are counted after it, from 3 on. */
export function parseStat(pid: number, stat: string): ProcessInfo {
  const nameEnd = stat.lastIndexOf(')');
  const fields = stat.slice(nameEnd + 2).split(' ');
  const [userTime, systemTime, childrenUserTime, childrenSystemTime] = fields.slice(11, 15).map(Number);
  const ticks = (userTime ?? 0) + (systemTime ?? 0) + (childrenUserTime ?? 0) + (childrenSystemTime ?? 0);
  return {
    pid,
    parent: Number(fields[1]),
    name: stat.slice(stat.indexOf('(') + 1, nameEnd),
    cpuSeconds: ticks / ticksPerSecond,
  };
}

/** The memory of a process; undefined when it has ended. */
export function readMemory(pid: number): Memory | undefined {
  try {
    return parseMemory(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return undefined;
  }
}

export function parseMemory(status: string): Memory {
  const bytesOf = (name: string) =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
  return { anonymous: bytesOf('RssAnon'), file: bytesOf('RssFile'), shared: bytesOf('RssShmem') };
}

/**
 * What processes hold together: what is each one's own is added up; programs and shared memory, which they have in common,
 * count once, with the one that has touched most of it.
 */
export function togetherBytes(memories: readonly Memory[]): number {
  const anonymous = memories.reduce((sum, memory) => sum + memory.anonymous, 0);
  const most = (kind: 'file' | 'shared') => Math.max(0, ...memories.map((memory) => memory[kind]));
  return anonymous + most('file') + most('shared');
}
