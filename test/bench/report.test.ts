import { describe, expect, it } from 'vitest';
import { oneToOne } from '../../bench/layout.ts';
import { closeLedger } from '../../bench/ledger.ts';
import type { Limit } from '../../bench/limit/measure-limit.ts';
import { createSentLog } from '../../bench/load/sent-log.ts';
import { summaryPlot } from '../../bench/report/plot.ts';
import { summarise } from '../../bench/report/summary.ts';
import { summaryMarkdown, summaryTable } from '../../bench/report/table.ts';
import type { Run } from '../../bench/run-scenario.ts';
import { createArrivalLog } from '../../bench/sink/arrival-log.ts';
import type { Measured } from '../../bench/usage/sampler.ts';

const group = (cpuSeconds: number, megabytes: number) => ({
  cpuSeconds,
  peakMemoryBytes: megabytes * 1e6,
  memoryBytes: [megabytes * 1e6],
});

const measured: Measured = {
  seconds: 2,
  groups: {
    postrider: group(1, 250),
    temporal: group(0.5, 150),
    postgresql: group(0.25, 100),
    load: group(9, 50),
  },
  othersBusy: 0,
};

/** A thousand events, one a ms, of which each is acknowledged after 2 ms and arrives after `arrivalMs`, but for the lost. */
function run(arrivalMs: number, changes: Partial<Run> & { lost?: number } = {}): Run {
  const { lost = 0, ...rest } = changes;
  const sent = createSentLog(0);
  const arrivals = createArrivalLog(oneToOne);
  for (let index = 0; index < 1_000; index++) {
    const seq = sent.take(1, index);
    sent.answer(seq, index + 2, 202);
    if (index >= lost) arrivals.add(seq, 0, index + arrivalMs);
  }
  return {
    scenario: 'saturation-64',
    variant: 'server',
    machine: { busy: 0, average: 0 },
    isMissing: false,
    ledger: closeLedger(oneToOne, sent.sent(), arrivals.arrivals()),
    ending: 'all arrived',
    measured,
    late: undefined,
    arrivedPerSecond: [990, 10],
    ...rest,
  };
}

const limits = [4_000, 2_000, 1_000].map(
  (deliveredPerSecond): Limit => ({ deliveredPerSecond, processes: 2, measured, isExact: true }),
);
const noLimit = () => [];

describe('a summary', () => {
  it('has the median of each figure, held against the median of the limits', () => {
    const [summary] = summarise([run(1), run(31), run(11)], () => limits);
    expect(summary).toMatchObject({
      scenario: 'saturation-64',
      variant: 'server',
      runs: 3,
      ackP50: 2,
      arrivalP50: 11,
      arrivalP99: 11,
      limitPerSecond: 2_000,
      acknowledged: 3_000,
      lost: 0,
      notes: [],
    });
    // The last was sent after 999 ms and arrived 11 ms later.
    expect(summary?.deliveredPerSecond).toBeCloseTo((1_000 / 1_010) * 1_000, 6);
    expect(summary?.shareOfLimit).toBeCloseTo(1_000 / 1.01 / 2_000, 6);
  });

  it('adds up the processor time of what is ours to answer for, and not of the load', () => {
    const [summary] = summarise([run(1)], noLimit);
    expect(summary?.cpuPerThousand).toEqual({ postrider: 1, temporal: 0.5, postgresql: 0.25, all: 1.75 });
    expect(summary?.peakMemoryBytes).toEqual({ postrider: 250e6, temporal: 150e6, postgresql: 100e6 });
    expect(summary?.shareOfLimit).toBeUndefined();
  });

  it('counts what is lost in all runs together, but not what was still on its way', () => {
    expect(summarise([run(1, { lost: 3 }), run(1, { lost: 4 })], noLimit)[0]?.lost).toBe(7);
    const [summary] = summarise([run(1, { lost: 3, ending: 'time was up' })], noLimit);
    expect(summary?.lost).toBe(0);
    expect(summary?.notes).toEqual(['3 were still to arrive when the waiting ended']);
  });

  it('says when the machine was not idle, or others worked meanwhile', () => {
    const busy = { busy: 0.42, average: 3 };
    const [summary] = summarise(
      [run(1, { machine: busy, measured: { ...measured, othersBusy: 0.3 } })],
      noLimit,
    );
    expect(summary?.notes).toEqual([
      'the machine was not idle before: 42 % busy',
      'others took 30 % of the machine meanwhile',
    ]);
  });

  it('says nothing of a scenario whose route is not there', () => {
    const [summary] = summarise([run(1, { scenario: 'batch-100', isMissing: true })], () => limits);
    expect(summary).toMatchObject({ isMissing: true, deliveredPerSecond: undefined });
    expect(summary?.notes).toEqual(['the API has no such route yet']);
  });
});

describe('the report', () => {
  const runs = [
    run(10),
    run(40, { scenario: 'rate-50' }),
    run(1, { scenario: 'batch-100', isMissing: true }),
    run(1, { scenario: 'rate-20', variant: 'embedded', measured: { ...measured, groups: undefined } }),
  ];
  const summaries = summarise(runs, () => limits);

  it('has a row for each scenario and variant', () => {
    const lines = summaryTable(summaries).split('\n');
    const cellsOf = (start: string) => lines.find((line) => line.startsWith(start))?.split(/ {2,}/);
    expect(cellsOf('saturation-64')).toEqual([
      'saturation-64',
      'server',
      '999',
      '991',
      '0.50',
      '2.0 / 2.0',
      '10.0 / 10.0',
      '1.00 + 0.50 + 0.25 = 1.75',
      '250 + 150 + 100',
      '1,000, 0, 0',
    ]);
    expect(cellsOf('batch-100')).toEqual(['batch-100', 'server', ...new Array(8).fill('–')]);
    expect(lines.some((line) => line.startsWith('rate-20') && line.includes('n/a'))).toBe(true);
    expect(summaryTable(summaries)).toContain('batch-100, server: the API has no such route yet');
  });

  it('has the same rows in Markdown', () => {
    const rows = summaryMarkdown(summaries).split('\n');
    expect(rows).toHaveLength(2 + summaries.length);
    const columns = (row: string) => row.split('|').length;
    expect(new Set(rows.map(columns)).size).toBe(1);
  });

  it('is a picture in which every scenario that was measured has its bars', () => {
    const svg = summaryPlot(summaries, runs, 'Postrider <1 & 2>');
    expect(svg).toContain('Postrider &lt;1 &amp; 2>');
    expect(svg.match(/>saturation-64, server</g)).toHaveLength(3);
    expect(svg).not.toContain('batch-100');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
    const opened = svg.match(/<(svg|g|text)\b/g)?.length;
    expect(svg.match(/<\/(svg|g|text)>/g)?.length).toBe(opened);
  });

  it('is a picture also where nothing was measured', () => {
    expect(summaryPlot([], [], 'nothing')).not.toMatch(/NaN|undefined|Infinity/);
  });
});
