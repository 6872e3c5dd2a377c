import { once } from 'node:events';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, inject, onTestFinished, test } from 'vitest';
import { clockFinding, type Finding } from '../../cli/doctor/finding.ts';
import { checkNode, checkSettings } from '../../cli/doctor/settings.ts';
import { parseConfig } from '../../config.ts';
import { generateEncryptionKey } from '../../db/encryption.ts';
import { openStorage } from '../../storage.ts';
import { startTestPostrider, type TestPostrider, testSettings } from '../setup/postrider.ts';
import { postrider as runPostrider } from './run.ts';

/** What `doctor --json` finds with these settings. */
async function doctor(env: Record<string, string>): Promise<{ code: number; findings: Finding[] }> {
  const { code, out, err } = await runPostrider(['doctor', '--json'], { env });
  expect(err).toBe('');
  const { ok, findings } = JSON.parse(out);
  expect(ok).toBe(code === 0);
  for (const { level, advice } of findings as Finding[]) {
    if (level === 'warning' || level === 'problem') expect(advice).toMatch(/./);
  }
  return { code, findings };
}

/** The tests' PostgreSQL does not flush, which is quicker, and which the doctor does not like. */
const isUnsafe = Boolean(process.env.TEST_DATABASE_URL);
const unsafe = 'database: fsync is off: what was acknowledged is lost when the machine goes down';

const problems = (findings: readonly Finding[]) =>
  findings
    .filter(({ level }) => level === 'problem')
    .map(({ check, detail }) => `${check}: ${detail}`)
    .filter((problem) => problem !== unsafe);

const nowhere = { POSTRIDER_URL: 'http://127.0.0.1:9' };

