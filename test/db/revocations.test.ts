import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { createAccount } from '../../db/accounts.ts';
import { createApiKey, revokeApiKey } from '../../db/api-keys.ts';
import { type OpenDatabase, selectRows } from '../../db/database.ts';
import { newId } from '../../db/ids.ts';
import { listenForRevocations } from '../../db/revocations.ts';
import { openTestDatabase } from '../setup/database.ts';
import { waitFor } from '../setup/wait-for.ts';

const server = process.env.TEST_DATABASE_URL;
const log = pino({ level: 'silent' });

let database: OpenDatabase;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database.close());

async function urlOf(through?: number) {
  const [row] = await selectRows<{ name: string }>(database.db, sql`select current_database() as name`);
  const url = new URL(server ?? '');
  url.pathname = `/${row?.name}`;
  if (through !== undefined) url.port = `${through}`;
  return url.href;
}

async function listen(url: string, silentMs?: number) {
  const heard = listenForRevocations({ url, log, ...(silentMs === undefined ? {} : { silentMs }) });
  onTestFinished(heard.close);
  let times = 0;
  heard.listen(() => {
    times += 1;
  });
  await waitFor(async () => heard.areHeard() || undefined, 'it to listen');
  return { ...heard, times: () => times };
}

async function revoke() {
  const { db } = database;
  const account = await createAccount(db, 'Revokes');
  const actor = { kind: 'api_key' as const, id: newId('key') };
  const { id } = await createApiKey(db, account.id, 'For a while', actor);
  expect(await revokeApiKey(db, account.id, id, { actor, now: new Date() })).toBe('revoked');
}

test('to revoke takes a process that listens, or none', () => revoke());

describe.runIf(server)('what is revoked', () => {
  test('is heard by every process', async () => {
    const all = [await listen(await urlOf()), await listen(await urlOf())];
    const before = all.map(({ times }) => times());
    await revoke();
    await waitFor(
      async () => all.every(({ times }, n) => times() === (before[n] ?? 0) + 1) || undefined,
      'both to hear it',
    );
  });

  test('is known not to be heard once the connection is cut; then it is made again, and all that was missed counts as told', async () => {
    const one = await listen(await urlOf());
    const before = one.times();
    const wasLost = waitFor(async () => !one.areHeard() || undefined, 'the loss');
    await database.db.execute(sql`select pg_terminate_backend(pid) from pg_stat_activity
      where application_name = 'postrider revocations' and datname = current_database()`);
    await wasLost;
    await revoke();
    await waitFor(async () => one.areHeard() || undefined, 'the next connection');
    expect(one.times()).toBe(before + 1);
    await revoke();
    await waitFor(async () => one.times() === before + 2 || undefined, 'the next revocation');
  });

  test('is known not to be heard once the network is silent, though nothing is cut', async () => {
    const sockets: Socket[] = [];
    const proxy = createServer((from) => {
      const to = connect(Number(new URL(server ?? '').port), '127.0.0.1');
      sockets.push(from, to);
      from.on('error', () => {}).pipe(to);
      to.on('error', () => {}).pipe(from);
    }).listen(0, '127.0.0.1');
    onTestFinished(() => {
      for (const socket of sockets) socket.destroy();
      proxy.close();
    });
    await once(proxy, 'listening');
    const one = await listen(await urlOf((proxy.address() as AddressInfo).port), 600);
    const silent = sockets.splice(0);
    for (const socket of silent) socket.unpipe().pause();
    await waitFor(async () => !one.areHeard() || undefined, 'the silence to be noticed');
    const before = one.times();
    await waitFor(async () => one.areHeard() || undefined, 'another connection');
    expect(one.times()).toBe(before + 1);
    for (const socket of silent) socket.destroy();
  });
});
