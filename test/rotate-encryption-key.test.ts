import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { pino } from 'pino';
import { afterEach, describe, expect, test } from 'vitest';
import { type Config, parseConfig } from '../config.ts';
import { DataFolderInUse, openDataFolder } from '../data-folder.ts';
import { ensureFirstAccount } from '../db/accounts.ts';
import { createSealer, generateEncryptionKey, SecretUnreadable } from '../db/encryption.ts';
import type { WebhookId } from '../db/ids.ts';
import { webhookSecrets, webhooks } from '../db/schema.ts';
import { findCurrentSecret, rotateSecret } from '../db/webhook-secrets.ts';
import { createWebhook, deleteWebhook, findWebhook, updateWebhook } from '../db/webhooks.ts';
import { rotateEncryptionKey } from '../rotate-encryption-key.ts';
import { encryptionKeyFile, openStorage } from '../storage.ts';
import { clientCertificate } from './certificates/read.ts';
import { testSettings } from './setup/postrider.ts';

const isOnServer = Boolean(process.env.TEST_DATABASE_URL);
const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

async function settings(given: Record<string, string> = {}) {
  const { env, remove } = await testSettings();
  ends.push(remove);
  return { ...env, ...given };
}

const open = (config: Config) =>
  openStorage(config, { folder: config.DATA_DIR, poolSize: 3, log: pino({ level: 'silent' }) });

/** Opens the storage for as long as `use` takes. */
async function withStorage<T>(
  config: Config,
  use: (storage: Awaited<ReturnType<typeof open>>) => Promise<T>,
): Promise<T> {
  const storage = await open(config);
  try {
    return await use(storage);
  } finally {
    await storage.database.close();
  }
}

const secretOf = (index: number) => `whsec_${Buffer.alloc(32, index).toString('base64')}`;
const actor = { kind: 'postrider' } as const;
const headers = { 'X-Token': 'header-value' };
const auth = { type: 'basic', username: 'u', password: 'p' } as const;

/** Webhooks with all that is sealed: more than a batch of them, one rotated, one deleted. */
function fill(config: Config, count: number) {
  return withStorage(config, async ({ database: { db }, encryptionKey }) => {
    const sealer = createSealer(encryptionKey);
    const { account_id } = await ensureFirstAccount(db, {});
    const ids: WebhookId[] = [];
    for (let index = 0; index < count; index++) {
      const webhook = await createWebhook(
        db,
        sealer,
        {
          ...{ account_id, profile: 'inbox', secret: secretOf(index % 200), headers, auth, channels: null },
          ...{ url: 'https://receiver.test/', description: '', events: ['*'] },
          ...{ retry_schedule: null, timeout_ms: null, health: null, recovery_rate: 20 },
          ...{ rate_limit: null, max_in_flight: null, lapses_after_s: null },
          ...{ client_certificate: clientCertificate, server_ca: null },
          ...{ ordering: null, on_failure: 'skip' },
          ...{ filter: null, transformation: null },
        },
        actor,
      );
      ids.push(webhook.id);
    }
    const [rotated, deleted] = ids;
    if (rotated === undefined || deleted === undefined) throw new Error('too few webhooks');
    const choose = () => secretOf(201);
    await rotateSecret(db, sealer, account_id, rotated, { choose, overlapSeconds: 3_600, actor });
    await deleteWebhook(db, account_id, deleted, { actor, now: new Date() });
    return { account_id, ids, rotated, deleted };
  });
}

/** Of everything sealed in the database, how much that key alone opens. */
function opened(config: Config, key: string): Promise<{ opens: number; refuses: number }> {
  return withStorage(config, async ({ database: { db } }) => {
    const sealer = createSealer(key);
    const texts = [
      ...(await db.select().from(webhookSecrets)).map((row) => [row.sealed, row.webhook_id] as const),
      ...(await db.select().from(webhooks)).flatMap((row) => [
        [row.headers_sealed ?? '', row.id] as const,
        [row.auth_sealed ?? '', row.id] as const,
        [row.tls_sealed ?? '', row.id] as const,
      ]),
    ];
    const outcomes = texts.map(([sealed, id]) => {
      try {
        return sealer.open(sealed, id) !== '';
      } catch (error) {
        if (error instanceof SecretUnreadable) return false;
        throw error;
      }
    });
    return {
      opens: outcomes.filter(Boolean).length,
      refuses: outcomes.filter((isOpen) => !isOpen).length,
    };
  });
}

async function rotate(config: Config): Promise<string> {
  const lines: string[] = [];
  await rotateEncryptionKey(config, (line) => lines.push(line));
  return lines.join('\n');
}

