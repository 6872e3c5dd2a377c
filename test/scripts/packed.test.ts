import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import { build } from '../../scripts/build.js';

const root = resolve('.');
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));

beforeAll(() => build(root), 120_000);

describe('postrider', () => {
  test('runs out of a packed tarball, which holds what is compiled and nothing else', () => {
    const folder = mkdtempSync(join(tmpdir(), 'postrider-packed-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const [{ filename, files }] = Object.values<{ filename: string; files: { path: string }[] }>(
      JSON.parse(packed),
    ) as [{ filename: string; files: { path: string }[] }];
    const paths = files.map(({ path }) => path);
    for (const needed of [
      'dist/cli/main.js',
      'dist/main.js',
      'dist/workflow-bundle.js',
      'dist/page/index.html',
    ]) {
      expect(paths).toContain(needed);
    }
    expect(paths.some((path) => /^dist\/db\/migrations\/.*\.sql$/.test(path))).toBe(true);
    const others = paths.filter((path) => !path.startsWith('dist/'));
    expect(others.sort()).toEqual(['CHANGELOG.md', 'README.md', 'package.json', 'scripts/postrider.js']);

    execFileSync('tar', ['-xzf', join(folder, filename), '-C', folder]);
    // As an installation has its packages beside it.
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    const bin = join(folder, 'package', 'scripts', 'postrider.js');
    chmodSync(bin, 0o755);
    const { PATH } = process.env;
    const env = { PATH, POSTRIDER_URL: 'http://127.0.0.1:9', PORT: '0', DATA_DIR: join(folder, 'data') };
    expect(spawnSync(bin, ['--version'], { env, encoding: 'utf8' }).stdout).toBe(`${version}\n`);
    expect(spawnSync(bin, ['migrate'], { env, encoding: 'utf8' }).stdout).toMatch(
      /schema now \(migrations applied: \d+\)/,
    );
    const { stdout, stderr, status } = spawnSync(bin, ['doctor', '--json'], { env, encoding: 'utf8' });
    expect({ stderr, status, ok: JSON.parse(stdout).ok }).toEqual({ stderr: '', status: 0, ok: true });
    expect(JSON.parse(stdout).findings).toContainEqual({
      check: 'schema',
      level: 'ok',
      detail: 'is this version’s',
    });
  }, 60_000);

  test('runs out of a checkout by its name, and tells usage on standard error', () => {
    const { PATH, HOME } = process.env;
    const { stdout, stderr, status } = spawnSync('npx', ['--offline', 'postrider', 'webhooks'], {
      env: { PATH, HOME },
      encoding: 'utf8',
    });
    expect({ stdout, status }).toEqual({ stdout: '', status: 2 });
    expect(stderr).toContain('usage: postrider webhooks <command>');
  }, 60_000);
});
