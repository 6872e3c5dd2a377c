import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { newId } from '../../db/ids.ts';
import {
  type DevelopmentServer,
  DevelopmentServerFailed,
  type DevelopmentServerOptions,
  startDevelopmentServer,
} from '../../temporal/development-server.ts';
import { findTemporalCli } from '../../temporal/find-cli.ts';
import { isPortFree } from '../../temporal/free-ports.ts';
import { pidFileOf, writePidFile } from '../../temporal/orphan.ts';
import { searchAttributes, searchAttributesOf } from '../../temporal/search-attributes.ts';
import { compileChild, startChild } from '../children/run-child.ts';
import { lastingPorts } from '../setup/lasting-ports.ts';
import { isRunning, runningInGroup } from './processes.ts';

let cli: string;
const namespace = 'postrider-test';
beforeAll(
  async () => {
    cli = await findTemporalCli({ env: process.env, report: (line) => process.stderr.write(`${line}\n`) });
  },
  // Go may have to build it.
  15 * 60_000,
);

const goneWithin = { timeout: 10_000, interval: 50 };

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'postrider-temporal-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

async function start(options: Partial<DevelopmentServerOptions> = {}): Promise<DevelopmentServer> {
  const server = await startDevelopmentServer({
    cli,
    databaseFile: undefined,
    namespace,
    searchAttributes,
    log: () => {},
    ...options,
  });
  onTestFinished(() => server.stop());
  return server;
}

async function clientOf({ address }: { address: string }): Promise<Client> {
  const connection = await Connection.connect({ address });
  onTestFinished(() => connection.close());
  return new Client({ connection, namespace });
}

const portOf = ({ address }: { address: string }) => Number(address.split(':')[1]);

/** A program in the place of Temporal's. */
function fakeCli(script: string): string {
  const file = join(temporaryFolder(), 'temporal');
  writeFileSync(file, `#!/bin/sh\n${script}\n`);
  chmodSync(file, 0o755);
  return file;
}

test('once started, the namespace takes workflows with our search attributes, and the web page is there', async () => {
  const server = await start();
  const client = await clientOf(server);
  await client.workflow.start('anything', {
    taskQueue: 'nobody',
    workflowId: 'found',
    typedSearchAttributes: searchAttributesOf({
      event_ids: ['evt_1', 'evt_2'] as never,
      webhook_ids: ['wh_1'] as never,
      account_ids: ['acct_1'] as never,
    }),
  });
  const many = Array.from({ length: 500 }, () => newId('evt'));
  await client.workflow.start('anything', {
    taskQueue: 'nobody',
    workflowId: 'of many events',
    typedSearchAttributes: searchAttributesOf({
      event_ids: many.toReversed(),
      account_ids: ['acct_1'] as never,
    }),
  });
  const isFound = (query: string, times = 1) =>
    vi.waitFor(async () => expect((await client.workflow.count(query)).count).toBe(times), goneWithin);
  await isFound(`PostriderEvent = 'evt_2' AND PostriderWebhook = 'wh_1'`);
  for (const id of [many[0], many[250], many[499]]) {
    await isFound(`PostriderFirstEvent <= '${id}' AND PostriderLastEvent >= '${id}'`);
  }
  const after = newId('evt');
  await isFound(`PostriderFirstEvent <= '${after}' AND PostriderLastEvent >= '${after}'`, 0);
  expect((await fetch(server.uiUrl)).status).toBe(200);
});

test('stopping frees the port, and the next server goes on from the file', async () => {
  const databaseFile = join(temporaryFolder(), 'temporal.db');
  const first = await start({ databaseFile });
  const firstClient = await clientOf(first);
  await firstClient.workflow.start('anything', { taskQueue: 'nobody', workflowId: 'kept' });
  expect(readFileSync(pidFileOf(databaseFile), 'utf8').trim()).toBe(`${first.pid}`);

  await first.stop();
  expect(await first.exited).toBe('exit code 0');
  expect(isRunning(first.pid)).toBe(false);
  expect(await isPortFree('127.0.0.1', portOf(first))).toBe(true);
  expect(existsSync(pidFileOf(databaseFile))).toBe(false);

  const second = await start({ databaseFile });
  const { status } = await (await clientOf(second)).workflow.getHandle('kept').describe();
  expect(status.name).toBe('RUNNING');
});

test('search attributes that came after the file was made are added to it', async () => {
  const databaseFile = join(temporaryFolder(), 'temporal.db');
  await (await start({ databaseFile, searchAttributes: { PostriderEvent: 'KeywordList' } })).stop();
  const { connection } = await clientOf(await start({ databaseFile }));
  const { customAttributes } = await (connection as Connection).operatorService.listSearchAttributes({
    namespace,
  });
  expect(Object.keys(customAttributes).sort()).toEqual(Object.keys(searchAttributes).sort());
});

