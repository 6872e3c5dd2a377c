import type { Run } from '../run-scenario.ts';
import type { Summary } from './summary.ts';
import { systemGroups } from './summary.ts';

const width = 960;
const labelWidth = 230;
const plotWidth = width - labelWidth - 120;
const rowHeight = 22;
const headHeight = 58;
const lineChartHeight = 150;

const colours = {
  postrider: '#3b6fb6',
  temporal: '#b65c9b',
  postgresql: '#5f9e6e',
  limit: '#9aa4b1',
  text: '#24292f',
  faint: '#d9dee4',
};

/** What was measured as one picture: deliveries a second, latencies, processor time, and arrivals over time. */
export function summaryPlot(summaries: readonly Summary[], runs: readonly Run[], caption: string): string {
  const measured = summaries.filter(({ isMissing }) => !isMissing);
  const charts = [
    deliveredChart(measured),
    latencyChart(measured),
    cpuChart(measured),
    ...runs
      .filter(({ isMissing, arrivedPerSecond }) => !isMissing && arrivedPerSecond.length > 1)
      .map(arrivalsChart),
  ];
  let top = 40;
  const placed = charts.map(({ svg, height }) => {
    const group = `<g transform="translate(0 ${top})">${svg}</g>`;
    top += height + 24;
    return group;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${top}" viewBox="0 0 ${width} ${top}" font-family="system-ui, sans-serif" font-size="12" fill="${colours.text}">`,
    `<rect width="${width}" height="${top}" fill="#fff"/>`,
    text(16, 24, caption, 'font-weight="600"'),
    ...placed,
    '</svg>',
    '',
  ].join('\n');
}

interface Chart {
  readonly svg: string;
  readonly height: number;
}

function deliveredChart(summaries: readonly Summary[]): Chart {
  const most = Math.max(
    1,
    ...summaries.map(({ deliveredPerSecond = 0, limitPerSecond = 0 }) =>
      Math.max(deliveredPerSecond, limitPerSecond),
    ),
  );
  return barChart('Delivered a second (grey: the limit)', summaries, (summary, y) => {
    const { deliveredPerSecond = 0, limitPerSecond } = summary;
    const x = (value: number) => (value / most) * plotWidth;
    const limit =
      limitPerSecond === undefined ? '' : bar(0, y + 1, x(limitPerSecond), rowHeight - 6, colours.faint);
    const share =
      summary.shareOfLimit === undefined ? '' : `, ${summary.shareOfLimit.toFixed(2)} of the limit`;
    return `${limit}${bar(0, y + 4, x(deliveredPerSecond), rowHeight - 12, colours.postrider)}${text(
      labelWidth + x(Math.max(deliveredPerSecond, limitPerSecond ?? 0)) + 6,
      y + 14,
      `${rounded(deliveredPerSecond)}${share}`,
    )}`;
  });
}

/** From p50 to p99, on a logarithmic scale from 1 ms on. */
function latencyChart(summaries: readonly Summary[]): Chart {
  const most = Math.max(10, ...summaries.map(({ arrivalP99 = 0 }) => arrivalP99));
  const decades = Math.ceil(Math.log10(most));
  const x = (value: number) => (Math.log10(Math.max(1, value)) / decades) * plotWidth;
  const chart = barChart(
    'From send to arrival, p50 to p99, in ms',
    summaries,
    ({ arrivalP50, arrivalP99 }, y) =>
      arrivalP50 === undefined || arrivalP99 === undefined
        ? ''
        : bar(
            x(arrivalP50),
            y + 4,
            Math.max(2, x(arrivalP99) - x(arrivalP50)),
            rowHeight - 12,
            colours.postrider,
          ) +
          text(labelWidth + x(arrivalP99) + 6, y + 14, `${rounded(arrivalP50)} to ${rounded(arrivalP99)}`),
  );
  const grid = Array.from({ length: decades + 1 }, (_, decade) => {
    const at = labelWidth + x(10 ** decade);
    return `${line(at, 36, at, chart.height)}${text(at, 32, `${10 ** decade}`, 'text-anchor="middle" font-size="10"')}`;
  });
  return { svg: grid.join('') + chart.svg, height: chart.height };
}

function cpuChart(summaries: readonly Summary[]): Chart {
  const most = Math.max(0.001, ...summaries.map(({ cpuPerThousand }) => cpuPerThousand.all ?? 0));
  const title = 'Processor seconds for 1,000 events: Postrider (blue), Temporal (purple), PostgreSQL (green)';
  return barChart(title, summaries, ({ cpuPerThousand }, y) => {
    let from = 0;
    const parts = systemGroups.map((group) => {
      const length = ((cpuPerThousand[group] ?? 0) / most) * plotWidth;
      const part = bar(from, y + 4, length, rowHeight - 12, colours[group]);
      from += length;
      return part;
    });
    const all = cpuPerThousand.all;
    return parts.join('') + text(labelWidth + from + 6, y + 14, all === undefined ? 'n/a' : all.toFixed(2));
  });
}

function barChart(
  title: string,
  summaries: readonly Summary[],
  row: (summary: Summary, y: number) => string,
): Chart {
  const rows = summaries.map((summary, index) => {
    const y = headHeight - 18 + index * rowHeight;
    const label = `${summary.scenario}, ${summary.variant}`;
    return text(labelWidth - 8, y + 14, label, 'text-anchor="end"') + row(summary, y);
  });
  const height = headHeight - 18 + summaries.length * rowHeight;
  return {
    svg: text(16, 16, title, 'font-weight="600"') + rows.join('') + line(labelWidth, 36, labelWidth, height),
    height,
  };
}

function arrivalsChart({ scenario, variant, arrivedPerSecond }: Run): Chart {
  const most = Math.max(1, ...arrivedPerSecond);
  const bottom = lineChartHeight - 20;
  const step = plotWidth / arrivedPerSecond.length;
  const bars = arrivedPerSecond.map((count, second) => {
    const height = (count / most) * (bottom - 30);
    return bar(second * step, bottom - height, Math.max(1, step - 1), height, colours.postrider);
  });
  return {
    svg: [
      text(16, 16, `${scenario}, ${variant}: arrived in each second`, 'font-weight="600"'),
      text(labelWidth - 8, 36, rounded(most), 'text-anchor="end"'),
      text(labelWidth - 8, bottom, '0', 'text-anchor="end"'),
      ...bars,
      line(labelWidth, bottom, labelWidth + plotWidth, bottom),
      text(labelWidth + plotWidth, bottom + 14, `${arrivedPerSecond.length} s`, 'text-anchor="end"'),
    ].join(''),
    height: lineChartHeight,
  };
}

function bar(x: number, y: number, length: number, height: number, colour: string): string {
  return `<rect x="${fixed(labelWidth + x)}" y="${fixed(y)}" width="${fixed(length)}" height="${fixed(height)}" fill="${colour}"/>`;
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${fixed(x1)}" y1="${fixed(y1)}" x2="${fixed(x2)}" y2="${fixed(y2)}" stroke="${colours.faint}"/>`;
}

function text(x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replace(/&/g, '&amp;').replace(/</g, '&lt;');
  return `<text x="${fixed(x)}" y="${fixed(y)}" ${attributes}>${escaped}</text>`;
}

function fixed(value: number): string {
  return value.toFixed(1);
}

function rounded(value: number): string {
  return value.toLocaleString('en', { maximumFractionDigits: value < 100 ? 1 : 0 });
}
