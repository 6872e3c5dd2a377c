import { type ChildProcess, spawn } from 'node:child_process';
import type { Readable } from 'node:stream';

export interface GuardedChild {
  /** The program's own pid. */
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves with how it ended, once all that it printed has been read; never rejects. */
  readonly exited: Promise<string>;
  readonly hasExited: () => boolean;
  /** Ends it: SIGTERM, and SIGKILL when it is still there after the grace. */
  stop(graceMs: number): Promise<void>;
}

/**
 * Becomes the program after leaving a guard behind: a process that waits for the end of fd 3, which comes when the parent
 * closes it or dies, however it dies, and then ends the program. `$$` is the program's pid in both.
 */
const guardScript = `
(
  read -r _ <&3
  kill -TERM $$ || exit
  for _ in 1 2 3 4 5; do sleep 1; kill -0 $$ || exit; done
  kill -KILL $$
) >/dev/null 2>&1 &
exec "$0" "$@" 3<&-
`;

/**
 * Starts a program that does not get the terminal's Ctrl-C and does not outlive this process, be it killed with SIGKILL.
 * (On Windows it is a plain child, and does outlive that.)
 */
export function startGuardedChild(
  program: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): GuardedChild {
  const isWindows = process.platform === 'win32';
  const child: ChildProcess = isWindows
    ? spawn(program, args, { env, stdio: ['ignore', 'pipe', 'pipe'], windowsHide: true })
    : spawn('sh', ['-c', guardScript, program, ...args], {
        env,
        // A process group of its own, which the guard is in as well.
        detached: true,
        stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
      });
  let hasEnded = false;
  const exited = new Promise<string>((resolve) => {
    child.once('error', (error) => {
      hasEnded = true;
      resolve(error.message);
    });
    child.once('exit', () => {
      hasEnded = true;
      // The guard has nothing to guard any more, and must not signal whoever gets the pid next.
      if (!isWindows && child.pid !== undefined) signalGroup(child.pid, 'SIGKILL');
      child.stdio[3]?.destroy();
    });
    child.once('close', (code, signal) =>
      resolve(signal === null ? `exit code ${code}` : `signal ${signal}`),
    );
  });
  const { pid, stdout, stderr } = child;
  if (stdout === null || stderr === null) throw new TypeError('its output is piped');

  return {
    pid: pid ?? -1,
    stdout,
    stderr,
    exited,
    hasExited: () => hasEnded,
    async stop(graceMs) {
      if (hasEnded) {
        await exited;
        return;
      }
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), graceMs);
      await exited;
      clearTimeout(timer);
    },
  };
}

function signalGroup(leader: number, signal: NodeJS.Signals): void {
  try {
    process.kill(-leader, signal);
  } catch {
    // The group is empty already.
  }
}
