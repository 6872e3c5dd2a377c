import type { Command, Option } from './command.ts';
import { groupSummaries } from './help.ts';
import { optionsOf } from './parse.ts';

export const shells = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof shells)[number];

/** A script that teaches a shell what may stand after `postrider`. It asks nobody: it holds all commands and options. */
export function completionScript(shell: Shell, commands: readonly Command[]): string {
  return { bash: bashScript, zsh: zshScript, fish: fishScript }[shell](commands);
}

interface Place {
  /** The words that have been typed: none, `webhooks`, or `webhooks list`. */
  readonly after: string;
  readonly words: readonly Word[];
  /** Whether more words may follow that are not in the list, so that the place lasts. */
  readonly isCommand: boolean;
}

interface Word {
  readonly text: string;
  readonly summary: string;
}

function placesOf(commands: readonly Command[]): Place[] {
  const firsts = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))];
  const groups = firsts.filter((first) => !commands.some(({ name }) => name === first));
  const summaryOf = (first: string) =>
    commands.find(({ name }) => name === first)?.summary ?? groupSummaries[first] ?? first;
  return [
    {
      after: '',
      words: [
        ...firsts.map((text) => ({ text, summary: summaryOf(text) })),
        { text: '--help', summary: 'say what there is' },
        { text: '--version', summary: 'print the version' },
      ],
      isCommand: false,
    },
    ...groups.map((group) => ({
      after: group,
      words: commands
        .filter(({ name }) => name.startsWith(`${group} `))
        .map(({ name, summary }) => ({ text: name.slice(group.length + 1), summary })),
      isCommand: false,
    })),
    ...commands.map((command) => ({
      after: command.name,
      words: [
        ...command.args.flatMap(({ choices = [], summary }) => choices.map((text) => ({ text, summary }))),
        ...Object.entries(optionsOf(command)).map(([name, { summary }]) => ({ text: `--${name}`, summary })),
      ],
      isCommand: true,
    })),
  ];
}

/** Every option that has a value, with what its values may be. */
function valuedOptions(commands: readonly Command[]): [string, readonly string[]][] {
  const all = new Map<string, Set<string>>();
  for (const [name, option] of commands.flatMap((one): [string, Option][] =>
    Object.entries(optionsOf(one)),
  )) {
    if (option.type === 'boolean') continue;
    const names = [`--${name}`, ...(option.short === undefined ? [] : [`-${option.short}`])];
    for (const one of names) all.set(one, new Set([...(all.get(one) ?? []), ...(option.choices ?? [])]));
  }
  return [...all].map(([name, choices]) => [name, [...choices]]);
}

const texts = (words: readonly Word[]) => words.map(({ text }) => text).join(' ');

/** What both kinds of shell script share: the names typed so far in `names`, the option before in `previous`. */
function cases(
  commands: readonly Command[],
  offer: (words: readonly Word[]) => string,
  none: string,
): string[] {
  const valued = valuedOptions(commands);
  const free = valued.filter(([, choices]) => choices.length === 0).map(([name]) => name);
  return [
    '  case "$previous" in',
    ...valued
      .filter(([, choices]) => choices.length > 0)
      .map(
        ([name, choices]) =>
          `    ${name}) ${offer(choices.map((text) => ({ text, summary: '' })))} return ;;`,
      ),
    `    ${free.join('|')}) ${none} return ;;`,
    '  esac',
    '  case "$names" in',
    ...placesOf(commands).map(
      ({ after, words, isCommand }) =>
        `    ${isCommand ? `"${after}"|"${after} "*` : `"${after}"`}) ${offer(words)} ;;`,
    ),
    '  esac',
  ];
}

function bashScript(commands: readonly Command[]): string {
  const valued = valuedOptions(commands).map(([name]) => name);
  return `${[
    '_postrider() {',
    '  local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" names="" offered="" index',
    '  for ((index = 1; index < COMP_CWORD; index++)); do',
    '    case "${COMP_WORDS[index]}" in',
    `      ${valued.join('|')}) index=$((index + 1)) ;;`,
    '      -*) ;;',
    '      *) names="${names:+$names }${COMP_WORDS[index]}" ;;',
    '    esac',
    '  done',
    '  COMPREPLY=()',
    ...cases(
      commands,
      (words) => `offered="${texts(words)}"; COMPREPLY=($(compgen -W "$offered" -- "$current"));`,
      'compopt -o default 2>/dev/null;',
    ),
    '}',
    'complete -F _postrider postrider',
  ].join('\n')}\n`;
}

function zshScript(commands: readonly Command[]): string {
  const valued = valuedOptions(commands).map(([name]) => name);
  const quoted = ({ text, summary }: Word) =>
    `'${text.replaceAll(':', '\\:')}${summary === '' ? '' : `:${summary.replaceAll("'", "'\\''")}`}'`;
  return `${[
    '#compdef postrider',
    '_postrider() {',
    '  local previous="${words[CURRENT-1]}" names="" index',
    '  local -a offered',
    '  for ((index = 2; index < CURRENT; index++)); do',
    '    case "${words[index]}" in',
    `      ${valued.join('|')}) index=$((index + 1)) ;;`,
    '      -*) ;;',
    '      *) names="${names:+$names }${words[index]}" ;;',
    '    esac',
    '  done',
    ...cases(
      commands,
      (words) => `offered=(${words.map(quoted).join(' ')}); _describe postrider offered;`,
      '_files;',
    ),
    '}',
    'if [ "$funcstack[1]" = "_postrider" ]; then _postrider; else compdef _postrider postrider; fi',
  ].join('\n')}\n`;
}

function fishScript(commands: readonly Command[]): string {
  const quoted = (text: string) => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
  const valued = valuedOptions(commands).map(([name]) => name);
  return `${[
    'function __postrider_at',
    '  set -l names',
    '  set -l skips 0',
    '  for word in (commandline -opc)[2..-1]',
    '    if test $skips = 1',
    '      set skips 0',
    `    else if contains -- $word ${valued.join(' ')}`,
    '      set skips 1',
    "    else if not string match -q -- '-*' $word",
    '      set -a names $word',
    '    end',
    '  end',
    '  set -l typed (string join " " -- $names)',
    '  test "$typed" = "$argv[1]"; and return 0',
    '  test (count $argv) -gt 1; and string match -q -- "$argv[1] *" $typed',
    'end',
    'complete -c postrider -f',
    ...placesOf(commands).flatMap(({ after, words, isCommand }) => {
      const at = `-n ${quoted(`__postrider_at "${after}"${isCommand ? ' more' : ''}`)}`;
      return words
        .filter(({ text }) => !text.startsWith('--'))
        .map(({ text, summary }) => `complete -c postrider ${at} -a ${quoted(text)} -d ${quoted(summary)}`);
    }),
    ...commands.flatMap((command) => {
      const at = `-n ${quoted(`__postrider_at "${command.name}" more`)}`;
      return Object.entries(optionsOf(command)).map(
        ([name, { short, type, choices, summary }]: [string, Option]) =>
          [
            `complete -c postrider ${at} -l ${name}`,
            ...(short === undefined ? [] : [`-s ${short}`]),
            ...(type === 'boolean'
              ? []
              : [choices === undefined ? '-r -F' : `-x -a ${quoted(choices.join(' '))}`]),
            `-d ${quoted(summary)}`,
          ].join(' '),
      );
    }),
  ].join('\n')}\n`;
}
