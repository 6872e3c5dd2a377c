import { spawn } from 'node:child_process';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { groupProcesses } from '../../bench/usage/groups.ts';
import {
  type ProcessInfo,
  parseMemory,
  parseStat,
  readMemory,
  readProcesses,
  togetherBytes,
} from '../../bench/usage/processes.ts';
import { startSampler } from '../../bench/usage/sampler.ts';
import { waitFor } from '../setup/wait-for.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

it('reads a process whose name has blanks and parentheses', () => {
  const stat = '77 (a) b (c) S 12 77 77 0 -1 4194304 100 200 0 0 150 50 30 20 20 0 1 0 999';
  expect(parseStat(77, stat)).toEqual({ pid: 77, parent: 12, name: 'a) b (c', cpuSeconds: 2.5 });
});

it('reads what memory a process holds, by what backs it', () => {
  const status =
    'Name:\tx\nVmRSS:\t 600 kB\nRssAnon:\t     300 kB\nRssFile:\t     200 kB\nRssShmem:\t     100 kB\n';
  expect(parseMemory(status)).toEqual({ anonymous: 307_200, file: 204_800, shared: 102_400 });
});

it('counts what processes have in common once', () => {
  expect(
    togetherBytes([
      { anonymous: 10, file: 5, shared: 100 },
      { anonymous: 20, file: 7, shared: 90 },
    ]),
  ).toBe(137);
  expect(togetherBytes([])).toBe(0);
});

describe('the processes of a group', () => {
  const process = (pid: number, parent: number, name = 'node'): ProcessInfo => ({
    pid,
    parent,
    name,
    cpuSeconds: 1,
  });

  it('are the one that is named and all that it has started, but Temporal is its own', () => {
    const groups = groupProcesses({ postrider: 10, postgresql: 20 }, [
      process(1, 0),
      process(10, 1),
      process(11, 10),
      process(12, 11),
      process(13, 10, 'temporal'),
      process(14, 13, 'sh'),
      process(20, 1, 'postgres'),
      process(21, 20, 'postgres'),
      process(30, 1),
    ]);
    const pids = (name: 'postrider' | 'temporal' | 'postgresql') => groups.get(name)?.map(({ pid }) => pid);
    expect(pids('postrider')).toEqual([10, 11, 12]);
    expect(pids('temporal')).toEqual([13, 14]);
    expect(pids('postgresql')).toEqual([20, 21]);
    expect(groups.get('load')).toBeUndefined();
  });

  it('are in one group each, whatever their tree', () => {
    const trees = fc.array(fc.nat(), { minLength: 1, maxLength: 40 }).map((parents) =>
      // Each one's parent has a smaller pid.
      parents.map((parent, index) => process(index + 1, index === 0 ? 0 : (parent % index) + 1)),
    );
    fc.assert(
      fc.property(trees, fc.nat(), fc.nat(), (tree, first, second) => {
        const pidOf = (choice: number) => (choice % tree.length) + 1;
        const groups = groupProcesses({ postrider: pidOf(first), temporal: pidOf(second) }, tree);
        const pids = [...groups.values()].flat().map(({ pid }) => pid);
        expect(new Set(pids).size).toBe(pids.length);
      }),
    );
  });
});

describe.runIf(process.platform === 'linux')('on Linux', () => {
  it('this process is seen, with its parent and its memory', () => {
    const own = readProcesses()?.find(({ pid }) => pid === process.pid);
    expect(own).toMatchObject({ parent: process.ppid });
    expect(own?.cpuSeconds).toBeGreaterThan(0);
    expect(readMemory(process.pid)?.anonymous).toBeGreaterThan(10e6);
    expect(readMemory(2 ** 30)).toBeUndefined();
  });

  it('what a process and one that it has started and that has ended have computed is measured', async () => {
    const burn = (ms: number) => `const end = Date.now() + ${ms}; while (Date.now() < end);`;
    const child = spawn(process.execPath, [
      '-e',
      `process.stdin.once('data', () => {
        require('node:child_process').spawnSync(process.execPath, ['-e', ${JSON.stringify(burn(300))}]);
        ${burn(200)}
        console.log('done');
      });
      console.log('ready');`,
    ]);
    closers.push(() => child.kill());
    let said = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
    const says = (word: string) =>
      waitFor(async () => (said.includes(word) ? true : undefined), `the child to say ${word}`);
    await says('ready');
    const sampler = startSampler({ postrider: child.pid as number });
    child.stdin.write('go\n');
    await says('done');
    const { groups, seconds } = sampler.stop();
    const cpuSeconds = groups?.postrider?.cpuSeconds ?? 0;
    // A busy machine gives them less of the processor than they ask for.
    expect(cpuSeconds).toBeGreaterThan(0.05);
    expect(cpuSeconds).toBeLessThan(seconds + 0.1);
    expect(groups?.postrider?.peakMemoryBytes).toBeGreaterThan(10e6);
  });
});
