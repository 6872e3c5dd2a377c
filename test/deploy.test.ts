import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import { settings } from '../config.ts';
import { findPromtool, promtoolAdvice } from '../scripts/find-promtool.js';
import { createMeters } from '../telemetry/meters.ts';

const read = (file: string) => readFileSync(new URL(`../${file}`, import.meta.url), 'utf8');
const rules: { alert: string; expr: string }[] = parse(read('deploy/prometheus/alerts.yml')).groups[0].rules;
const operations = read('docs/operations.md');

function promtool(...args: string[]): string {
  const program = findPromtool();
  if (program === undefined) throw new Error(promtoolAdvice);
  return execFileSync(program, args, { encoding: 'utf8', stdio: 'pipe' });
}

test('each alert fires when it should and not before, as promtool tells', () => {
  expect(promtool('test', 'rules', 'deploy/prometheus/alerts.test.yml')).toContain('SUCCESS');
  const tests: { alert_rule_test: { alertname: string; exp_alerts: unknown[] }[] }[] = parse(
    read('deploy/prometheus/alerts.test.yml'),
  ).tests;
  const tried = tests.flatMap(({ alert_rule_test }) => alert_rule_test);
  for (const { alert } of rules) {
    const own = tried.filter(({ alertname }) => alertname === alert);
    expect(new Set(own.map(({ exp_alerts }) => exp_alerts.length)), alert).toEqual(new Set([0, 1]));
  }
});

test('every query of the dashboard is one, as promtool tells', () => {
  const { panels } = JSON.parse(read('deploy/grafana/postrider.json'));
  const queries: string[] = panels.flatMap(({ targets = [] }: { targets?: { expr: string }[] }) =>
    targets.map(({ expr }) => expr.replaceAll('$__rate_interval', '5m').replaceAll('$instance', '.*')),
  );
  expect(queries.length).toBeGreaterThan(20);
  const folder = mkdtempSync(join(tmpdir(), 'postrider-deploy-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'rules.yml');
  const asRules = queries.map((expr, index) => ({ record: `query_${index}`, expr }));
  writeFileSync(file, JSON.stringify({ groups: [{ name: 'dashboard', rules: asRules }] }));
  expect(promtool('check', 'rules', file)).toContain(`SUCCESS: ${queries.length} rules found`);
});

test('the dashboard shows every metric that operations.md names', () => {
  const shown = read('deploy/grafana/postrider.json');
  const named = new Set([...operations.matchAll(/`(postrider_[a-z_]+)/g)].map(([, name = '']) => name));
  // Either there is a database, or there is an alert.
  named.delete('postrider_database_up');
  expect([...named].filter((name) => !shown.includes(name))).toEqual([]);
});

test('operations.md says of each setting when it is wanted, and knows no other', () => {
  const [, table = ''] = operations.split(/^## .*$/m);
  const named = [...table.matchAll(/^\| (`[A-Z_`, ]+`) \|/gm)].flatMap(([, names = '']) =>
    names.replaceAll('`', '').split(', '),
  );
  expect(named.sort()).toEqual(Object.keys(settings).sort());
});

test('operations.md says of each alert what to do, and knows no other', () => {
  const named = [...operations.matchAll(/^\| `(Postrider\w+)`/gm)].map(([, name]) => name);
  expect(new Set(named)).toEqual(new Set(rules.map(({ alert }) => alert)));
});

test('operations.md names every metric of ours, and no other', () => {
  const { registry } = createMeters({ process: '0', version: '1' });
  const ofDatabase = [...read('telemetry/standing-meters.ts').matchAll(/'(postrider_\w+)'/g)].map(
    ([, name]) => name,
  );
  const ours = [
    ...registry.getMetricsAsArray().map(({ name }) => name),
    ...ofDatabase,
    'postrider_process_up',
  ];
  const named = [...operations.matchAll(/`(postrider_[a-z_]+)/g)].map(([, name]) => name);
  expect(new Set(named)).toEqual(new Set(ours));
});
