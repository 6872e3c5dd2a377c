import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { processStartTime } from '../process-start-time.ts';

/** Its first thread ends at once, the other when its input does. */
const program = `
import ctypes, sys, threading
threading.Thread(target=sys.stdin.read).start()
ctypes.CDLL(None).pthread_exit(None)
`;

const stateOf = (pid: number) => /\) (\w) /.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1];

test.runIf(process.platform === 'linux')(
  'a process whose first thread has ended is there as long as another thread is',
  async () => {
    const child = spawn('python3', ['-c', program], { stdio: ['pipe', 'ignore', 'inherit'] });
    const exited = once(child, 'exit');
    const pid = child.pid as number;
    const startTime = processStartTime(pid);
    await vi.waitFor(() => expect(stateOf(pid)).toBe('Z'), { timeout: 10_000 });
    expect(startTime).toBeDefined();
    expect(processStartTime(pid)).toBe(startTime);

    child.stdin.end();
    await exited;
    expect(processStartTime(pid)).toBeUndefined();
  },
);
