import type { Argument, Command, Options } from './command.ts';
import { apiOptions, helpOptions, jsonOptions, versionOptions } from './global-options.ts';

/** What is said of a group in place of its commands. */
export const groupSummaries: Readonly<Record<string, string>> = {
  webhooks: 'register, look at and change webhooks',
  deliveries: 'find out what became of an event, and try again',
};

/** All commands, on one screen of 80 columns and 24 lines. */
export function overviewLines(commands: readonly Command[]): string[] {
  const groups = new Map<string, string>();
  for (const { name, summary } of commands) {
    const [first = '', second] = name.split(' ');
    if (!groups.has(first))
      groups.set(first, second === undefined ? summary : (groupSummaries[first] ?? summary));
  }
  return [
    'usage: postrider <command> [options]',
    '',
    ...twoColumns([...groups]),
    '',
    ...twoColumns(optionRows({ ...apiOptions, ...jsonOptions, ...helpOptions, ...versionOptions })),
    '',
    'postrider <command> --help says more.',
  ];
}

/** The commands of a group: `webhooks`. */
export function groupLines(group: string, commands: readonly Command[]): string[] {
  const here = commands.filter(({ name }) => name.startsWith(`${group} `));
  return [
    `usage: postrider ${group} <command> [options]`,
    '',
    ...twoColumns(
      here.map((one) => [[one.name.slice(group.length + 1), ...words(one.args)].join(' '), one.summary]),
    ),
    '',
    `postrider ${group} <command> --help says more.`,
  ];
}

/** One command. */
export function commandLines(command: Command): string[] {
  const { name, args, options, summary, details = [], examples = [] } = command;
  const usage = ['usage: postrider', name, ...words(args), '[options]'].join(' ');
  const common = {
    ...(command.asksApi ? apiOptions : {}),
    ...(command.canJson ? jsonOptions : {}),
  };
  const rows = [
    ...args.map(({ name: word, summary: what }): [string, string] => [`<${word}>`, what]),
    ...optionRows({ ...options, ...common }),
  ];
  return [
    usage,
    '',
    `${summary[0]?.toUpperCase()}${summary.slice(1)}.`,
    ...details,
    ...(rows.length === 0 ? [] : ['', ...twoColumns(rows)]),
    ...(examples.length === 0 ? [] : ['', ...examples.map((example) => `  ${example}`)]),
  ];
}

function words(args: readonly Argument[]): string[] {
  return args.map(({ name, optional }) => (optional ? `[<${name}>]` : `<${name}>`));
}

function optionRows(options: Options): [string, string][] {
  return Object.entries(options).map(([name, { short, value, summary }]) => [
    [
      short === undefined ? `--${name}` : `-${short}, --${name}`,
      ...(value === undefined ? [] : [value]),
    ].join(' '),
    summary,
  ]);
}

function twoColumns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}
