import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OpenDatabase } from '../../db/database.ts';
import { newId } from '../../db/ids.ts';
import { attempts } from '../../db/schema.ts';
import { waitsBeforeAttempt } from '../../delivery/wait-before-attempt.ts';
import { countStatements } from '../setup/count-statements.ts';
import { openTestDatabase } from '../setup/database.ts';
import { deliveryWith } from './attempter-alone.ts';

let database: OpenDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

test('after the clock was set back, an attempt that used up no step has waited as long as it meant, too', async () => {
  const hourMs = 3_600_000;
  const lastAt = Date.now() + hourMs;
  const delivery = deliveryWith(() => ({}), {
    ...{ attempt_count: 1, scheduled_attempts: 0, next_attempt_at: new Date(lastAt + 10_000) },
  });
  await database.db.insert(attempts).values({
    ...{ id: newId('att'), account_id: delivery.account_id, webhook_id: delivery.webhook.id },
    ...{ delivery_id: delivery.id, number: 1, trigger: 'schedule', started_at: new Date(lastAt) },
    ...{ duration_ms: 1, request_headers: {}, succeeded: false, reason: 'proxy' },
  });
  const { db } = database;
  expect(await waitsBeforeAttempt(db, [delivery], { hasWaited: false })).toEqual([10_000]);
  expect(await waitsBeforeAttempt(db, [delivery], { hasWaited: true })).toEqual([0]);
});

test('several wait each as long as it means, and the database is asked once', async () => {
  const { db, statements } = countStatements(database.db);
  const inMs = (ms: number) =>
    deliveryWith(() => ({}), { attempt_count: 1, next_attempt_at: new Date(Date.now() + ms) });
  const waits = await waitsBeforeAttempt(db, [inMs(-1), inMs(10_000), inMs(60_000)], { hasWaited: true });
  expect(waits.map((ms) => Math.ceil(ms / 10_000))).toEqual([0, 1, 6]);
  expect(statements()).toBe(1);
});
