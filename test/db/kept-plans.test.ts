import { sql } from 'drizzle-orm';
import { expect, it } from 'vitest';
import { acceptEvents } from '../../db/accept-events.ts';
import { selectRows } from '../../db/database.ts';
import { newId } from '../../db/ids.ts';
import { recordAttempts } from '../../db/record-attempts.ts';
import { accounts, webhooks } from '../../db/schema.ts';
import { openTestDatabase } from '../setup/database.ts';

/** Before it compares what they cost, PostgreSQL makes a plan for each of so many executions (plancache.c). */
const plansOfTheirOwn = 5;

// The embedded database keeps no statements.
it.runIf(process.env.TEST_DATABASE_URL)(
  'Lone events are stored, and their attempts recorded, by plans that a connection keeps',
  async () => {
    const { db, close } = await openTestDatabase();
    const account_id = newId('acct');
    const webhook_id = newId('wh');
    await db.insert(accounts).values({ id: account_id, name: 'test' });
    await db
      .insert(webhooks)
      .values({ id: webhook_id, account_id, url: 'https://receiver.test/', events: ['*'], profile: 'inbox' });

    // A transaction has one connection.
    const plans = await db.transaction(async (tx) => {
      for (let n = 0; n < 3 * plansOfTheirOwn; n++) {
        const event = {
          ...{ id: newId('evt'), account_id, client_id: null, type: 'message.read', channel: null },
          ...{ data: '{}', is_test: false, created_at: new Date(), only_webhook: null, about_webhook: null },
          ...{ idempotency_keys: [`id:${n}`], request_hash: '' },
        };
        const [accepted] = await acceptEvents(
          tx,
          [event],
          () => true,
          () => `deliver/${event.id}`,
        );
        if (accepted?.outcome !== 'accepted') throw new Error('not accepted');
        await recordAttempts(tx, [
          {
            ...{ id: newId('att'), delivery_id: accepted.deliveries[0]!.id, webhook_id, account_id },
            ...{ trigger: 'schedule', started_at: new Date(), duration_ms: 1, url: 'https://receiver.test/' },
            ...{ request_headers: {}, succeeded: true, reason: null, detail: null, response_status: 200 },
            ...{ response_headers: {}, response_body: '', response_truncated: false, next_attempt_at: null },
          },
        ]);
      }
      return selectRows<{ name: string; custom_plans: string }>(
        tx,
        sql`select name, custom_plans from pg_prepared_statements where name in ('accept_events', 'record_attempts') order by name`,
      );
    });
    await close();

    expect(plans.map(({ name }) => name)).toEqual(['accept_events', 'record_attempts']);
    for (const { custom_plans } of plans) expect(Number(custom_plans)).toBeLessThanOrEqual(plansOfTheirOwn);
  },
);
