import { eq } from 'drizzle-orm';
import { expect, test } from 'vitest';
import { createRetentionActivities, type RetentionStep } from '../../activities/retention-activities.ts';
import { insertEndpoints, storeGroup } from '../../bench/limit/store-group.ts';
import { createAccount } from '../../db/accounts.ts';
import { newId } from '../../db/ids.ts';
import { deliveries, events } from '../../db/schema.ts';
import { openTestDatabase } from '../setup/database.ts';
import { seedDay } from '../setup/seed-days.ts';

/** `npm run test:retention` has a million. */
const rows = Number(process.env.RETENTION_ROWS ?? 3_000);
const days = 10;
const heldOnes = 40;

test(`${rows} old events go while others come in, none of which waits for long, and what is held stays`, async () => {
  const database = await openTestDatabase();
  const { db } = database;
  const { id: accountId } = await createAccount(db, 'Keeps');
  const [webhook] = await insertEndpoints(db, accountId, ['https://receiver.test/']);
  const account = { accountId, webhookId: webhook!.id };
  for (let day = 1; day <= 4; day += 1)
    await seedDay(db, { ...account, daysAgo: days + day, count: rows / 4 });
  await seedDay(db, { ...account, daysAgo: days + 2, count: heldOnes, status: 'held' });

  let isDone = false;
  const took: number[] = [];
  const storing = (async () => {
    while (!isDone) {
      const startedAt = performance.now();
      const event = { id: newId('evt'), accountId, type: 'message.read', data: '{}', createdAt: new Date() };
      await storeGroup(db, [event], [webhook!]);
      took.push(performance.now() - startedAt);
    }
  })();
  const startedAt = performance.now();
  const { deleteExpired } = createRetentionActivities({ db, days });
  let [partitions, steps, slowestStep] = [0, 0, 0];
  let step: RetentionStep | null = { stage: 'accounts', after: null };
  while (step !== null) {
    const stepAt = performance.now();
    const { deleted, next }: Awaited<ReturnType<typeof deleteExpired>> = await deleteExpired(step);
    slowestStep = Math.max(slowestStep, performance.now() - stepAt);
    partitions += deleted.partitions;
    steps += 1;
    step = next;
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  isDone = true;
  await storing;

  took.sort((a, b) => a - b);
  if (process.env.RETENTION_ROWS !== undefined) {
    const ms = (of: number) => Math.round(took[Math.floor(took.length * of)] ?? 0);
    process.stdout.write(
      `${rows} events with their deliveries, attempts and keys deleted in ${seconds.toFixed(1)} s, ${steps} steps, the longest ${Math.round(slowestStep)} ms; ${took.length} events stored meanwhile: p50 ${ms(0.5)} ms, p99 ${ms(0.99)} ms, slowest ${Math.round(took.at(-1) ?? 0)} ms\n`,
    );
  }
  expect(await db.$count(deliveries, eq(deliveries.status, 'held'))).toBe(heldOnes);
  expect(await db.$count(events)).toBe(heldOnes + took.length);
  expect(await db.$count(deliveries)).toBe(heldOnes + took.length);
  // Of one day the events and the attempts are needed still.
  expect(partitions).toBeGreaterThanOrEqual(6);
  expect(took.at(-1)).toBeLessThan(2_000);
  await database.close();
}, 3_600_000);
