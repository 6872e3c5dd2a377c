import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { processStartTime } from '../process-start-time.ts';

/** Where the pid of the server that uses the database is kept. */
export function pidFileOf(databaseFile: string): string {
  return `${databaseFile}.pid`;
}

/** Notes which process uses the database. */
export function writePidFile(databaseFile: string, pid: number): void {
  writeFileSync(pidFileOf(databaseFile), `${pid}\n`, { mode: 0o600 });
}

/** Removes the note, unless it tells of another process by now. */
export function removePidFile(databaseFile: string, pid: number): void {
  if (readPid(databaseFile) === pid) rmSync(pidFileOf(databaseFile), { force: true });
}

/**
 * The server of an earlier run that still uses the database: its pid file names it, and the command line is that of a
 * development server on this very file (the number alone may belong to anyone by now).
 */
export function findOrphan(databaseFile: string): number | undefined {
  const pid = readPid(databaseFile);
  if (pid === undefined) return undefined;
  const commandLine = commandLineOf(pid) ?? '';
  const isOurs = commandLine.includes('start-dev') && commandLine.includes(databaseFile);
  return isOurs ? pid : undefined;
}

/**
 * Ends a process that is not a child of this one: SIGTERM, and SIGKILL when it is still there after the grace. Resolves
 * once it is gone.
 */
export async function endProcess(pid: number, graceMs: number): Promise<void> {
  const startTime = processStartTime(pid);
  if (startTime === undefined) return;
  const isGone = () => processStartTime(pid) !== startTime;
  for (const name of ['SIGTERM', 'SIGKILL'] as const) {
    signal(pid, name);
    const until = Date.now() + graceMs;
    while (Date.now() < until) {
      if (isGone()) return;
      await new Promise((done) => setTimeout(done, 50));
    }
  }
  throw new Error(`process ${pid} cannot be ended`);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}

function readPid(databaseFile: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFileOf(databaseFile), 'utf8'));
    return Number.isInteger(pid) && pid > 1 ? pid : undefined;
  } catch {
    return undefined;
  }
}

/** The arguments that a process was started with. Undefined when it has ended. */
function commandLineOf(pid: number): string | undefined {
  try {
    // Empty for a process that has ended and was not waited for.
    if (process.platform === 'linux') return readFileSync(`/proc/${pid}/cmdline`, 'utf8') || undefined;
    const [program, ...args] =
      process.platform === 'win32'
        ? [
            'powershell',
            '-NoProfile',
            '-Command',
            `(Get-CimInstance Win32_Process -Filter ProcessId=${pid}).CommandLine`,
          ]
        : ['ps', '-ww', '-o', 'args=', '-p', `${pid}`];
    return (
      execFileSync(program as string, args, {
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      }).trim() || undefined
    );
  } catch {
    return undefined;
  }
}
