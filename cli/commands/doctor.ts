import { command } from '../command.ts';
import type { Finding, Level } from '../doctor/finding.ts';
import { exitCodes } from '../failures.ts';
import type { Colour, Output } from '../output.ts';
import { oneLine } from '../table.ts';

export const doctorCommand = command({
  name: 'doctor',
  summary: 'find what is wrong with a set-up, and say what to do',
  details: [
    'Run it with the settings (environment) of the Postrider that it is about, on a',
    'machine of its kind. It changes nothing. Exit code 1 when there is a problem.',
  ],
  args: [],
  options: {
    all: { type: 'boolean', short: 'a', summary: 'tell also what is in order' },
    url: { type: 'string', value: '<url>', summary: 'where the API is, or would be [POSTRIDER_URL]' },
  },
  asksApi: false,
  canJson: true,
  async run({ options, env, url, json, out }) {
    const { examine } = await import('../doctor/examine.ts');
    const findings = await examine({ env, url });
    const count = (level: Level) => findings.filter((one) => one.level === level).length;
    const problems = count('problem');
    if (json) out.json({ ok: problems === 0, findings });
    else {
      for (const one of findings) if (options.all || one.level !== 'ok') tell(one, out);
      const [warnings, good] = [count('warning'), count('ok')];
      out.line(`${problems} problems, ${warnings} warnings; ${good} checks are in order`);
    }
    return problems === 0 ? exitCodes.done : exitCodes.failed;
  },
});

const marks: Record<Level, [string, Colour]> = {
  ok: ['ok', 'green'],
  note: ['note', 'dim'],
  warning: ['WARNING', 'yellow'],
  problem: ['PROBLEM', 'red'],
};

function tell({ check, level, detail, advice }: Finding, out: Output): void {
  const [mark, colour] = marks[level];
  out.line(`${out.paint(colour, mark.padEnd(7))}  ${check}: ${oneLine(detail)}`);
  if (advice !== undefined) out.line(`${' '.repeat(9)}→ ${oneLine(advice)}`);
}
