import type { Config } from '../../config.ts';
import { isPortFree } from '../../temporal/free-ports.ts';
import { clockFinding, type Finding, findingsOf } from './finding.ts';

const patienceMs = 3_000;

/** What answers where Postrider should. */
export type Running = 'postrider' | 'nothing' | 'something else';

/** The Postrider at the address, and what it says of itself. */
export async function checkRunning(url: string): Promise<{ running: Running; findings: Finding[] }> {
  const finding = findingsOf('postrider');
  const before = Date.now();
  const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(patienceMs) }).catch(
    () => undefined,
  );
  if (answer === undefined) return { running: 'nothing', findings: [finding.note(`none answers at ${url}`)] };
  const text = await answer.text().catch(() => '');
  if (text.startsWith('Postrider is starting')) {
    return { running: 'postrider', findings: [finding.note(`it is starting at ${url}`)] };
  }
  const checks = checksIn(text);
  if (checks === undefined) {
    const advice = 'say where Postrider is with --url, or give it another PORT';
    return {
      running: 'something else',
      findings: [finding.problem(`something else answers at ${url}`, advice)],
    };
  }
  const failing = Object.entries(checks).filter(([, { ok }]) => !ok);
  // The header has whole seconds.
  const at = Date.parse(answer.headers.get('date') ?? '');
  const clock = Number.isNaN(at) ? [] : [clockFinding('clock of postrider', at, [before, Date.now()], 1_000)];
  return {
    running: 'postrider',
    findings: [
      ...(failing.length === 0 ? [finding.ok(`it is ready at ${url}`)] : []),
      ...failing.map(([name, { detail }]) =>
        finding.problem(
          `it runs, but ${name} does not: ${detail ?? 'not available'}`,
          `look at what is said of ${name} here, and at its log`,
        ),
      ),
      ...clock,
    ],
  };
}

function checksIn(text: string): Record<string, { ok: boolean; detail?: string }> | undefined {
  try {
    const { checks } = JSON.parse(text) as { checks?: unknown };
    return typeof checks === 'object' && checks !== null
      ? (checks as Record<string, { ok: boolean; detail?: string }>)
      : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a start here would get its ports; those of a Postrider that runs are its own. */
export async function checkPorts(config: Config, running: Running): Promise<Finding[]> {
  if (running === 'postrider') return [];
  const finding = findingsOf('ports');
  const wanted: [string, number | undefined, string][] = [
    ['PORT', config.PORT === 0 ? undefined : config.PORT, config.HOST],
    ['METRICS_PORT', config.METRICS_PORT, config.HOST],
    ...(config.TEMPORAL_ADDRESS === undefined
      ? ([
          ['TEMPORAL_PORT', config.TEMPORAL_PORT, '127.0.0.1'],
          ['TEMPORAL_UI_PORT', config.TEMPORAL_UI_PORT, '127.0.0.1'],
        ] as [string, number | undefined, string][])
      : []),
  ];
  const findings: Finding[] = [];
  for (const [setting, port, host] of wanted) {
    if (port === undefined) continue;
    if (await isPortFree(host, port)) findings.push(finding.ok(`${setting} ${port} is free`));
    else {
      const advice = `stop what has it, or set ${setting} to another`;
      findings.push(
        finding.problem(
          `${setting} ${port} on ${host} cannot be listened on: it is in use, or not ours`,
          advice,
        ),
      );
    }
  }
  return findings;
}
