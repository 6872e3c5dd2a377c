import { execFileSync } from 'node:child_process';
import { createHmac, randomUUID } from 'node:crypto';
import { cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { generateEncryptionKey } from '../../db/encryption.ts';
import { findPostgres } from '../../scripts/find-postgres.js';
import { startReceiver } from '../setup/receiver.ts';
import { waitFor } from '../setup/wait-for.ts';
import { serversOfTests } from './rig/servers.ts';
import { type System, startEmbeddedSystem, startServerSystem } from './rig/system.ts';

const timeoutMs = 120_000;
const events = 20;

/** What was going on when the backup was made: deliveries that had ended, some that retry, and some that are held. */
async function workOf(system: System) {
  const answers = { good: 200, ill: 500, held: 500 };
  const receivers = {
    good: await startReceiver(() => answers.good),
    ill: await startReceiver(() => answers.ill),
    held: await startReceiver(() => answers.held),
  };
  for (const receiver of Object.values(receivers)) onTestFinished(receiver.close);
  const secrets: Record<string, string> = {};
  const ids: Record<string, string> = {};
  for (const [name, { url }] of Object.entries(receivers)) {
    // Every 2 s, by the scale of these tests.
    const retry_schedule = { delays_ms: [0, ...new Array(29).fill(100_000)] };
    const webhook = { url, events: [`backup.${name}`], retry_schedule };
    const { status, json } = await system.request('POST', '/v1/webhooks', webhook);
    expect(status).toBe(201);
    secrets[name] = json.secret;
    ids[name] = json.id;
  }
  await system.request('POST', `/v1/webhooks/${ids.held}/disable`);
  const post = async (name: string) => {
    const { status } = await system.request('POST', '/v1/events', { type: `backup.${name}`, data: { name } });
    expect(status).toBe(202);
  };
  for (let event = 0; event < events; event += 1) for (const name of Object.keys(receivers)) await post(name);
  await receivers.good.gets(events);
  await receivers.ill.gets(events);

  const counted = async (of: System, status: string) =>
    (await of.request('GET', `/v1/deliveries?status=${status}&limit=100`)).json.data.length;
  await waitFor(
    async () => (await counted(system, 'succeeded')) === events || undefined,
    'the deliveries to be recorded',
  );
  return {
    /** Something that happens after the backup, and is lost with what it was made from. */
    async goesOn() {
      await post('good');
      await receivers.good.gets(events + 1);
    },
    /** From now on every receiver takes what it gets. */
    allAreWell() {
      answers.ill = 200;
      answers.held = 200;
    },
    /** What was owed goes out, signed with the same secrets; what had ended does not go out again. */
    async isGoneOnWith(restored: System, since: number) {
      expect(await counted(restored, 'held')).toBe(events);
      await waitFor(
        async () => (await counted(restored, 'pending')) === 0 || undefined,
        'what was pending to go out',
      );
      const tookMs = Date.now() - since;
      const delivered = receivers.ill.received.filter(({ at }) => at > since);
      expect(new Set(delivered.map(({ headers }) => headers['webhook-id'])).size).toBe(events);
      await restored.request('POST', `/v1/webhooks/${ids.held}/enable`);
      await receivers.held.gets(events);
      for (const [name, { received }] of Object.entries(receivers)) {
        for (const { body, headers } of received) {
          const signature = createHmac('sha256', secrets[name] ?? '')
            .update(body)
            .digest('hex');
          expect(headers['x-inbox-signature']).toBe(`sha256=${signature}`);
        }
      }
      expect(receivers.good.received.length).toBe(events + 1);
      // Without the one that came after the backup.
      await waitFor(
        async () => (await counted(restored, 'succeeded')) === 3 * events || undefined,
        'everything to have succeeded',
      );
      return tookMs;
    },
  };
}

const tell = (what: string, tookMs: number) =>
  process.stdout.write(`${what}: all that was owed had gone out ${tookMs} ms after the start\n`);

describe('on PostgreSQL', () => {
  const servers = serversOfTests();

  /** Runs one of PostgreSQL's own: beside the server, or else from PATH. */
  function program(name: string, ...args: string[]) {
    const besideServer = join(findPostgres()?.folder ?? '', name);
    execFileSync(existsSync(besideServer) ? besideServer : name, args, { stdio: 'pipe' });
  }

  it.each([
    [
      'restore-postgres: a dump made while all runs is restored beside an empty Temporal, and what it owes goes out',
      true,
    ],
    [
      'restore-again: a dump is restored beside the Temporal that has gone on since, and what it owes goes out',
      false,
    ],
  ])('%s', { timeout: timeoutMs }, async (title, isEmptied) => {
    const settings = {
      ENCRYPTION_KEY: generateEncryptionKey(),
      TEMPORAL_TASK_QUEUE: `restored-${randomUUID()}`,
    };
    const system = await startServerSystem({ ...servers, settings });
    onTestFinished(system.close);
    const work = await workOf(system);
    const folder = mkdtempSync(join(tmpdir(), 'postrider-backup-'));
    onTestFinished(() => rmSync(folder, { recursive: true }));
    const dump = join(folder, 'postrider.dump');
    program('pg_dump', '--format=custom', `--file=${dump}`, system.databaseUrl);
    await work.goesOn();

    for (const process of system.processes) await process.kill();
    work.allAreWell();
    if (isEmptied) {
      await servers.temporal.kill();
      await servers.temporal.empty();
      await servers.temporal.start();
    }
    const DATABASE_URL = await servers.postgres.createDatabase(`restored_${isEmptied ? 'fresh' : 'beside'}`);
    program('pg_restore', '--exit-on-error', '--no-owner', `--dbname=${DATABASE_URL}`, dump);
    const since = Date.now();
    const restored = await startServerSystem({ ...servers, settings: { ...settings, DATABASE_URL } });
    onTestFinished(restored.close);
    tell(title.slice(0, title.indexOf(':')), await work.isGoneOnWith(restored, since));
  });
});

describe('with everything in one process', () => {
  it('restore-embedded: a copy of the data folder is put back, keys and all, and what it owes goes out', {
    timeout: timeoutMs,
  }, async () => {
    const system = await startEmbeddedSystem();
    onTestFinished(system.close);
    const [process] = system.processes;
    const work = await workOf(system);
    const backup = mkdtempSync(join(tmpdir(), 'postrider-backup-'));
    onTestFinished(() => rmSync(backup, { recursive: true }));
    expect(await process?.stop()).toBe('exit code 0');
    cpSync(system.folder, backup, { recursive: true });
    await process?.start();
    await work.goesOn();

    await process?.kill();
    work.allAreWell();
    rmSync(system.folder, { recursive: true });
    cpSync(backup, system.folder, { recursive: true });
    const since = Date.now();
    await process?.start();
    tell('restore-embedded', await work.isGoneOnWith(system, since));
  });
});
