import { existsSync, readFileSync } from 'node:fs';
import type { Config } from '../../config.ts';
import type { DataFolder } from '../../data-folder.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { createSealer } from '../../db/encryption.ts';
import { findUnwellEndpoints } from '../../db/inspection.ts';
import { countMissingMigrations } from '../../db/migrate.ts';
import { findSealedSamples } from '../../db/reseal.ts';
import { findStanding } from '../../db/standing.ts';
import { encryptionKeyFile } from '../../storage.ts';
import { type Finding, findingsOf, messageOf } from './finding.ts';

const patienceMs = 5_000;
/** The sweep looks every 5 s: later than this, nobody works. */
const overdueMs = 60_000;
const mostNamed = 5;

/** What is in the database: whether its secrets can be opened, and what is not as it should be. It has this version's schema, or none of it is looked at. */
export async function checkStored(
  config: Config,
  database: OpenDatabase,
  { folder, isRunning }: { folder: DataFolder | undefined; isRunning: boolean },
): Promise<Finding[]> {
  try {
    if ((await countMissingMigrations(database)) > 0) return [];
    return [
      ...(await checkEncryptionKey(config, database, folder)),
      ...(await checkDeliveries(database, isRunning)),
      ...(await checkEndpoints(database)),
    ];
  } catch (error) {
    // A schema that is too new has been told.
    if (error instanceof Error && error.name === 'SchemaTooNew') return [];
    return [findingsOf('database').problem(messageOf(error), 'look at the database’s log')];
  }
}

async function checkEncryptionKey(
  config: Config,
  { db }: OpenDatabase,
  folder: DataFolder | undefined,
): Promise<Finding[]> {
  const finding = findingsOf('encryption key');
  const samples = await findSealedSamples(db);
  const file = folder === undefined ? undefined : encryptionKeyFile(folder.path);
  const keys =
    config.ENCRYPTION_KEY ??
    (file !== undefined && existsSync(file) ? readFileSync(file, 'utf8').trim() : undefined);
  if (keys === undefined) {
    if (samples.length === 0) return [finding.ok('will be made at the first start')];
    return [
      finding.problem(
        `${file} is missing, and secrets are sealed with it`,
        'put it back from a backup of the data folder',
      ),
    ];
  }
  const sealer = createSealer(keys);
  const unreadable = samples.filter(({ sealed, webhook_id }) => {
    try {
      sealer.open(sealed, webhook_id);
      return false;
    } catch {
      return true;
    }
  });
  if (unreadable.length > 0) {
    const ids = unreadable.map(({ key_id }) => key_id).join(', ');
    return [
      finding.problem(
        `secrets that key ${ids} has sealed cannot be opened; what is given is ${sealer.keyId}`,
        'set ENCRYPTION_KEY to "new,old", with every key still in use (README.md, Settings)',
      ),
    ];
  }
  const older = samples.filter(({ key_id }) => key_id !== sealer.keyId).length;
  return [
    finding.ok(`${sealer.keyId} opens what is stored`),
    ...(older === 0 ? [] : [finding.note('some is sealed with an older key: npm run rotate-encryption-key')]),
  ];
}

async function checkDeliveries({ db }: OpenDatabase, isRunning: boolean): Promise<Finding[]> {
  const finding = findingsOf('deliveries');
  const { lag_ms, due, held } = await findStanding(db, patienceMs);
  const notes = held === 0 ? [] : [finding.note(`${held} are held for endpoints that are disabled`)];
  if (due === 0 || lag_ms < overdueMs)
    return [finding.ok(due === 0 ? 'none is overdue' : `${due} are due`), ...notes];
  const detail = `${due} are overdue, the first for ${Math.round(lag_ms / 1000)} s`;
  const advice = isRunning
    ? 'look at task queue and sweep here, at the workers’ logs, and whether there are enough of them'
    : 'start a worker: postrider start worker';
  return [finding.problem(detail, advice), ...notes];
}

async function checkEndpoints({ db }: OpenDatabase): Promise<Finding[]> {
  const finding = findingsOf('endpoints');
  const unwell = await findUnwellEndpoints(db, mostNamed + 1);
  if (unwell.length === 0) return [finding.ok('all are healthy')];
  return [
    ...unwell
      .slice(0, mostNamed)
      .map(({ id, state, reason }) =>
        finding.warning(
          `${id} is ${state}${reason === null ? '' : `: ${reason}`}`,
          state === 'failing'
            ? `postrider webhooks logs ${id} says what it answers`
            : `mend it, then postrider webhooks enable ${id}`,
        ),
      ),
    ...(unwell.length > mostNamed ? [finding.note('and more: the dashboard lists them all')] : []),
  ];
}
