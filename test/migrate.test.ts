import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { parseConfig } from '../config.ts';
import { openDataFolder } from '../data-folder.ts';
import { SchemaTooNew } from '../db/migrate.ts';
import { migrate } from '../migrate.ts';
import { openStorage } from '../storage.ts';
import { testSettings } from './setup/postrider.ts';

const startScript = fileURLToPath(new URL('../scripts/start.js', import.meta.url));
const migrations = readdirSync('db/migrations').filter((file) => file.endsWith('.sql'));

let settings: Awaited<ReturnType<typeof testSettings>>;
afterEach(() => settings.remove());

const open = () => {
  const config = parseConfig(settings.env);
  return openStorage(config, { folder: config.DATA_DIR, poolSize: 2, log: pino({ level: 'silent' }) });
};

/** `npm start` with an argument: what Postrider said and how it ended. */
async function run(...args: string[]) {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [startScript, ...args], {
    env: { PATH, HOME, ...settings.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    out += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    err += text;
  });
  const [code] = await once(child, 'close');
  // What was being compiled is told as well.
  return { code, said: out.split('\n').filter((line) => /schema/.test(line)), err };
}

/** As a later version leaves it. */
async function migrateByLaterVersion() {
  const { database } = await open();
  await database.db.execute(
    sql`insert into drizzle.__drizzle_migrations (hash, created_at) values ('later', ${Date.UTC(2100, 0, 1)})`,
  );
  await database.close();
}

test('a database is brought to the schema once, and has it the next time', async () => {
  settings = await testSettings('empty');
  const said: string[] = [];
  for (let time = 0; time < 2; time += 1) await migrate(parseConfig(settings.env), (line) => said.push(line));
  expect(said).toEqual([
    `The database has this version's schema now (migrations applied: ${migrations.length}).`,
    "The database has this version's schema already.",
  ]);
});

test('a database with the schema of a later version is left alone, and the message says what to do', async () => {
  settings = await testSettings();
  await migrateByLaterVersion();
  const opening = open();
  await expect(opening).rejects.toThrow(SchemaTooNew);
  await expect(opening).rejects.toThrow(
    /newer version of Postrider \(of 2100-01-01T00:00Z; .* start that version or a later one, or restore a backup/,
  );
});

test('an embedded database is not migrated while Postrider has it', async () => {
  settings = await testSettings('empty');
  const { DATABASE_URL: _url, ...embedded } = settings.env;
  const config = parseConfig(embedded);
  const folder = await openDataFolder(config.DATA_DIR);
  await expect(migrate(config, () => {})).rejects.toThrow('in use');
  folder.release();
});

describe.runIf(process.env.TEST_DATABASE_URL)('as processes, on PostgreSQL', () => {
  test('several that migrate at once do it once, and an older version does not start afterwards', async () => {
    settings = await testSettings('empty');
    const runs = await Promise.all([run('migrate'), run('migrate'), run('migrate')]);
    expect(runs.map(({ code, err }) => ({ code, err }))).toEqual(runs.map(() => ({ code: 0, err: '' })));
    expect(runs.flatMap(({ said }) => said).sort()).toEqual([
      ...new Array(2).fill("The database has this version's schema already."),
      `The database has this version's schema now (migrations applied: ${migrations.length}).`,
    ]);

    await migrateByLaterVersion();
    for (const command of ['migrate', 'api', 'worker']) {
      const { code, said, err } = await run(command);
      expect({ code, said, lines: err.match(/\n/g)?.length }).toEqual({ code: 1, said: [], lines: 1 });
      expect(err).toContain('postrider: the database has the schema of a newer version of Postrider');
    }
  }, 60_000);
});