test('servers that start at the same time run side by side', async () => {
  const servers = await Promise.all([start(), start(), start()]);
  const ports = servers.flatMap((server) => [portOf(server), Number(new URL(server.uiUrl).port)]);
  expect(new Set(ports).size).toBe(6);
  for (const [index, server] of servers.entries()) {
    const client = await clientOf(server);
    await client.workflow.start('anything', { taskQueue: 'nobody', workflowId: `only-in-${index}` });
  }
  for (const server of servers) {
    const client = await clientOf(server);
    await vi.waitFor(async () => expect((await client.workflow.count()).count).toBe(1), goneWithin);
  }
});

test('a parent that is killed takes the server along, and the guard as well', async () => {
  const parent = startChild(await compileChild('run-development-server.ts'), [cli]);
  const server = JSON.parse(await parent.nextLine()) as { address: string; pid: number };
  expect(isRunning(server.pid)).toBe(true);
  expect(runningInGroup(server.pid)).toHaveLength(2);

  parent.process.kill('SIGKILL');
  await parent.exited;
  await vi.waitFor(() => expect(runningInGroup(server.pid)).toEqual([]), goneWithin);
  expect(await isPortFree('127.0.0.1', portOf(server))).toBe(true);
});

test('a server that was left on the same file, its guard killed too, is ended by the next start', async () => {
  const databaseFile = join(temporaryFolder(), 'temporal.db');
  const [port] = await lastingPorts(1);
  const parent = startChild(await compileChild('run-development-server.ts'), [cli, databaseFile, `${port}`]);
  const left = JSON.parse(await parent.nextLine()) as { address: string; pid: number };
  await (await clientOf(left)).workflow.start('anything', { taskQueue: 'nobody', workflowId: 'kept' });
  const guard = runningInGroup(left.pid).filter((pid) => pid !== left.pid);
  expect(guard).toHaveLength(1);
  process.kill(guard[0] as number, 'SIGKILL');
  parent.process.kill('SIGKILL');
  await parent.exited;
  expect(isRunning(left.pid)).toBe(true);

  const lines: string[] = [];
  const next = await start({ databaseFile, port: portOf(left), log: (line) => lines.push(line) });
  expect(isRunning(left.pid)).toBe(false);
  expect(portOf(next)).toBe(portOf(left));
  expect(lines[0]).toBe(`ending the Temporal server of an earlier run (process ${left.pid})`);
  const { status } = await (await clientOf(next)).workflow.getHandle('kept').describe();
  expect(status.name).toBe('RUNNING');
});

test('a process that merely has the number of an earlier server is left alone', async () => {
  const bystander = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  onTestFinished(() => {
    bystander.kill('SIGKILL');
  });
  const databaseFile = join(temporaryFolder(), 'temporal.db');
  writePidFile(databaseFile, bystander.pid as number);
  await start({ databaseFile });
  expect(isRunning(bystander.pid as number)).toBe(true);
});

test('a port that was asked for and is taken is named', async () => {
  const taken = createServer();
  await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => void taken.close());
  const { port } = taken.address() as { port: number };
  const failed = (options: Partial<DevelopmentServerOptions>) =>
    start(options).catch((error: unknown) => error);
  expect(await failed({ port })).toEqual(
    new DevelopmentServerFailed(`port ${port} (TEMPORAL_PORT) is in use`),
  );
  expect(await failed({ uiPort: port })).toEqual(
    new DevelopmentServerFailed(`port ${port} (TEMPORAL_UI_PORT) is in use`),
  );
});

test('a port that is lost between the look and the start is replaced by another', async () => {
  // Fails as the real one does the first time it is run.
  const tried = join(temporaryFolder(), 'tried');
  const fake = fakeCli(`
    if mkdir "${tried}"; then echo "Error: can't set frontend port 1: bind: address already in use" >&2; exit 1; fi
    exec "${cli}" "$@"
  `);
  await clientOf(await start({ cli: fake }));
});

test('what the server said is in the error when it ends at its start', async () => {
  const fake = fakeCli('echo "unable to open database file" >&2; exit 7');
  await expect(start({ cli: fake })).rejects.toThrow(
    new DevelopmentServerFailed(
      'the Temporal development server ended at its start (exit code 7); it said:\n  unable to open database file',
    ),
  );
});

test('a server that does not answer is ended', async () => {
  const pidFile = join(temporaryFolder(), 'pid');
  const fake = fakeCli(`echo $$ > "${pidFile}"; echo hello; exec sleep 600`);
  await expect(start({ cli: fake, readyMs: 1_000 })).rejects.toThrow(
    /^the Temporal development server did not answer within 1 s; it said:\n {2}hello$/,
  );
  expect(isRunning(Number(readFileSync(pidFile, 'utf8')))).toBe(false);
});

test("the user's settings for other Temporal servers do not reach this one", async () => {
  const fake = fakeCli('env | grep -c "^TEMPORAL_" ; env | grep "^KEPT"; exit 1');
  const env = {
    ...process.env,
    TEMPORAL_ADDRESS: 'elsewhere:7233',
    TEMPORAL_NAMESPACE: 'other',
    KEPT: 'yes',
  };
  await expect(start({ cli: fake, env })).rejects.toThrow(/it said:\n {2}0\n {2}KEPT=yes$/);
});
