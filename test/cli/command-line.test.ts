import { execFileSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { commands } from '../../cli/registry.ts';
import { tableLines } from '../../cli/table.ts';
import { deliveryStatuses } from '../../db/schema.ts';
import { profileNames } from '../../webhook/profiles.ts';
import { postrider } from './run.ts';

const groups = [...new Set(commands.map(({ name }) => name.split(' ')[0] ?? ''))].filter(
  (first) => !commands.some(({ name }) => name === first),
);
const pages = [[], ...groups.map((group) => [group]), ...commands.map(({ name }) => name.split(' '))];

describe('help', () => {
  test.each(pages.map((page) => [page.join(' '), page] as const))(
    'of %j fits one screen',
    async (_, page) => {
      const { code, out, err } = await postrider([...page, '--help']);
      expect({ code, err }).toEqual({ code: 0, err: '' });
      const lines = out.trimEnd().split('\n');
      expect(lines.length).toBeLessThanOrEqual(23);
      for (const line of lines) expect([...line].length, line).toBeLessThanOrEqual(80);
    },
  );

  test('names every command, and every option of each', async () => {
    const { out } = await postrider(['--help']);
    for (const { name } of commands) expect(out).toMatch(new RegExp(`^  ${name.split(' ')[0]} `, 'm'));
    for (const { name, options, args, asksApi } of commands) {
      const help = (await postrider([...name.split(' '), '-h'])).out;
      for (const option of Object.keys(options)) expect(help, name).toContain(`--${option}`);
      for (const { name: argument } of args) expect(help).toContain(`<${argument}>`);
      expect(help.includes('--api-key'), name).toBe(asksApi);
    }
  });

  test('offers the statuses and profiles that there are', () => {
    const choicesOf = (name: string, option: string) =>
      commands.find((one) => one.name === name)?.options[option]?.choices;
    const statuses = choicesOf('deliveries list', 'status');
    expect([...(statuses ?? [])].sort()).toEqual([...deliveryStatuses, 'failing'].sort());
    expect(choicesOf('webhooks create', 'profile')).toEqual(profileNames);
  });

  test('is printed where a command is missing, on standard error and with exit code 2', async () => {
    for (const argv of [[], ['webhooks'], ['deliveries', '--json']]) {
      const { code, out, err } = await postrider(argv);
      expect({ code, out }).toEqual({ code: 2, out: '' });
      expect(err).toMatch(/^usage: postrider/);
    }
  });
});

describe('a command line that is not understood is one line, and exit code 2', () => {
  const key = { POSTRIDER_API_KEY: 'pk_1' };
  test.each([
    ['a command that there is not', ['frobnicate'], 'there is no command "frobnicate": see postrider --help'],
    ['one nearly right', ['webhook', 'list'], 'there is no command "webhook": did you mean webhooks?'],
    [
      'one of a group',
      ['webhooks', 'lst'],
      'there is no command "webhooks lst": did you mean webhooks list?',
    ],
    ['an argument too few', ['webhooks', 'show'], '<id> is missing: see postrider webhooks show --help'],
    [
      'one too many',
      ['webhooks', 'show', 'wh_1', 'x'],
      '"x" is too much: see postrider webhooks show --help',
    ],
    [
      'an option that there is not',
      ['send', 'a', '--dta', '{}'],
      'there is no option --dta: see postrider send --help',
    ],
    [
      'an option without its value',
      ['webhooks', 'list', '-n'],
      'the option --limit needs a value: see postrider webhooks list --help',
    ],
    [
      'a value that is not wanted',
      ['send', 'a', '--wait=1'],
      'the option --wait takes no value: see postrider send --help',
    ],
    ['a limit', ['webhooks', 'list', '-n', 'all'], '--limit must be a number, 1 at least'],
    ['data that is no JSON', ['send', 'a', '-d', '{'], /^--data is not JSON: /],
    ['data that is no object', ['send', 'a', '-d', '[1]'], '--data must be a JSON object'],
    ['a time', ['deliveries', 'list', '--since', 'yesterday'], /^--since must be a time such as .*2h/],
    ['a URL', ['webhooks', 'list', '--url', 'localhost'], /^--url .* must be an http/],
    ['a part', ['start', 'all'], 'start takes api, worker, both, not "all"'],
    ['neither a URL nor --pull', ['webhooks', 'create', '-e', 'a'], /^give its <url>, or --pull/],
    ['a deletion that nobody confirmed', ['webhooks', 'delete', 'wh_1'], /give --yes/],
  ] as const)('%s', async (_, argv, message) => {
    const { code, out, err } = await postrider(argv, { env: key });
    expect({ code, out, lines: err.split('\n').length }).toEqual({ code: 2, out: '', lines: 2 });
    const said = err.trimEnd().replace(/^postrider: /, '');
    if (typeof message === 'string') expect(said).toBe(message);
    else expect(said).toMatch(message);
  });

  test('a key that is missing', async () => {
    expect(await postrider(['webhooks', 'list'])).toEqual({
      code: 2,
      out: '',
      err: 'postrider: there is no API key: set POSTRIDER_API_KEY, or give --api-key\n',
    });
  });
});

test('an API that cannot be reached is one line without the key, and exit code 1', async () => {
  const argv = ['webhooks', 'list', '--url', 'http://127.0.0.1:9', '--api-key', 'pk_4711'];
  const { code, out, err } = await postrider(argv);
  expect({ code, out }).toEqual({ code: 1, out: '' });
  expect(err).toMatch(/^postrider: the API cannot be reached \(.*\): is Postrider running there\?.*\n$/);
  expect(err).not.toContain('4711');
});

test('options may stand before the command', async () => {
  const { code, err } = await postrider(['--url', 'http://127.0.0.1:9', '--json', 'webhooks', 'show']);
  expect({ code, err }).toEqual({
    code: 2,
    err: 'postrider: <id> is missing: see postrider webhooks show --help\n',
  });
});

test('a table shows what a terminal would obey as �, and is cut to the terminal’s width', () => {
  const columns = [{ heading: 'TEXT', text: (text: string) => text }];
  const rows = ['\u001b[2Jgone', 'two\nlines', '\u202eright to left'];
  expect(tableLines(columns, rows, undefined)).toEqual(['TEXT', '�[2Jgone', 'two lines', '�right to left']);
  expect(tableLines(columns, ['0123456789'], 6)).toEqual(['TEXT', '01234…']);
});

describe('completion', () => {
  /** What bash offers after these words, the last of which is being typed. */
  async function offeredByBash(...words: string[]): Promise<string[]> {
    const { out: script } = await postrider(['completion', 'bash']);
    const quoted = ['postrider', ...words].map((word) => `'${word}'`).join(' ');
    const asking = `${script}\nCOMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _postrider; printf '%s\\n' "\${COMPREPLY[@]}"`;
    const out = execFileSync('bash', ['--noprofile', '--norc', '-c', asking], { encoding: 'utf8' });
    return out.split('\n').filter((word) => word !== '');
  }

  test('in bash offers commands, those of a group, options and choices', async () => {
    expect(await offeredByBash('')).toEqual(expect.arrayContaining(['start', 'webhooks', '--help']));
    expect(await offeredByBash('w')).toEqual(['webhooks']);
    expect(await offeredByBash('webhooks', 're')).toEqual(['recover']);
    expect(await offeredByBash('--url', 'http://a', 'webhooks', 'ro')).toEqual(['rotate-secret']);
    expect(await offeredByBash('deliveries', 'list', '--st')).toEqual(['--status']);
    expect((await offeredByBash('deliveries', 'list', '--status', 'f')).sort()).toEqual(
      ['failing', 'failed'].sort(),
    );
    expect(await offeredByBash('webhooks', 'show', 'wh_1', '--j')).toEqual(['--json']);
    expect(await offeredByBash('start', 'w')).toEqual(['worker']);
  });

  test('names every command and option for zsh and fish, too', async () => {
    for (const shell of ['zsh', 'fish']) {
      const { code, out } = await postrider(['completion', shell]);
      expect(code).toBe(0);
      for (const { name, options } of commands) {
        expect(out).toContain(name);
        for (const option of Object.keys(options)) expect(out).toContain(option);
      }
    }
    expect((await postrider(['completion', 'tcsh'])).err).toMatch(/bash, zsh, fish, not for "tcsh"/);
  });
});
