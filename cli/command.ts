import type { ParseArgsConfig, parseArgs } from 'node:util';
import type { PostriderClient } from '../sdk/client/src/client.ts';
import type { Output } from './output.ts';

/** An option, as `parseArgs` knows it and as it is told to a user. */
export interface Option {
  readonly type: 'string' | 'boolean';
  readonly short?: string;
  /** May be given several times. */
  readonly multiple?: boolean;
  /** What stands for its value in the help: `<url>`. */
  readonly value?: string;
  /** The values it may have, for completion; the command checks them itself. */
  readonly choices?: readonly string[];
  /** Half a line. */
  readonly summary: string;
}

export type Options = Readonly<Record<string, Option>>;

/** What stands after a command's name without a dash. */
export interface Argument {
  readonly name: string;
  readonly summary: string;
  readonly optional?: boolean;
  readonly choices?: readonly string[];
}

/** The values of options, by their names. */
export type Values<O extends Options> = {
  [Name in keyof O]: O[Name]['multiple'] extends true
    ? (O[Name]['type'] extends 'boolean' ? boolean : string)[] | undefined
    : (O[Name]['type'] extends 'boolean' ? boolean : string) | undefined;
};

/** What a command works with. */
export interface Context<O extends Options = Options, A extends readonly Argument[] = readonly Argument[]> {
  /** By name; one that is not optional is there. */
  readonly args: {
    readonly [One in A[number] as One['name']]: One['optional'] extends true ? string | undefined : string;
  };
  readonly options: Values<O>;
  /** Whether `--json` was given: then everything on standard output is JSON. */
  readonly json: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly out: Output;
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal;
  /** Where the API is, without a slash at its end. */
  readonly url: string;
  /** The API at `url`, with the key that was given. @throws UsageError when there is none */
  readonly client: () => PostriderClient;
  /** The key itself, for what the client cannot do. @throws UsageError when there is none */
  readonly apiKey: () => string;
  /** All of standard input. */
  readonly readInput: () => Promise<string>;
  /** All commands, for help and completion. */
  readonly commands: readonly Command[];
}

/**
 * A command as data: its help and its completion are made from it. What it needs that is heavy (Temporal, the database) `run`
 * imports itself, so that the others stay quick.
 */
export interface CommandSpec<O extends Options, A extends readonly Argument[]> {
  /** One word, or two: `webhooks list`. */
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** Further lines, of 78 characters at most, where the summary does not say all. */
  readonly details?: readonly string[];
  readonly args: A;
  readonly options: O;
  /** Whether it asks the API, and so takes `--url` and `--api-key`. */
  readonly asksApi: boolean;
  /** Whether it takes `--json`. */
  readonly canJson: boolean;
  readonly examples?: readonly string[];
  /** Resolves to the exit code, 0 unless it says. @throws UsageError, CommandFailed, PostriderError */
  run(context: Context<O, A>): Promise<number | undefined>;
}

export type Command = CommandSpec<Options, readonly Argument[]>;

/** Checks a command's `run` against its options and arguments. */
export function command<const O extends Options, const A extends readonly Argument[]>(
  spec: CommandSpec<O, A>,
): Command {
  return spec as unknown as Command;
}

/** Options as `parseArgs` takes them. */
export function parseableOptions(options: Options): NonNullable<ParseArgsConfig['options']> {
  return Object.fromEntries(
    Object.entries(options).map(([name, { type, short, multiple }]) => [
      name,
      {
        type,
        ...(short === undefined ? {} : { short }),
        ...(multiple === undefined ? {} : { multiple }),
      },
    ]),
  );
}

export type Parsed = ReturnType<typeof parseArgs>['values'];
