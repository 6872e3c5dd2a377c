import type { Summary, SystemGroup } from './summary.ts';

const headings = [
  ['SCENARIO', ''],
  ['VARIANT', ''],
  ['ACCEPTED', '/s'],
  ['DELIVERED', '/s'],
  ['OURS ÷', 'LIMIT'],
  ['ACK ms', 'p50 / p99'],
  ['ARRIVAL ms', 'p50 / p99'],
  ['CPU s PER 1,000', 'ours + Temporal + PG = all'],
  ['PEAK MB', 'ours + Temporal + PG'],
  ['LEDGER', 'acknowledged, lost, twice'],
] as const;

/** The summaries as a table for a terminal, and beneath it what needs saying of some. */
export function summaryTable(summaries: readonly Summary[]): string {
  const rows = [
    headings.map(([first]) => first),
    headings.map(([, second]) => second),
    ...summaries.map((summary) => cells(summary)),
  ];
  const widths = headings.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const table = rows.map((row) =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd(),
  );
  const notes = summaries.flatMap(({ scenario, variant, notes }) =>
    notes.map((note) => `${scenario}, ${variant}: ${note}`),
  );
  return [...table, ...(notes.length === 0 ? [] : ['', ...notes])].join('\n');
}

/** The same as Markdown, for docs/performance.md. */
export function summaryMarkdown(summaries: readonly Summary[]): string {
  const line = (row: readonly string[]) => `| ${row.join(' | ')} |`;
  return [
    line(headings.map(([first, second]) => `${first} ${second}`.trim().toLowerCase())),
    line(headings.map(() => '---')),
    ...summaries.map((summary) => line(cells(summary))),
  ].join('\n');
}

function cells(summary: Summary): string[] {
  const { scenario, variant, cpuPerThousand: cpu, peakMemoryBytes: memory } = summary;
  if (summary.isMissing) return [scenario, variant, ...new Array(headings.length - 2).fill('–')];
  const groups: SystemGroup[] =
    variant === 'embedded' ? ['postrider', 'temporal'] : ['postrider', 'temporal', 'postgresql'];
  const isMeasured = cpu.all !== undefined;
  return [
    scenario,
    variant,
    whole(summary.acceptedPerSecond),
    whole(summary.deliveredPerSecond),
    summary.shareOfLimit === undefined ? '' : summary.shareOfLimit.toFixed(2),
    `${ms(summary.ackP50)} / ${ms(summary.ackP99)}`,
    `${ms(summary.arrivalP50)} / ${ms(summary.arrivalP99)}`,
    isMeasured ? `${groups.map((group) => seconds(cpu[group])).join(' + ')} = ${seconds(cpu.all)}` : 'n/a',
    isMeasured ? groups.map((group) => megabytes(memory[group])).join(' + ') : 'n/a',
    `${summary.acknowledged.toLocaleString('en')}, ${summary.lost}, ${summary.arrivedTwice}`,
  ];
}

const missing = '–';

function whole(value: number | undefined): string {
  return value === undefined
    ? missing
    : value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 });
}

function ms(value: number | undefined): string {
  if (value === undefined) return missing;
  return value < 100 ? value.toFixed(1) : value.toLocaleString('en', { maximumFractionDigits: 0 });
}

function seconds(value: number | undefined): string {
  return value === undefined ? missing : value.toFixed(value < 10 ? 2 : 1);
}

function megabytes(value: number | undefined): string {
  return value === undefined ? missing : (value / 1e6).toFixed(0);
}
