import { execFile } from 'node:child_process';

/**
 * Runs a program to its end and resolves to what it printed on stdout. It is ended when it takes too long, and when this
 * process exits.
 * @throws Error whose message is one line: how it failed, and the last line that it printed
 */
export function runProgram(
  file: string,
  args: readonly string[],
  options: { env: NodeJS.ProcessEnv; timeoutMs: number; cwd?: string },
): Promise<string> {
  const { env, timeoutMs, cwd } = options;
  return new Promise((resolve, reject) => {
    const child = execFile(
      file,
      args,
      {
        env,
        timeout: timeoutMs,
        maxBuffer: 64 * 1024 * 1024,
        windowsHide: true,
        ...(cwd === undefined ? {} : { cwd }),
      },
      (error, stdout, stderr) => {
        process.off('exit', end);
        if (error === null) resolve(stdout);
        else reject(new Error(inOneLine(error, `${stdout}\n${stderr}`, timeoutMs)));
      },
    );
    const end = () => child.kill();
    process.once('exit', end);
  });
}

function inOneLine(
  error: Error & { code?: string | number | null; killed?: boolean; signal?: string | null },
  printed: string,
  timeoutMs: number,
): string {
  const lastLine = printed.trim().split('\n').at(-1)?.trim() ?? '';
  return lastLine === '' ? how(error, timeoutMs) : `${how(error, timeoutMs)}: ${lastLine}`;
}

function how({ code, killed, signal, message }: Parameters<typeof inOneLine>[0], timeoutMs: number): string {
  if (killed) return `it did not end within ${timeoutMs / 1000} s`;
  if (code === 'ENOENT') return 'it is not there';
  if (code === 'EACCES') return 'it may not be run';
  if (typeof code === 'number') return `it failed with exit code ${code}`;
  return signal ? `it was ended by ${signal}` : (message.split('\n')[0] ?? '');
}
