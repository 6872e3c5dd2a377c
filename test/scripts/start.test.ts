import { existsSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { isRunning } from '../temporal/processes.ts';
import { checkout, fakeNpm, run } from './checkout.ts';

const node = process.execPath;
const started = /^\{"pid":(\d+),.*\}$/m;
const start = (folder: string, args: readonly string[] = [], env: NodeJS.ProcessEnv = {}) =>
  run(folder, node, [join('scripts', 'start.js'), ...args], env);

/** An npm that says what it was asked, and installs the real packages. */
const installing = `
echo "$@" >> npm.log
mkdir -p node_modules && for name in "$PACKAGES"/*; do ln -sfn "$name" node_modules/; done`;

const pathWith = (folder: string) => ({ PATH: `${folder}:${process.env.PATH}` });

test('a bare checkout is installed and built, and runs in the process that was started', async () => {
  const folder = checkout({ isBare: true });
  const first = start(folder, ['worker'], { ...pathWith(fakeNpm(installing)), GREETING: 'hello' });
  const [line, pid] = await first.printed(started);
  expect(JSON.parse(line)).toEqual({ pid: first.child.pid, argv: ['worker'], greeting: 'hello' });
  expect(Number(pid)).toBe(first.child.pid);
  expect(first.output()).toMatch(/^installing the packages \(npm ci\) …\ncompiling …\n/);
  expect(readFileSync(join(folder, 'npm.log'), 'utf8')).toBe('ci --include=dev --no-audit --no-fund\n');

  expect(existsSync(join(folder, 'dist', 'db', 'migrations', '0000_first.sql'))).toBe(true);
  expect(existsSync(join(folder, 'dist', 'db', 'migrations', 'meta', '_journal.json'))).toBe(true);
  expect(readFileSync(join(folder, 'dist', 'workflow-bundle.js'), 'utf8')).toContain('anything');
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('a start with nothing changed installs and builds nothing', async () => {
  const folder = checkout();
  const first = start(folder);
  await first.printed(started);
  const before = statSync(join(folder, 'dist')).ino;
  const second = start(folder, [], pathWith(fakeNpm('exit 1')));
  const [line] = await second.printed(started);
  expect(second.output().trim()).toBe(line);
  expect(statSync(join(folder, 'dist')).ino).toBe(before);
});

test('a changed source is built anew, a changed lock installed anew', async () => {
  const folder = checkout();
  await start(folder).printed(started);
  const main = join(folder, 'main.ts');
  writeFileSync(main, readFileSync(main, 'utf8').replace('argv,', 'argv, more: 1,'));
  const second = start(folder);
  expect(JSON.parse((await second.printed(started))[0])).toMatchObject({ more: 1 });
  expect(second.output()).toMatch(/^compiling …\n/);

  writeFileSync(
    join(folder, 'package-lock.json'),
    '{"packages": {"node_modules/zod": {"version": "1.0.0"}}}',
  );
  const third = start(folder, [], pathWith(fakeNpm(installing)));
  await third.printed(started);
  expect(third.output()).toMatch(/^installing the packages/);
});

test.each([
  ['does not have a package of the lock', '{"packages": {}}'],
  ['has another version of one', '{"packages": {"node_modules/zod": {"version": "0.0.1"}}}'],
])('node_modules that was installed by hand and %s is installed anew', async (_, installed) => {
  const folder = checkout();
  writeFileSync(
    join(folder, 'package-lock.json'),
    '{"packages": {"node_modules/zod": {"version": "0.0.2"}}}',
  );
  writeFileSync(join(folder, 'node_modules', '.package-lock.json'), installed);
  const failing = start(folder, [], pathWith(fakeNpm('echo "npm error ENOTFOUND" >&2; exit 7')));
  expect(await failing.exited).toEqual({ code: 1, signal: null });
  expect(failing.output()).toContain(
    'postrider: npm ci --include=dev --no-audit --no-fund failed (exit code 7):\nnpm error ENOTFOUND',
  );
});

test('an installation that was broken off is made again', async () => {
  const folder = checkout({ isBare: true });
  const broken = start(folder, [], pathWith(fakeNpm(`${installing}; kill -KILL $PPID; sleep 60`)));
  expect(await broken.exited).toMatchObject({ signal: 'SIGKILL' });
  expect(existsSync(join(folder, '.preparing'))).toBe(true);
  const second = start(folder, [], pathWith(fakeNpm(installing)));
  await second.printed(started);
  expect(second.output()).toMatch(/^installing the packages/);
});

test('a build that fails leaves the last one in its place and says what the compiler said', async () => {
  const folder = checkout();
  await start(folder).printed(started);
  writeFileSync(join(folder, 'main.ts'), 'export const main = ;');
  const failing = start(folder);
  expect(await failing.exited).toEqual({ code: 1, signal: null });
  expect(failing.output()).toContain('error TS1109: Expression expected.');
  expect(existsSync(join(folder, 'dist', 'main.js'))).toBe(true);
  expect(readdirSync(folder).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('starts at the same time install and build once, and all run', async () => {
  const folder = checkout({ isBare: true });
  const env = pathWith(fakeNpm(installing));
  const starts = [start(folder, [], env), start(folder, [], env), start(folder, [], env)];
  await Promise.all(starts.map((one) => one.printed(started)));
  const said = starts.map((one) => one.output()).join('');
  expect(said.match(/^installing the packages \(npm ci\) …$/gm)).toHaveLength(1);
  expect(said.match(/^compiling …$/gm)).toHaveLength(1);
  expect(readFileSync(join(folder, 'npm.log'), 'utf8').trim().split('\n')).toHaveLength(1);
});

test('an old Node is refused in one line, before anything is installed', async () => {
  const folder = checkout({ isBare: true });
  const older = `data:text/javascript,Object.defineProperty(process,'versions',{value:{node:'20.18.3'}})`;
  const refused = run(folder, node, ['--import', older, join('scripts', 'start.js')]);
  expect(await refused.exited).toEqual({ code: 1, signal: null });
  expect(refused.output()).toBe('postrider: Node 20.19 or later is needed; this is 20.18.3\n');
  expect(existsSync(join(folder, 'node_modules'))).toBe(false);
});

test.each(['SIGTERM', 'SIGINT'] as const)('a %s during the installation ends it and npm', async (signal) => {
  const folder = checkout({ isBare: true });
  const pidFile = join(folder, 'npm.pid');
  const stopped = start(folder, [], pathWith(fakeNpm(`echo $$ > '${pidFile}'; exec sleep 60`)));
  const npm = await vi.waitFor(() => {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    expect(pid).toBeGreaterThan(0);
    return pid;
  });
  stopped.child.kill(signal);
  expect(await stopped.exited).toEqual({ code: 1, signal: null });
  await vi.waitFor(() => expect(isRunning(npm)).toBe(false));
  expect(existsSync(join(folder, '.preparing'))).toBe(false);
});

test.each(['SIGTERM', 'SIGINT'] as const)('npm start passes %s on and waits for the end', async (signal) => {
  const folder = checkout();
  const npm = run(folder, 'npm', ['start', '--', 'api']);
  const [line, pid] = await npm.printed(started);
  expect(JSON.parse(line)).toMatchObject({ argv: ['api'] });
  npm.child.kill(signal);
  await npm.exited;
  expect(npm.output()).toContain(`got ${signal}`);
  expect(isRunning(Number(pid))).toBe(false);
});

test('when npm is killed, what it started ends at once', async () => {
  const folder = checkout();
  const npm = run(folder, 'npm', ['start']);
  const [, pid] = await npm.printed(started);
  npm.child.kill('SIGKILL');
  await vi.waitFor(() => expect(isRunning(Number(pid))).toBe(false), { timeout: 2_000 });
});

test('npm run build builds, alone', async () => {
  const folder = checkout();
  rmSync(join(folder, 'dist'), { recursive: true, force: true });
  const built = run(folder, 'npm', ['run', 'build']);
  expect(await built.exited).toEqual({ code: 0, signal: null });
  expect(existsSync(join(folder, 'dist', 'workflow-bundle.js'))).toBe(true);
  expect(readFileSync(join(folder, 'dist', 'page', 'index.html'), 'utf8')).toContain('A page');
});