describe('with ENCRYPTION_KEY="new,old"', () => {
  test('the new key then opens everything and the old one nothing; run again it changes nothing', async () => {
    const [oldKey, newKey] = [generateEncryptionKey(), generateEncryptionKey()];
    const env = await settings({ ENCRYPTION_KEY: oldKey });
    const { ids, account_id, rotated } = await fill(parseConfig(env), 205);
    const all = 206 + 3 * 205;
    expect(await opened(parseConfig(env), oldKey)).toEqual({ opens: all, refuses: 0 });

    const both = parseConfig({ ...env, ENCRYPTION_KEY: `${newKey},${oldKey}` });
    expect(await rotate(both)).toContain(`${all} stored secrets`);
    expect(await opened(both, newKey)).toEqual({ opens: all, refuses: 0 });
    expect(await opened(both, oldKey)).toEqual({ opens: 0, refuses: all });
    expect(await rotate(both)).toContain('0 stored secrets');

    const alone = parseConfig({ ...env, ENCRYPTION_KEY: newKey });
    await withStorage(alone, async ({ database: { db }, encryptionKey }) => {
      const sealer = createSealer(encryptionKey);
      const last = ids.at(-1) as WebhookId;
      expect(await findWebhook(db, sealer, account_id, last)).toMatchObject({
        headers,
        auth,
        client_certificate: clientCertificate,
      });
      expect(await findCurrentSecret(db, sealer, account_id, last)).toBe(secretOf(204 % 200));
      expect(await findCurrentSecret(db, sealer, account_id, rotated)).toBe(secretOf(201));
    });
  });

  test('refuses when a key is missing, says which, and a later run with it goes on', async () => {
    const [oldKey, newKey] = [generateEncryptionKey(), generateEncryptionKey()];
    const env = await settings({ ENCRYPTION_KEY: oldKey });
    await fill(parseConfig(env), 2);
    const missing = rotate(parseConfig({ ...env, ENCRYPTION_KEY: newKey }));
    await expect(missing).rejects.toThrow(createSealer(oldKey).keyId);
    expect(await opened(parseConfig(env), oldKey)).toEqual({ opens: 9, refuses: 0 });
    expect(await rotate(parseConfig({ ...env, ENCRYPTION_KEY: `${newKey},${oldKey}` }))).toContain(
      '9 stored',
    );
  });
});

if (isOnServer) {
  test('on PostgreSQL it runs beside changes, of which none is lost or undone', async () => {
    const [oldKey, newKey] = [generateEncryptionKey(), generateEncryptionKey()];
    const env = await settings({ ENCRYPTION_KEY: oldKey });
    const { ids, account_id } = await fill(parseConfig(env), 60);
    const both = parseConfig({ ...env, ENCRYPTION_KEY: `${newKey},${oldKey}` });
    await withStorage(both, async ({ database: { db } }) => {
      // Still seals with the old key.
      const sealer = createSealer(`${oldKey},${newKey}`);
      const rotation = rotate(both);
      const changes = ids
        .slice(2)
        .map((id, index) =>
          updateWebhook(
            db,
            sealer,
            account_id,
            id,
            (current) => ({ ...current, headers: { 'X-Token': `changed-${index}` } }),
            { actor, now: new Date() },
          ),
        );
      await Promise.all([rotation, ...changes]);
      await rotate(both);
      const opener = createSealer(newKey);
      for (const [index, id] of ids.slice(2).entries()) {
        const webhook = await findWebhook(db, opener, account_id, id);
        expect(webhook?.headers).toEqual({ 'X-Token': `changed-${index}` });
      }
    });
  });
} else {
  describe('in embedded use', () => {
    test('makes a new key in place of the one that was made here, readable by its owner alone', async () => {
      const config = parseConfig(await settings());
      const file = encryptionKeyFile(config.DATA_DIR);
      await fill(config, 2);
      const oldKey = readFileSync(file, 'utf8').trim();
      await rotate(config);
      const newKey = readFileSync(file, 'utf8').trim();
      expect(newKey).not.toContain(oldKey);
      expect(statSync(file).mode & 0o777).toBe(0o600);
      expect(await opened(config, newKey)).toEqual({ opens: 9, refuses: 0 });
      expect(await opened(config, oldKey)).toEqual({ opens: 0, refuses: 9 });
    });

    test('goes on with the key of a rotation that was broken off', async () => {
      const config = parseConfig(await settings());
      const file = encryptionKeyFile(config.DATA_DIR);
      await fill(config, 2);
      const begun = generateEncryptionKey();
      writeFileSync(file, `${begun},${readFileSync(file, 'utf8')}`);
      await rotate(config);
      expect(readFileSync(file, 'utf8').trim()).toBe(begun);
      expect(await opened(config, begun)).toEqual({ opens: 9, refuses: 0 });
    });

    test('is refused while a Postrider has the data folder', async () => {
      const config = parseConfig(await settings());
      const folder = await openDataFolder(config.DATA_DIR);
      ends.push(async () => folder.release());
      await expect(rotate(config)).rejects.toThrow(DataFolderInUse);
    });
  });
}
