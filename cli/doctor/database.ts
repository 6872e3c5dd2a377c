import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from '../../config.ts';
import type { DataFolder } from '../../data-folder.ts';
import { type OpenDatabase, openEmbeddedDatabase, openServerDatabase } from '../../db/database.ts';
import { inspectServer } from '../../db/inspection.ts';
import { countMissingMigrations } from '../../db/migrate.ts';
import { clockFinding, type Finding, findingsOf, messageOf, within } from './finding.ts';

const patienceMs = 6_000;

/** The database opened for looking, where that can be; nothing in it is changed. */
export async function checkDatabase(
  config: Config,
  { folder, isRunning }: { folder: DataFolder | undefined; isRunning: boolean },
): Promise<{ database: OpenDatabase | undefined; findings: Finding[] }> {
  const finding = findingsOf('database');
  if (config.DATABASE_URL !== undefined) return checkServer(config.DATABASE_URL, config);
  const path = join(config.DATA_DIR, 'database');
  if (isRunning && folder === undefined) {
    return { database: undefined, findings: [finding.note('embedded: the Postrider that runs has it')] };
  }
  if (folder === undefined || !existsSync(join(path, 'PG_VERSION'))) {
    return { database: undefined, findings: [finding.note('embedded: it is not there yet')] };
  }
  try {
    const database = await openEmbeddedDatabase({ folder: path });
    return { database, findings: [finding.ok('embedded'), ...(await schemaFindings(database))] };
  } catch (error) {
    const advice = `restore ${path} from a backup, or start with another DATA_DIR`;
    return {
      database: undefined,
      findings: [finding.problem(`the embedded database cannot be opened: ${messageOf(error)}`, advice)],
    };
  }
}

async function checkServer(
  url: string,
  config: Config,
): Promise<{ database: OpenDatabase | undefined; findings: Finding[] }> {
  const finding = findingsOf('database');
  const database = openServerDatabase({ url, poolSize: 1, onIdleError: () => {} });
  try {
    const before = Date.now();
    const facts = await within(patienceMs, inspectServer(database.db));
    const clock = clockFinding('clock of database', facts.now_ms, [before, Date.now()], 0);
    const version = `${Math.floor(facts.version / 10_000)}.${facts.version % 10_000}`;
    const settings = ['fsync', 'full_page_writes', 'synchronous_commit'] as const;
    const unsafe = settings.filter((name) => facts[name] === 'off');
    const connections = 10 * config.PROCESSES + 5;
    const findings = [
      facts.version < 150_000
        ? finding.problem(`PostgreSQL ${version}`, 'upgrade it to 15 or later')
        : finding.ok(`PostgreSQL ${version}`),
      ...unsafe.map((name) =>
        finding.problem(
          `${name} is off: what was acknowledged is lost when the machine goes down`,
          `alter system set ${name} = on; select pg_reload_conf();`,
        ),
      ),
      ...(facts.is_standby
        ? [finding.problem('it is a standby, which takes no writes', 'let DATABASE_URL name the primary')]
        : []),
      ...(facts.may_create || facts.is_standby
        ? []
        : [
            finding.problem(
              'its user may not create tables, as every new day needs one',
              'grant create on schema public to that user',
            ),
          ]),
      ...(facts.max_connections < connections
        ? [
            finding.warning(
              `max_connections is ${facts.max_connections}; this one may want ${connections}`,
              'raise it, or set PROCESSES lower',
            ),
          ]
        : []),
      ...(facts.is_encrypted || isLocal(new URL(url).hostname)
        ? []
        : [
            finding.warning(
              'the connection is not encrypted: secrets are sealed, payloads are not',
              'add ?sslmode=verify-full to DATABASE_URL where the network is not yours alone',
            ),
          ]),
      clock,
      ...(await schemaFindings(database)),
    ];
    return { database, findings };
  } catch (error) {
    await database.close().catch(() => {});
    const advice = 'start PostgreSQL, and look at host, port, user, password and name in DATABASE_URL';
    return { database: undefined, findings: [finding.problem(messageOf(error), advice)] };
  }
}

async function schemaFindings(database: OpenDatabase): Promise<Finding[]> {
  const finding = findingsOf('schema');
  try {
    const missing = await countMissingMigrations(database);
    return missing === 0
      ? [finding.ok('is this version’s')]
      : [finding.note(`lacks ${missing} migrations: the next start, or postrider migrate, applies them`)];
  } catch (error) {
    return [finding.problem(messageOf(error), 'start the version that made it, or a later one')];
  }
}

export function isLocal(host: string): boolean {
  return host === '' || host === 'localhost' || host === '[::1]' || host === '::1' || /^127\./.test(host);
}
