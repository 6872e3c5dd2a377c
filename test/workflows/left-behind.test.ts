import { join } from 'node:path';
import { eq } from 'drizzle-orm';
import { afterEach, expect, it } from 'vitest';
import { type Database, openEmbeddedDatabase, openServerDatabase } from '../../db/database.ts';
import type { WebhookId } from '../../db/ids.ts';
import { deliveries, webhooks } from '../../db/schema.ts';
import { endpointsOf } from '../setup/endpoints.ts';
import { startTestPostrider, type TestPostrider } from '../setup/postrider.ts';

let postrider: TestPostrider;
const { webhookTo, close } = endpointsOf(() => postrider);
afterEach(async () => {
  await postrider.close();
  await close();
});

/** Changes what is stored, while Postrider is stopped. */
async function changeStorage(change: (db: Database) => Promise<unknown>) {
  await postrider.stop();
  const { DATABASE_URL: url, DATA_DIR: folder } = postrider.config;
  const database = url
    ? openServerDatabase({ url, poolSize: 1, onIdleError: () => {} })
    : await openEmbeddedDatabase({ folder: join(folder, 'database') });
  await change(database.db);
  await database.close();
  await postrider.start();
}

it('sends what was held in the moment in which its endpoint was enabled, and ends what was held for a deleted webhook', async () => {
  postrider = await startTestPostrider();
  const missed = await webhookTo(() => 200);
  const waiting = await webhookTo(() => 200);
  const deleted = await webhookTo(() => 200);
  for (const endpoint of [missed, waiting, deleted]) {
    await endpoint.disable();
    await endpoint.postMany(2);
    await endpoint.heldAre(2);
  }
  const isOf = (endpoint: typeof missed) => eq(webhooks.id, endpoint.webhook.id as WebhookId);
  await changeStorage(async (db) => {
    await db.update(webhooks).set({ endpoint_state: 'healthy' }).where(isOf(missed));
    await db.update(webhooks).set({ deleted_at: new Date() }).where(isOf(deleted));
    expect(await db.$count(deliveries, eq(deliveries.status, 'held'))).toBe(6);
  });
  await missed.receiver.gets(2);
  await missed.statusesAre({ succeeded: 2 });
  await deleted.statusesAre({ cancelled: 2 });
  const [cancelled] = await deleted.deliveries();
  expect(cancelled).toMatchObject({ reason: 'the webhook was deleted', ended_at: expect.any(String) });
  expect(await waiting.statuses()).toEqual({ held: 2 });
  expect(missed.receiver.received).toHaveLength(2);
  expect(deleted.receiver.received).toHaveLength(0);
}, 120_000);
