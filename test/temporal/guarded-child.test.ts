import { expect, onTestFinished, test, vi } from 'vitest';
import { followOutput } from '../../temporal/child-output.ts';
import { type GuardedChild, startGuardedChild } from '../../temporal/guarded-child.ts';
import { isRunning, runningInGroup } from './processes.ts';

function start(script: string): { child: GuardedChild; lines: string[] } {
  const lines: string[] = [];
  const child = startGuardedChild(process.execPath, ['-e', script], process.env);
  followOutput(child, (line) => lines.push(line));
  onTestFinished(() => child.stop(0));
  return { child, lines };
}

test('the pid is that of the program itself', async () => {
  const { child, lines } = start('console.log(process.pid)');
  await child.exited;
  expect(lines).toEqual([`${child.pid}`]);
});

test('arguments reach the program as they are', async () => {
  const odd = ['', 'two words', '$HOME `id` "quoted" \\ \'', '-c', 'new\nline'];
  const lines: string[] = [];
  const child = startGuardedChild(
    process.execPath,
    ['-e', 'console.log(JSON.stringify(process.argv.slice(1)))', '--', ...odd],
    process.env,
  );
  followOutput(child, (line) => lines.push(line));
  await child.exited;
  expect(JSON.parse(lines.join())).toEqual(odd);
});

test('a program that ends takes its guard along, and all that it printed has been read', async () => {
  const { child, lines } = start('console.log("x".repeat(1e6)); console.error("last"); process.exitCode = 3');
  expect(await child.exited).toBe('exit code 3');
  expect(lines.sort()).toEqual(['last', 'x'.repeat(1e6)]);
  await vi.waitFor(() => expect(runningInGroup(child.pid)).toEqual([]));
});

test("the program is in a group of its own, which the terminal's Ctrl-C does not reach", () => {
  const { child } = start('setInterval(() => {}, 1000)');
  expect(runningInGroup(child.pid)).toContain(child.pid);
});

test('stop ends it with SIGTERM, so that it can end in order', async () => {
  const { child, lines } = start(`
    process.on('SIGTERM', () => { console.log('in order'); process.exit(0) });
    setInterval(() => {}, 1000);
    console.log('ready')
  `);
  await vi.waitFor(() => expect(lines).toEqual(['ready']));
  await child.stop(10_000);
  expect(await child.exited).toBe('exit code 0');
  expect(lines).toEqual(['ready', 'in order']);
});

test('stop kills what does not end within the grace', async () => {
  const { child, lines } = start(`
    process.on('SIGTERM', () => {});
    setInterval(() => {}, 1000);
    console.log('ready')
  `);
  await vi.waitFor(() => expect(lines).toEqual(['ready']));
  await child.stop(100);
  expect(await child.exited).toBe('signal SIGKILL');
  expect(isRunning(child.pid)).toBe(false);
});

test('a program that is not there is an ended one that says so', async () => {
  const lines: string[] = [];
  const child = startGuardedChild('/nonexistent/program', [], process.env);
  followOutput(child, (line) => lines.push(line));
  expect(await child.exited).toMatch(/exit code 127|ENOENT/);
  expect(lines.join()).toMatch(/not found|No such file/);
});
