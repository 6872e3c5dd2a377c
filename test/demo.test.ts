import { type ChildProcess, spawn } from 'node:child_process';
import { afterEach, describe, expect, test } from 'vitest';

const runMs = 180_000;

interface Demo {
  child: ChildProcess;
  /** What it has printed so far. */
  said: () => string;
  /** Resolves once it has printed that. */
  says: (pattern: RegExp) => Promise<void>;
  /** Resolves with its exit code. */
  ended: Promise<number | null>;
}

const running = new Set<ChildProcess>();
afterEach(() => {
  for (const child of running) child.kill('SIGTERM');
});

/** Runs the demo as a user does. */
function runDemo(...args: string[]): Demo {
  const child = spawn('npm', ['run', 'demo', '--', ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  running.add(child);
  let said = '';
  const waiting: { pattern: RegExp; resolve: () => void }[] = [];
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      for (const { pattern, resolve } of waiting) if (pattern.test(said)) resolve();
    });
  }
  const ended = new Promise<number | null>((resolve) =>
    child.once('close', (code) => {
      running.delete(child);
      resolve(code);
    }),
  );
  const says = (pattern: RegExp) => new Promise<void>((resolve) => waiting.push({ pattern, resolve }));
  return { child, said: () => said, says, ended };
}

/** The lines of the table under "Deliveries", without its head, cut into cells. */
function tableOf(said: string): string[][] {
  const [, after = ''] = said.split('\nDeliveries\n');
  const [table = ''] = after.split('\n\n');
  return table
    .split('\n')
    .slice(1)
    .map((line) => line.trim().split(/ {2,}/));
}

const seconds = '\\d+\\.\\d s';

describe('npm run demo', { timeout: runMs }, () => {
  test('delivers the example events of every document and ends with 0', async () => {
    const demo = runDemo();
    expect(await demo.ended, demo.said()).toBe(0);

    const rows = tableOf(demo.said());
    const generated = expect.stringMatching(/^evt_[0-9a-z]{26}$/);
    const row = (id: unknown, type: string, webhook: string, attempts: unknown) => [
      id,
      type,
      webhook,
      'succeeded',
      attempts,
      'yes',
    ];
    const failedTwice = expect.stringMatching(`^500 → ${seconds} → 500 → ${seconds} → 200$`);
    const timedOut = expect.stringMatching(`^timeout → ${seconds} → 200$`);
    expect(rows).toEqual([
      row('evt_1234567890', 'message.delivered', 'inbox', '200'),
      row('evt_1234567891', 'message.read', 'inbox', '200'),
      row('evt_1234567892', 'message.failed', 'inbox', '200'),
      row('evt_1234567893', 'message.action', 'inbox, answers 500 twice', failedTwice),
      row(generated, 'message.received', 'inbox-components', '200'),
      row(generated, 'message.sent', 'inbox-components', '200'),
      row(generated, 'newMessage', 'omnichannel, times out once', timedOut),
      row(generated, 'inbox.messages', 'app-inbox', '200'),
    ]);
    expect(demo.said().match(/\/namespaces\/default\/workflows\/deliver%2Fevt_/g)).toHaveLength(8);
  });

  test('ends with 1 and says why when the receiver cannot verify what it gets', async () => {
    const demo = runDemo('--wrong-secret');
    expect(await demo.ended, demo.said()).toBe(1);
    expect(demo.said()).toContain(
      "wrong: message.delivered (evt_1234567890): the document's verifySignature refuses it",
    );
    expect(demo.said()).toMatch(/wrong: newMessage \(evt_\w+\): standardwebhooks refuses it/);
    expect(tableOf(demo.said()).map((cells) => cells.at(-1))).toEqual(Array(8).fill('NO'));
  });

  test('with --keep it stays to be looked at until Ctrl-C, with the addresses and the key', async () => {
    const demo = runDemo('--keep');
    await Promise.race([demo.says(/^ {2}API key .+\n/m), demo.ended]);
    const address = addressesIn(demo.said());
    const events = await fetch(`${address.API}/v1/events`, {
      headers: { authorization: `Bearer ${address['API key']}` },
    });
    expect(((await events.json()) as { data: unknown[] }).data).toHaveLength(8);
    const page = /http\S+\/workflows\/deliver%2Fevt_\w+/.exec(demo.said())?.[0] ?? '';
    expect(page.startsWith(address['Temporal UI'] ?? '?')).toBe(true);
    expect((await fetch(page)).status).toBe(200);

    demo.child.kill('SIGINT');
    expect(await demo.ended, demo.said()).toBe(0);
    await expect(fetch(`${address.API}/healthz`)).rejects.toThrow();
    await expect(fetch(page)).rejects.toThrow();
  });
});

function addressesIn(said: string): Record<string, string> {
  const [, after = ''] = said.split('Still running, until Ctrl-C:\n');
  return Object.fromEntries(
    after.split('\n').flatMap((line) => {
      const [, name, value] = /^ {2}(\S.*?) {2,}(\S+)$/.exec(line) ?? [];
      return name === undefined || value === undefined ? [] : [[name, value]];
    }),
  );
}
