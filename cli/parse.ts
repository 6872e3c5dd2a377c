import { parseArgs } from 'node:util';
import { type Argument, type Command, type Parsed, parseableOptions } from './command.ts';
import { UsageError } from './failures.ts';
import { apiOptions, globalOptions, helpOptions, jsonOptions } from './global-options.ts';
import { nearest } from './nearest.ts';

/** What a command line asks for. */
export type Asked =
  | { readonly kind: 'command'; readonly command: Command; readonly values: Parsed; readonly args: Args }
  | { readonly kind: 'help'; readonly command: Command }
  | { readonly kind: 'group help'; readonly group: string; readonly isAsked: boolean }
  | { readonly kind: 'overview'; readonly isAsked: boolean }
  | { readonly kind: 'version' };

type Args = Readonly<Record<string, string>>;

/**
 * Finds the command that a command line names, wherever options stand, and reads its options and arguments.
 * @throws UsageError
 */
export function parseCommandLine(argv: readonly string[], commands: readonly Command[]): Asked {
  const words = leadingWords(argv);
  const [first, second] = words;
  const isHelp = argv.includes('--help') || argv.includes('-h');
  if (first === undefined) {
    const given = parse(argv, globalOptions).values;
    return given.version === true ? { kind: 'version' } : { kind: 'overview', isAsked: isHelp };
  }
  const isGroup = commands.some(({ name }) => name.startsWith(`${first.text} `));
  if (isGroup && second === undefined) return { kind: 'group help', group: first.text, isAsked: isHelp };
  const name = isGroup ? `${first.text} ${second?.text}` : first.text;
  const command = commands.find((one) => one.name === name);
  if (command === undefined) throw new UsageError(unknownCommand(name, commands));
  if (isHelp) return { kind: 'help', command };
  const named = new Set([first.index, ...(isGroup && second !== undefined ? [second.index] : [])]);
  const { values, positionals } = parse(
    argv.filter((_, index) => !named.has(index)),
    optionsOf(command),
    command,
  );
  return { kind: 'command', command, values, args: argumentsOf(command, positionals) };
}

/** All options that a command takes. */
export function optionsOf(command: Command) {
  return {
    ...command.options,
    ...(command.asksApi ? apiOptions : {}),
    ...(command.canJson ? jsonOptions : {}),
    ...helpOptions,
  };
}

/** Words that are no options and no values of the options that every command has: the first ones name the command. */
function leadingWords(argv: readonly string[]): { text: string; index: number }[] {
  const { tokens } = parseArgs({
    args: [...argv],
    options: parseableOptions(globalOptions),
    strict: false,
    allowPositionals: true,
    tokens: true,
  });
  return tokens.flatMap((token) =>
    token.kind === 'positional' ? [{ text: token.value, index: token.index }] : [],
  );
}

function parse(args: readonly string[], options: Command['options'], command?: Command) {
  try {
    return parseArgs({
      args: [...args],
      options: parseableOptions(options),
      strict: true,
      allowPositionals: true,
    });
  } catch (error) {
    throw new UsageError(complaint(error, command));
  }
}

function complaint(error: unknown, command: Command | undefined): string {
  const { code, message } = error as { code?: unknown; message: string };
  if (typeof code !== 'string' || !code.startsWith('ERR_PARSE_ARGS')) throw error;
  const name = /'(?:-\w, )?(--?[^' ]+)/.exec(message)?.[1] ?? '';
  const see = `see postrider ${command === undefined ? '--help' : `${command.name} --help`}`;
  if (code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') return `there is no option ${name}: ${see}`;
  const what = /does not take an argument/.test(message) ? 'takes no value' : 'needs a value';
  return `the option ${name.split('=')[0]} ${what}: ${see}`;
}

function argumentsOf(command: Command, given: readonly string[]): Args {
  const see = `see postrider ${command.name} --help`;
  const needed = command.args.filter(({ optional }) => !optional);
  const missing = needed[given.length];
  if (missing !== undefined) throw new UsageError(`<${missing.name}> is missing: ${see}`);
  const more = given[command.args.length];
  if (more !== undefined) throw new UsageError(`${JSON.stringify(more)} is too much: ${see}`);
  return Object.fromEntries(given.map((value, index) => [(command.args[index] as Argument).name, value]));
}

function unknownCommand(name: string, commands: readonly Command[]): string {
  const near = nearest(name, [
    ...new Set(commands.flatMap((one) => [one.name, one.name.split(' ')[0] ?? ''])),
  ]);
  const see = near === undefined ? 'see postrider --help' : `did you mean ${near}?`;
  return `there is no command ${JSON.stringify(name)}: ${see}`;
}
