import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';

const runMs = 180_000;

/** Runs the command as a user does, to its end. */
async function bench(...args: string[]) {
  const out = mkdtempSync(join(tmpdir(), 'postrider-bench-test-'));
  onTestFinished(() => rmSync(out, { recursive: true, force: true }));
  const child = spawn('npm', ['run', 'bench', '--', ...args, '--out', out], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGTERM'));
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  const code = await new Promise((resolve) => child.once('close', resolve));
  const read = (ending: string) =>
    readdirSync(out)
      .filter((name) => name.endsWith(ending))
      .map((name) => readFileSync(join(out, name), 'utf8'));
  return { code, said, json: read('.json'), svg: read('.svg') };
}

describe('npm run bench', { timeout: runMs }, () => {
  it('measures the embedded variant, closes its ledger and writes what it found', async () => {
    const { code, said, json, svg } = await bench(
      ...['--scenario', 'rate-20', '--variant', 'embedded'],
      ...['--seconds', '2', '--warm-up', '1'],
    );
    expect(code, said).toBe(0);
    expect(said).toMatch(/Steps: 1\. About 1 min/);
    expect(said).toMatch(/40 events sent, 40 acknowledged; 40 deliveries due, 40 arrived, 0 twice, 0 lost/);
    expect(said).toMatch(/^rate-20 +embedded /m);

    const [result] = json.map((text) => JSON.parse(text));
    expect(result.runs).toHaveLength(1);
    const [run] = result.runs;
    expect(run).toMatchObject({ scenario: 'rate-20', variant: 'embedded', ending: 'all arrived' });
    expect(run.ledger).toMatchObject({
      sent: 40,
      acknowledged: 40,
      due: 40,
      arrived: 40,
      lost: 0,
      unexpected: 0,
    });
    expect(run.ledger.arrival.p50).toBeGreaterThan(0);
    if (process.platform === 'linux') {
      for (const group of ['postrider', 'temporal', 'load', 'sink']) {
        expect(run.measured.groups[group].peakMemoryBytes, group).toBeGreaterThan(10e6);
      }
    }
    expect(svg).toHaveLength(1);
    expect(svg[0]).toContain('rate-20, embedded');
  });

  it('gives help, and says what it does not understand', async () => {
    const help = await bench('--help');
    expect(help).toMatchObject({ code: 0, json: [] });
    expect(help.said).toContain('--scenario');
    const wrong = await bench('--scenario', 'none');
    expect(wrong).toMatchObject({ code: 2, json: [] });
    expect(wrong.said).toContain('there is no scenario "none"');
  });
});
