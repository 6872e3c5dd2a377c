import { parseArgs } from 'node:util';
import { type Scenario, scenarios } from './scenarios.ts';
import { type Variant, variants } from './system/system.ts';

export interface BenchOptions {
  readonly scenarios: readonly Scenario[];
  readonly variants: readonly Variant[];
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** How long to wait, after the load, for what is still to arrive. */
  readonly drainSeconds: number;
  readonly repeat: number;
  readonly measuresLimit: boolean;
  readonly settings: Readonly<Record<string, string>>;
  readonly dynamicConfig: Readonly<Record<string, unknown>>;
  readonly profiles: boolean;
  /** Where results go; the usual folder when undefined. */
  readonly out: string | undefined;
}

/** The command line is not understood. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}

const nameWidth = Math.max(...scenarios.map(({ name }) => name.length)) + 2;

export const helpText = `npm run bench -- [options]

Measures Postrider as it is built here, in processes of its own, with a load generator and a receiver in processes of
theirs. Results go to bench/results/. Without options: every scenario on both variants.

  --scenario <names>     some of the scenarios below, with commas between; * stands for anything
  --variant <names>      embedded (PGlite, development server), server (PostgreSQL, full Temporal server) or both
  --seconds <n>          of load that is measured in each scenario (20)
  --warm-up <n>          seconds of the same load before that (5)
  --drain <n>            seconds to wait at most, after either, until all has arrived (120)
  --repeat <n>           runs of each, one round after the other; the table shows medians (1)
  --no-limit             leaves out what Postrider is held against
  --set <NAME=value>     a setting of Postrider (README.md); may be given again
  --temporal <name=json> a dynamic setting of the full Temporal server; may be given again
  --profile              writes CPU profiles of Postrider's processes beside the results
  --out <folder>         of the results
  --list, --help

Scenarios
${scenarios.map(({ name, title }) => `  ${name.padEnd(nameWidth)}${title}`).join('\n')}
`;

const options = {
  scenario: { type: 'string', multiple: true },
  variant: { type: 'string', multiple: true },
  seconds: { type: 'string' },
  'warm-up': { type: 'string' },
  drain: { type: 'string' },
  repeat: { type: 'string' },
  'no-limit': { type: 'boolean' },
  set: { type: 'string', multiple: true },
  temporal: { type: 'string', multiple: true },
  profile: { type: 'boolean' },
  out: { type: 'string' },
  list: { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

/** What the command line asks for; `help` when it asks for that. @throws UsageError */
export function parseCommandLine(argv: readonly string[]): BenchOptions | 'help' {
  const values = parsed(argv);
  if (values.help || values.list) return 'help';
  return {
    scenarios: chosen(values.scenario, scenarios, ({ name }) => name, 'scenario'),
    variants: chosen(values.variant, variants, (name) => name, 'variant'),
    seconds: numberOf(values.seconds, 20, '--seconds', 1),
    warmUpSeconds: numberOf(values['warm-up'], 5, '--warm-up', 0),
    drainSeconds: numberOf(values.drain, 120, '--drain', 0),
    repeat: numberOf(values.repeat, 1, '--repeat', 1),
    measuresLimit: !values['no-limit'],
    settings: Object.fromEntries((values.set ?? []).map((text) => pairOf(text, '--set'))),
    dynamicConfig: Object.fromEntries(
      (values.temporal ?? []).map((text) => {
        const [name, value] = pairOf(text, '--temporal');
        return [name, jsonOf(value)];
      }),
    ),
    profiles: values.profile ?? false,
    out: values.out,
  };
}

function parsed(argv: readonly string[]) {
  try {
    return parseArgs({ args: [...argv], options, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : `${error}`);
  }
}

/** In the order in which they are listed, each once. */
function chosen<Item>(
  given: readonly string[] | undefined,
  all: readonly Item[],
  nameOf: (item: Item) => string,
  kind: string,
): Item[] {
  if (given === undefined) return [...all];
  const patterns = given.flatMap((text) => text.split(',')).map((text) => text.trim());
  const matches = (pattern: string, item: Item) =>
    new RegExp(`^${pattern.split('*').map(escaped).join('.*')}$`).test(nameOf(item));
  for (const pattern of patterns) {
    if (!all.some((item) => matches(pattern, item))) {
      throw new UsageError(
        `there is no ${kind} ${JSON.stringify(pattern)}; there are ${all.map(nameOf).join(', ')}`,
      );
    }
  }
  return all.filter((item) => patterns.some((pattern) => matches(pattern, item)));
}

function escaped(text: string): string {
  return text.replace(/[.+?^${}()|[\]\\]/g, '\\$&');
}

function numberOf(text: string | undefined, fallback: number, option: string, least: number): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < least || value > 86_400) {
    throw new UsageError(`${option} must be a whole number from ${least} to 86400`);
  }
  return value;
}

function pairOf(text: string, option: string): [name: string, value: string] {
  const at = text.indexOf('=');
  if (at < 1) throw new UsageError(`${option} must be name=value`);
  return [text.slice(0, at), text.slice(at + 1)];
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
