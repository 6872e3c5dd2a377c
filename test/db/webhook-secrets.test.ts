import { eq, sql } from 'drizzle-orm';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccount } from '../../db/accounts.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { loadDelivery } from '../../db/due-deliveries.ts';
import { createSealer, generateEncryptionKey } from '../../db/encryption.ts';
import { type AccountId, newId, timeOf, type WebhookId } from '../../db/ids.ts';
import { deliveries, events, webhookSecrets } from '../../db/schema.ts';
import { findCurrentSecret, mostSigningSecrets, rotateSecret } from '../../db/webhook-secrets.ts';
import { createWebhook, deleteWebhook } from '../../db/webhooks.ts';
import { noTls } from '../../webhook/tls-settings.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
let account_id: AccountId;
const sealer = createSealer(generateEncryptionKey());
const actor = { kind: 'postrider' } as const;

beforeAll(async () => {
  database = await openTestDatabase();
  account_id = (await createAccount(database.db, 'Mine')).id;
});
afterAll(() => database.close());

async function webhookWith(secret: string) {
  const { id } = await createWebhook(
    database.db,
    sealer,
    {
      ...{ account_id, profile: 'standard', secret, url: 'https://receiver.test/', description: '' },
      ...{ events: ['*'], channels: null, retry_schedule: null, timeout_ms: null },
      ...{ headers: {}, auth: { type: 'none' as const } },
      ...{ health: null, recovery_rate: 20, rate_limit: null, max_in_flight: null, lapses_after_s: null },
      ...noTls,
      ...{ ordering: null, on_failure: 'skip' },
      ...{ filter: null, transformation: null },
    },
    actor,
  );
  return id;
}

const rotate = (id: WebhookId, secret: string, overlapSeconds: number) =>
  rotateSecret(database.db, sealer, account_id, id, { choose: () => secret, overlapSeconds, actor });

/** The secrets that an attempt would sign with now, in their order. */
async function signing(webhook_id: WebhookId): Promise<string[]> {
  const [event_id, id] = [newId('evt'), newId('dlv')];
  const created_at = timeOf(event_id);
  await database.db.insert(events).values({ id: event_id, account_id, type: 'a', data: '{}', created_at });
  await database.db.insert(deliveries).values({
    ...{ id, account_id, webhook_id, event_id, status: 'pending', workflow_id: `deliver/${event_id}` },
    ...{ next_attempt_at: created_at, created_at },
  });
  const loaded = await loadDelivery(database.db, id);
  return loaded?.webhook.secrets_sealed.map((sealed) => sealer.open(sealed, webhook_id)) ?? [];
}

describe('rotateSecret', () => {
  test('puts the new secret first and keeps the one before until its overlap ends', async () => {
    const id = await webhookWith('a');
    const before = Date.now();
    const rotated = await rotate(id, 'b', 3_600);
    expect(rotated).toMatchObject({ secret: 'b', signing: 2 });
    const expires = rotated?.previous_expires_at?.getTime() ?? 0;
    expect(Math.abs(expires - before - 3_600_000)).toBeLessThan(30_000);
    expect(await signing(id)).toEqual(['b', 'a']);
    expect(await findCurrentSecret(database.db, sealer, account_id, id)).toBe('b');
  });

  test('orders by when secrets were made, also where an older one signs for longer than a newer one', async () => {
    const id = await webhookWith('a');
    await rotate(id, 'b', 604_800);
    await rotate(id, 'c', 60);
    expect(await signing(id)).toEqual(['c', 'b', 'a']);
  });

  test('leaves no secret to sign whose overlap has ended, and deletes it with the next rotation', async () => {
    const id = await webhookWith('a');
    await rotate(id, 'b', 60);
    await database.db.execute(
      sql`update webhook_secrets set expires_at = now() - interval '1 second' where expires_at is not null`,
    );
    expect(await signing(id)).toEqual(['b']);
    expect(await rotate(id, 'c', 60)).toMatchObject({ signing: 2 });
    expect(await signing(id)).toEqual(['c', 'b']);
    expect(await database.db.$count(webhookSecrets, eq(webhookSecrets.webhook_id, id))).toBe(2);
  });

  test('with an overlap of 0 ends every other secret at once', async () => {
    const id = await webhookWith('a');
    await rotate(id, 'b', 3_600);
    expect(await rotate(id, 'c', 0)).toEqual({ secret: 'c', previous_expires_at: null, signing: 1 });
    expect(await signing(id)).toEqual(['c']);
  });

  test('has five sign at most: beyond that the oldest stops at once', async () => {
    const id = await webhookWith('0');
    for (const secret of ['1', '2', '3', '4']) await rotate(id, secret, 3_600);
    expect(await signing(id)).toEqual(['4', '3', '2', '1', '0']);
    expect(await rotate(id, '5', 3_600)).toMatchObject({ signing: mostSigningSecrets });
    expect(await signing(id)).toEqual(['5', '4', '3', '2', '1']);
  });

  test('twice at once leaves one current secret, and none lost', async () => {
    const id = await webhookWith('a');
    await Promise.all([rotate(id, 'b', 3_600), rotate(id, 'c', 3_600)]);
    const secrets = await signing(id);
    expect(secrets.toSorted()).toEqual(['a', 'b', 'c']);
    expect(secrets[2]).toBe('a');
    expect(await findCurrentSecret(database.db, sealer, account_id, id)).toBe(secrets[0]);
  });

  test('shows those that sign to whoever chooses, and changes nothing when that one throws', async () => {
    const id = await webhookWith('a');
    await rotate(id, 'b', 3_600);
    const choose = (signingNow: string[]) => {
      throw new TypeError(signingNow.join());
    };
    const refused = rotateSecret(database.db, sealer, account_id, id, { choose, overlapSeconds: 0, actor });
    await expect(refused).rejects.toThrow(new TypeError('b,a'));
    expect(await signing(id)).toEqual(['b', 'a']);
  });

  test('finds no webhook of another account, and none that was deleted', async () => {
    const id = await webhookWith('a');
    const other = (await createAccount(database.db, 'Other')).id;
    const options = { choose: () => 'b', overlapSeconds: 0, actor };
    expect(await rotateSecret(database.db, sealer, other, id, options)).toBeUndefined();
    await deleteWebhook(database.db, account_id, id, { actor, now: new Date() });
    expect(await rotateSecret(database.db, sealer, account_id, id, options)).toBeUndefined();
  });
});
