import { describe, expect, it } from 'vitest';
import { helpText, parseCommandLine, UsageError } from '../../bench/command-line.ts';
import { planOf } from '../../bench/plan.ts';
import { scenarios } from '../../bench/scenarios.ts';

const parse = (...argv: string[]) => {
  const options = parseCommandLine(argv);
  if (options === 'help') throw new Error('it asked for help');
  return options;
};

describe('the command line', () => {
  it('asks for everything when it says nothing', () => {
    const options = parse();
    expect(options.scenarios).toEqual(scenarios);
    expect(options.variants).toEqual(['embedded', 'server']);
    expect(options).toMatchObject({ seconds: 20, warmUpSeconds: 5, repeat: 1, measuresLimit: true });
  });

  it('chooses scenarios by name and by star, in their own order and each once', () => {
    const names = (...argv: string[]) => parse(...argv).scenarios.map(({ name }) => name);
    expect(names('--scenario', 'saturation-64')).toEqual(['saturation-64']);
    expect(names('--scenario', 'saturation-64,rate-*', '--scenario', 'rate-50')).toEqual([
      'rate-20',
      'rate-50',
      'rate-200',
      'rate-500',
      'saturation-64',
    ]);
  });

  it('takes numbers, settings and what is left out', () => {
    expect(
      parse(
        '--seconds',
        '3',
        '--warm-up',
        '0',
        '--repeat',
        '2',
        '--no-limit',
        '--set',
        'EVENTS_PER_WORKFLOW=1',
      ),
    ).toMatchObject({
      seconds: 3,
      warmUpSeconds: 0,
      repeat: 2,
      measuresLimit: false,
      settings: { EVENTS_PER_WORKFLOW: '1' },
    });
    expect(parse('--temporal', 'history.x=20', '--temporal', 'y=a=b').dynamicConfig).toEqual({
      'history.x': 20,
      y: 'a=b',
    });
  });

  it('is refused, with the reason, when it is not understood', () => {
    for (const [argv, reason] of [
      [['--scenario', 'saturation-65'], /no scenario "saturation-65"; there are .*saturation-64/],
      [['--variant', 'cloud'], /no variant "cloud"; there are embedded, server/],
      [['--seconds', '0'], /--seconds must be/],
      [['--repeat', 'often'], /--repeat must be/],
      [['--set', 'NAME'], /--set must be name=value/],
      [['--fast'], /--fast/],
      [['saturation-64'], /saturation-64/],
    ] as const) {
      expect(() => parseCommandLine(argv), argv.join(' ')).toThrow(UsageError);
      expect(() => parseCommandLine(argv), argv.join(' ')).toThrow(reason);
    }
  });

  it('gives help, which names every scenario', () => {
    expect(parseCommandLine(['--help'])).toBe('help');
    expect(parseCommandLine(['--list'])).toBe('help');
    for (const { name } of scenarios) expect(helpText).toContain(name);
  });
});

describe('the plan', () => {
  const stepsOf = (...argv: string[]) =>
    planOf(parse(...argv)).steps.map(({ name, variant }) => `${name}, ${variant}`);

  it('measures a limit before the first that is held against it, once a round', () => {
    expect(
      stepsOf('--scenario', 'rate-50,saturation-*,fan-out-10', '--variant', 'server', '--repeat', '2'),
    ).toEqual(
      [1, 2].flatMap(() => [
        'rate-50, server',
        'limit 1 → 1, server',
        'saturation-64, server',
        'saturation-256, server',
        'limit 1 → 10, server',
        'fan-out-10, server',
      ]),
    );
  });

  it('leaves the limit out when told', () => {
    expect(stepsOf('--scenario', 'saturation-64', '--no-limit')).toEqual([
      'saturation-64, embedded',
      'saturation-64, server',
    ]);
  });

  it('tells how long it takes: more for more', () => {
    const seconds = (...argv: string[]) => planOf(parse(...argv)).seconds;
    const one = seconds('--scenario', 'rate-50', '--variant', 'server', '--seconds', '20');
    expect(one).toBeGreaterThan(20);
    expect(seconds('--scenario', 'rate-50', '--variant', 'server', '--seconds', '30')).toBe(one + 10);
    expect(seconds('--scenario', 'rate-50', '--variant', 'server', '--repeat', '3')).toBe(one * 3);
  });
});
