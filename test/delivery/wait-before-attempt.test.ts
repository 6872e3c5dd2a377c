import { afterAll, beforeAll, expect, test } from 'vitest';
import type { OpenDatabase } from '../../db/database.ts';
import { newId } from '../../db/ids.ts';
import { attempts } from '../../db/schema.ts';
import { waitBeforeAttempt } from '../../delivery/wait-before-attempt.ts';
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
  expect(await waitBeforeAttempt(db, delivery, { hasWaited: false })).toBe(10_000);
  expect(await waitBeforeAttempt(db, delivery, { hasWaited: true })).toBe(0);
});
