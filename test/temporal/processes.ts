import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { processStartTime } from '../../process-start-time.ts';

/** Whether the process is there and has not ended. */
export function isRunning(pid: number): boolean {
  return processStartTime(pid) !== undefined;
}

/** The processes of a group that have not ended. */
export function runningInGroup(group: number): number[] {
  return processes()
    .filter((process) => process.group === group && isRunning(process.pid))
    .map(({ pid }) => pid);
}

function processes(): { pid: number; group: number }[] {
  if (process.platform === 'linux') return readdirSync('/proc').filter(isNumber).flatMap(fromProc);
  return execFileSync('ps', ['-A', '-o', 'pid=,pgid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => {
      const [pid, group] = line.trim().split(/\s+/).map(Number);
      return { pid: pid as number, group: group as number };
    });
}

const isNumber = (name: string) => /^\d+$/.test(name);

function fromProc(name: string): { pid: number; group: number }[] {
  try {
    const status = readFileSync(`/proc/${name}/stat`, 'utf8');
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
    return [{ pid: Number(name), group: Number(fields[2]) }];
  } catch {
    return [];
  }
}
