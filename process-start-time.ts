import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/**
 * When a process began, in a form that is only good for comparing: with the pid it tells a process from every other one
 * that has or had the number, on this boot of the machine or another. Undefined when there is no such process.
 */
export function processStartTime(pid: number): string | undefined {
  if (process.platform === 'linux') return startTimeFromProc(pid);
  try {
    const [program, ...args] = process.platform === 'win32' ? askPowerShell(pid) : askPs(pid);
    const said = execFileSync(program, args, {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C', TZ: 'UTC' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return said === '' ? undefined : said;
  } catch {
    return undefined;
  }
}

function startTimeFromProc(pid: number): string | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may hold anything: fields are counted after it (proc(5): 3 is the state, 22 the start).
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ');
    const [state, threads] = [fields[0], Number(fields[17])];
    // Its first thread may have ended while others still hold its ports (20 is how many there are).
    if (state === 'X' || (state === 'Z' && threads <= 1)) return undefined;
    // Ticks since the machine started, so which start that was belongs to it.
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${fields[19]}`;
  } catch {
    return undefined;
  }
}

type Command = [program: string, ...args: string[]];

function askPs(pid: number): Command {
  return ['ps', '-o', 'lstart=', '-p', `${pid}`];
}

function askPowerShell(pid: number): Command {
  return ['powershell', '-NoProfile', '-Command', `(Get-Process -Id ${pid}).StartTime.Ticks`];
}
