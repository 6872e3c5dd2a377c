import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, platform, release, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startChild } from './child.ts';
import { type BenchOptions, helpText, parseCommandLine, UsageError } from './command-line.ts';
import { type Limit, measureLimit } from './limit/measure-limit.ts';
import type { LoadCalls } from './load/load-process.ts';
import { planOf, type Step } from './plan.ts';
import { summaryPlot } from './report/plot.ts';
import { type Summary, summarise } from './report/summary.ts';
import { summaryTable } from './report/table.ts';
import { type Run, runScenario } from './run-scenario.ts';
import { createScreen, type Screen } from './screen.ts';
import type { SinkCalls } from './sink/sink-process.ts';
import { startEmbeddedSystem } from './system/embedded.ts';
import { startServerSystem } from './system/server.ts';
import type { SystemOptions, Variant } from './system/system.ts';
import { readMachineLoad } from './usage/machine.ts';

/** The folder of the compiled program, in which this file is as well. */
const program = fileURLToPath(new URL('..', import.meta.url));

interface MeasuredLimit {
  readonly variant: Variant;
  readonly fanOut: number;
  readonly limit: Limit;
}

/**
 * Runs the benchmark as its command line says. Resolves with the exit code: 0, or 1 when an acknowledged event was lost,
 * and 2 when the command line is not understood.
 */
export async function runBench(
  argv: readonly string[],
  { resultsFolder, output }: { resultsFolder: string; output: NodeJS.WriteStream },
): Promise<number> {
  let options: BenchOptions | 'help';
  try {
    options = parseCommandLine(argv);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    output.write(`bench: ${error.message}\n`);
    return 2;
  }
  if (options === 'help') {
    output.write(helpText);
    return 0;
  }

  const screen = createScreen(output);
  const startedAt = new Date();
  const place = join(options.out ?? resultsFolder, startedAt.toISOString().slice(0, 19).replaceAll(':', ''));
  mkdirSync(options.out ?? resultsFolder, { recursive: true });
  const { steps, seconds } = planOf(options);
  const minutes = Math.ceil(seconds / 60);
  screen.line(`Steps: ${steps.length}. About ${minutes} min, or longer where arrivals are slow.`);

  const runs: Run[] = [];
  const limits: MeasuredLimit[] = [];
  await eachStep(steps, options, place, screen, runs, limits);

  const summaries = summarise(runs, (variant, fanOut) =>
    limits.filter((one) => one.variant === variant && one.fanOut === fanOut).map(({ limit }) => limit),
  );
  const machine = `${cpus()[0]?.model ?? 'unknown processor'}, ${availableParallelism()} cores`;
  const result = {
    startedAt: startedAt.toISOString(),
    command: ['npm run bench --', ...argv].join(' '),
    machine: {
      processor: machine,
      memoryBytes: totalmem(),
      system: `${platform()} ${release()}`,
      node: process.version,
    },
    options: { ...options, scenarios: options.scenarios.map(({ name }) => name) },
    summaries,
    limits,
    runs,
  };
  writeFileSync(`${place}.json`, `${JSON.stringify(result, undefined, 1)}\n`);
  const caption = `Postrider, ${startedAt.toISOString().slice(0, 10)}, ${machine}`;
  writeFileSync(`${place}.svg`, summaryPlot(summaries, runs, caption));
  screen.line(`\n${summaryTable(summaries)}\n${limitLines(limits)}\nWritten: ${place}.json and .svg`);
  return lostLines(summaries, screen) ? 1 : 0;
}

async function eachStep(
  steps: readonly Step[],
  options: BenchOptions,
  place: string,
  screen: Screen,
  runs: Run[],
  limits: MeasuredLimit[],
): Promise<void> {
  const sink = await startChild<SinkCalls>(new URL('./sink/sink-process.js', import.meta.url));
  const load = await startChild<LoadCalls>(new URL('./load/load-process.js', import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), 'postrider-bench-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  process.once('exit', removeFolder);
  try {
    for (const [index, step] of steps.entries()) {
      const name = `[${index + 1}/${steps.length}] ${step.name}, ${step.variant}`;
      const progress = (line: string) => screen.status(`${name}: ${line}`);
      if (step.kind === 'limit') {
        await readMachineLoad();
        progress(`measuring the limit for ${step.seconds} s`);
        const { variant, fanOut } = step;
        const limit = await measureLimit({ ...step, sink, folder });
        limits.push({ variant, fanOut, limit });
        screen.line(
          `${name}: ${Math.round(limit.deliveredPerSecond)} delivered/s (processes: ${limit.processes})`,
        );
        rmSync(join(folder, 'limit'), { recursive: true, force: true });
        continue;
      }
      const systemOptions: SystemOptions = {
        program,
        folder,
        settings: options.settings,
        dynamicConfig: options.dynamicConfig,
        profileFolder: options.profiles ? `${place}-${step.scenario.name}-${step.variant}` : undefined,
        report: (line) => screen.line(line),
      };
      const run = await runScenario({
        ...options,
        scenario: step.scenario,
        variant: step.variant,
        load,
        sink,
        start: () =>
          step.variant === 'embedded' ? startEmbeddedSystem(systemOptions) : startServerSystem(systemOptions),
        progress,
      });
      runs.push(run);
      screen.line(`${name}: ${ledgerLine(run)}`);
    }
  } finally {
    await Promise.all([sink.stop(), load.stop()]);
    removeFolder();
  }
}

function ledgerLine({ ledger, isMissing, ending }: Run): string {
  if (isMissing) return 'not there yet';
  const { sent, acknowledged, due, arrived, arrivedTwice, lost } = ledger;
  const left = ending === 'time was up' ? `${lost} still to arrive` : `${lost} lost`;
  return `${sent} events sent, ${acknowledged} acknowledged; ${due} deliveries due, ${arrived} arrived, ${arrivedTwice} twice, ${left}`;
}

function limitLines(limits: readonly MeasuredLimit[]): string {
  return limits
    .map(({ variant, fanOut, limit }) => {
      const doubt = limit.isExact ? '' : '; its ledger does not close';
      return `limit, 1 → ${fanOut}, ${variant}: ${Math.round(limit.deliveredPerSecond)} delivered/s (processes: ${limit.processes})${doubt}`;
    })
    .join('\n');
}

function lostLines(summaries: readonly Summary[], screen: Screen): boolean {
  const losers = summaries.filter(({ lost }) => lost > 0);
  for (const { scenario, variant, lost } of losers) screen.line(`LOST: ${lost} in ${scenario}, ${variant}`);
  return losers.length > 0;
}
