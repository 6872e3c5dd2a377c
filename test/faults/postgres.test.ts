import type pg from 'pg';
import { expect, it, onTestFinished } from 'vitest';
import type { Books } from './rig/books.ts';
import { answerMs, awayMs, timeoutMs } from './rig/form.ts';
import { serversOfTests } from './rig/servers.ts';
import { type System, startServerSystem } from './rig/system.ts';
import { type Trial, tryFault } from './rig/trial.ts';

/** Few, so that they can be used up. */
const mostConnections = 40;

const servers = serversOfTests({ max_connections: `${mostConnections}` });

/** A fault of the database: nothing is repeated, and each event is answered 202, or 503 within two seconds. */
async function tryWithoutPostgres(
  name: string,
  fault: (trial: Trial) => Promise<void>,
  startedSystem?: System,
): Promise<Books> {
  const system = startedSystem ?? (await startServerSystem(servers));
  onTestFinished(system.close);
  const { books } = await tryFault(name, system, {
    repeats: 'none',
    hurt: (trial) => trial.interruptions.during(() => fault(trial)),
  });
  expect(books).toMatchObject({ otherwise: 0, unanswered: 0, repeated: 0 });
  expect(books.slowestAnswerMs).toBeLessThan(answerMs);
  return books;
}

/** While PostgreSQL is away: refused soon, and told when to come back. */
async function isRefused({ system }: Trial): Promise<void> {
  const askedAt = performance.now();
  const { status, headers, json } = await system.request('POST', '/v1/events', {
    type: 'nobody.asked',
    data: {},
  });
  expect(performance.now() - askedAt).toBeLessThan(answerMs);
  expect({ status, code: json.code }).toEqual({ status: 503, code: 'database_unavailable' });
  expect(Number(headers.get('retry-after'))).toBeGreaterThan(0);
}

it.each(['fast', 'immediate'] as const)(
  'postgres-%s: PostgreSQL stopped so and started again loses nothing and repeats nothing',
  { timeout: timeoutMs },
  async (how) => {
    await tryWithoutPostgres(`postgres-${how}`, async () => {
      await servers.postgres.stop(how);
      await servers.postgres.start();
    });
  },
);

it('postgres-gone: with PostgreSQL gone for 20 s events are refused within 2 s, and taken in when it is back', {
  timeout: timeoutMs,
}, async () => {
  const books = await tryWithoutPostgres('postgres-gone', async (trial) => {
    await servers.postgres.stop('fast');
    await isRefused(trial);
    await trial.wait(awayMs(20));
    await isRefused(trial);
    await servers.postgres.start();
  });
  expect(books.refused).toBeGreaterThan(0);
});

it('postgres-cut: connections that are cut, again and again, lose nothing and repeat nothing', {
  timeout: timeoutMs,
}, async () => {
  await tryWithoutPostgres('postgres-cut', async ({ wait }) => {
    const admin = await servers.postgres.connect();
    for (let cut = 0; cut < 5; cut += 1) {
      await cutOthers(admin);
      await wait(awayMs(20) / 5);
    }
    await admin.end();
  });
});

it('postgres-full: when every connection is somebody else’s, events are refused within 2 s', {
  timeout: timeoutMs,
}, async () => {
  const books = await tryWithoutPostgres('postgres-full', async (trial) => {
    const admin = await servers.postgres.connect();
    const others = await takeAllConnections(admin);
    // One of Postrider's that was only beginning was in no list.
    const isTakenIn = () => trial.system.request('GET', '/v1/webhooks').then(({ status }) => status === 200);
    while (await isTakenIn()) others.push(...(await takeAllConnections(admin)));
    await isRefused(trial);
    await trial.wait(awayMs(10));
    await Promise.all(others.map((other) => other.end()));
    await admin.end();
  });
  expect(books.refused).toBeGreaterThan(0);
});

it('postgres-hung: when PostgreSQL hangs, events are refused within 2 s, and taken in when it goes on', {
  timeout: timeoutMs,
}, async () => {
  const books = await tryWithoutPostgres('postgres-hung', async (trial) => {
    servers.postgres.hang();
    await isRefused(trial);
    await trial.wait(awayMs(20));
    await isRefused(trial);
    servers.postgres.goOn();
  });
  expect(books.refused).toBeGreaterThan(0);
});

it('postgres-locked: when no transaction ends, the queue fills up, and what is too much is refused within 2 s', {
  timeout: timeoutMs,
}, async () => {
  const system = await startServerSystem(servers);
  const books = await tryWithoutPostgres(
    'postgres-locked',
    async (trial) => {
      const locker = await servers.postgres.connect(system.databaseUrl);
      await locker.query('begin');
      await locker.query('lock table events, deliveries in access exclusive mode');
      await isRefused(trial);
      await trial.wait(awayMs(20));
      await isRefused(trial);
      await locker.query('commit');
      await locker.end();
    },
    system,
  );
  expect(books.refused).toBeGreaterThan(0);
});

/** Ends every connection but the one that asks. */
async function cutOthers(admin: pg.Client): Promise<void> {
  await admin.query(`select pg_terminate_backend(pid) from pg_stat_activity
    where backend_type = 'client backend' and pid <> pg_backend_pid()`);
}

/** Takes connections, and those of others from them, until there is none left. */
async function takeAllConnections(admin: pg.Client): Promise<pg.Client[]> {
  const mine: pg.Client[] = [];
  for (;;) {
    try {
      mine.push(await servers.postgres.connect());
    } catch {
      const others = await admin.query(`select pid from pg_stat_activity
        where backend_type = 'client backend' and application_name = 'postrider'`);
      if (others.rowCount === 0) return mine;
      await admin.query(`select pg_terminate_backend(pid) from unnest($1::int[]) as pid`, [
        others.rows.map(({ pid }) => pid),
      ]);
    }
  }
}