describe('with a Postrider that runs', () => {
  let running: TestPostrider;
  let env: Record<string, string>;
  beforeAll(async () => {
    running = await startTestPostrider();
    const { config } = running;
    env = {
      POSTRIDER_URL: running.apiUrl(),
      HOST: '127.0.0.1',
      DATA_DIR: config.DATA_DIR,
      TEMPORAL_ADDRESS: inject('temporalAddress'),
      TEMPORAL_TASK_QUEUE: config.TEMPORAL_TASK_QUEUE,
      ...(config.DATABASE_URL === undefined
        ? {}
        : { DATABASE_URL: config.DATABASE_URL, ENCRYPTION_KEY: config.ENCRYPTION_KEY ?? '' }),
    };
  });
  afterAll(() => running.close());

  test('finds all in order, and tells it in a line', async () => {
    const { code, findings } = await doctor(env);
    expect(problems(findings)).toEqual([]);
    expect(code).toBe(isUnsafe ? 1 : 0);
    const fine = new Set(findings.filter(({ level }) => level === 'ok').map(({ check }) => check));
    for (const check of [
      'node',
      'settings',
      'postrider',
      'temporal',
      'namespace',
      'search attributes',
      'task queue',
      'sweep',
    ]) {
      expect(fine, check).toContain(check);
    }
    const { out } = await runPostrider(['doctor'], { env });
    expect(out).toMatch(/\d problems, \d+ warnings; \d+ checks are in order\n$/);
  });

  test('finds that nobody polls the task queue that the settings name', async () => {
    const { code, findings } = await doctor({ ...env, TEMPORAL_TASK_QUEUE: 'of-nobody' });
    expect(code).toBe(1);
    expect(problems(findings)).toEqual(['task queue: nobody polls of-nobody for workflows and activities']);
  });

  test('finds what is wrong with Temporal', async () => {
    const missing = await doctor({ ...env, TEMPORAL_NAMESPACE: 'not-there' });
    expect(problems(missing.findings)).toEqual(['namespace: Temporal has no namespace not-there.']);
    const closed = await doctor({ ...env, TEMPORAL_ADDRESS: '127.0.0.1:9' });
    expect(problems(closed.findings)).toEqual(['temporal: Temporal does not answer at 127.0.0.1:9']);
  });

  test.runIf(process.env.TEST_DATABASE_URL)('finds what is in the database and should not be', async () => {
    const storage = await openStorage(running.config, {
      folder: '',
      poolSize: 2,
      log: pino({ level: 'silent' }),
    });
    const { id } = await running.createWebhook({ url: 'http://127.0.0.1:8999/', events: ['doctor.test'] });
    try {
      await running.request('POST', `/v1/webhooks/${id}/disable`, { reason: 'for the test' });
      const { findings } = await doctor(env);
      expect(findings).toContainEqual(
        expect.objectContaining({
          check: 'endpoints',
          level: 'warning',
          advice: expect.stringContaining(`enable ${id}`),
        }),
      );
      const wrongKey = await doctor({ ...env, ENCRYPTION_KEY: generateEncryptionKey() });
      expect(wrongKey.code).toBe(1);
      expect(problems(wrongKey.findings)).toEqual([
        expect.stringMatching(/^encryption key: secrets that key \w+ has sealed cannot be opened/),
      ]);
      await storage.database.db.execute(
        sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('later', ${Date.UTC(2100, 0, 1)})`,
      );
      const later = await doctor(env);
      expect(problems(later.findings)).toEqual([
        expect.stringMatching(/^schema: the database has the schema of a newer version/),
      ]);
    } finally {
      await storage.database.close();
    }
  });
});

describe('with a Postrider that does not run', () => {
  test('a set-up that could start has no problem, and nothing is made', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'postrider-doctor-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    const { code, findings } = await doctor({ ...nowhere, DATA_DIR: join(folder, 'data'), PORT: '0' });
    expect(problems(findings)).toEqual([]);
    expect(code).toBe(0);
    expect(findings).toContainEqual(
      expect.objectContaining({ detail: expect.stringContaining('will be made at the first start') }),
    );
  });

  test.runIf(!process.env.TEST_DATABASE_URL)(
    'looks into an embedded database, which others may read',
    { timeout: 60_000 },
    async () => {
      const { env, remove } = await testSettings();
      onTestFinished(remove);
      const { DATA_DIR: folder } = parseConfig(env);
      await chmod(folder, 0o755);
      const { findings } = await doctor({ ...env, ...nowhere });
      expect(problems(findings)).toEqual([]);
      expect(findings).toEqual(
        expect.arrayContaining([
          expect.objectContaining({ check: 'data folder', level: 'warning', advice: `chmod 700 ${folder}` }),
          { check: 'schema', level: 'ok', detail: 'is this version’s' },
          { check: 'encryption key', level: 'ok', detail: 'will be made at the first start' },
          { check: 'deliveries', level: 'ok', detail: 'none is overdue' },
        ]),
      );
    },
  );

  test('finds a port that another program has, and a data folder that is a file', async () => {
    const server = createServer((socket) => socket.end('no HTTP')).listen(0, '127.0.0.1');
    onTestFinished(() => void server.close());
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    const folder = await mkdtemp(join(tmpdir(), 'postrider-doctor-'));
    onTestFinished(() => rm(folder, { recursive: true }));
    await writeFile(join(folder, 'file'), '');
    const { code, findings } = await doctor({ ...nowhere, PORT: `${port}`, DATA_DIR: join(folder, 'file') });
    expect(code).toBe(1);
    expect(problems(findings)).toEqual([
      expect.stringMatching(new RegExp(`^ports: PORT ${port} on 127.0.0.1 cannot be listened on`)),
      expect.stringMatching(/^data folder: .* is a file/),
    ]);
  });

  test('finds a database that cannot be reached, without its password', async () => {
    const { code, findings } = await doctor({
      ...nowhere,
      PORT: '0',
      DATABASE_URL: 'postgres://someone:password-4711@127.0.0.1:9/none',
      ENCRYPTION_KEY: generateEncryptionKey(),
      TEMPORAL_ADDRESS: inject('temporalAddress'),
    });
    expect(code).toBe(1);
    expect(problems(findings)).toEqual(['database: The database is not available (ECONNREFUSED)']);
    expect(JSON.stringify(findings)).not.toContain('4711');
  });
});

describe('settings', () => {
  test('that do not do are each a problem, by the name, without the value of a secret', () => {
    const { config, findings } = checkSettings({
      PORT: 'x',
      ENCRYPTION_KEY: 'secret-4711',
      DATABASE_URL: 'mysql://a',
    });
    expect(config).toBeUndefined();
    expect(problems(findings)).toEqual([
      expect.stringMatching(/^settings: PORT must be/),
      expect.stringMatching(/^settings: DATABASE_URL must be/),
      expect.stringMatching(/^settings: ENCRYPTION_KEY must be/),
    ]);
    expect(JSON.stringify(findings)).not.toContain('4711');
  });

  test.each([
    [
      'a name that is nearly one',
      { TEMPORAL_ADRESS: 'a:1' },
      'TEMPORAL_ADRESS is no setting: did you mean TEMPORAL_ADDRESS?',
    ],
    ['a key that can be guessed', { ADMIN_API_KEY: 'short' }, 'ADMIN_API_KEY is short enough to be guessed'],
    [
      'a schedule for tests',
      { SCHEDULE_SCALE: '0.1' },
      'SCHEDULE_SCALE is 0.1: retries do not keep the documented schedule',
    ],
  ])('%s is a warning', (_, env, detail) => {
    const { config, findings } = checkSettings(env);
    expect(config).toBeDefined();
    expect(findings).toEqual([expect.objectContaining({ level: 'warning', detail })]);
  });

  test('variables of other programs are none of ours', () => {
    const env = {
      TEMPORAL_TLS_CA: 'x',
      TEMPORAL_PROFILE: 'x',
      DATABASE_POOL: '5',
      PUBLIC_KEY: 'x',
      HOSTNAME: 'x',
    };
    expect(checkSettings(env).findings).toEqual([{ check: 'settings', level: 'ok', detail: 'they do' }]);
  });

  test('Node older than 20.19 is a problem', () => {
    expect(checkNode('20.18.3')).toMatchObject([{ level: 'problem' }]);
    expect(checkNode('22.1.0')).toMatchObject([{ level: 'ok' }]);
  });
});

test('a clock is told by how far it is off', () => {
  const levelOf = (theirs: number) => clockFinding('clock', theirs, [100_000, 100_500], 0).level;
  expect([100_200, 99_000, 102_400].map(levelOf)).toEqual(['ok', 'ok', 'ok']);
  expect([97_000, 104_000].map(levelOf)).toEqual(['warning', 'warning']);
  expect([10_000, 300_000].map(levelOf)).toEqual(['problem', 'problem']);
});
