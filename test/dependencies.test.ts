import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
const { dependencies, devDependencies } = JSON.parse(read('package.json'));

test('each direct dependency has its reason on the page, and the page names no other', () => {
  const [, runs = '', builds = ''] = read('docs/dependencies.md').split(/^## .*$/m);
  const named = (part: string) =>
    [...part.matchAll(/^\| `([^`]+)` \| ([^|]+)/gm)].map(([, name, reason]) => {
      expect(reason?.trim(), name).not.toBe('');
      return name;
    });
  expect(named(runs)).toEqual(Object.keys(dependencies).sort());
  expect(named(builds)).toEqual(Object.keys(devDependencies).sort());
});

test('what wants to run a script when it is installed is known, and works without', () => {
  const { packages } = JSON.parse(read('package-lock.json'));
  const locked = Object.entries(packages) as [string, { hasInstallScript?: boolean; resolved?: string }][];
  const scripted = locked.filter(([, { hasInstallScript }]) => hasInstallScript).map(([name]) => name);
  expect(new Set(scripted.map((name) => name.split('node_modules/').at(-1)))).toEqual(
    new Set(['@scarf/scarf', '@swc/core', 'esbuild', 'protobufjs']),
  );
  expect(locked.filter(([, { resolved }]) => resolved?.startsWith('http'))).toEqual([]);
});
