import { eq, isNotNull } from 'drizzle-orm';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { acceptEvents } from '../../db/accept-events.ts';
import type { OpenDatabase } from '../../db/database.ts';
import {
  findEndpointHealth,
  findOutcomesAfter,
  findUncountedWebhooks,
  storeEndpointHealth,
} from '../../db/endpoint-health.ts';
import { type DeliveryId, newId, type WebhookId } from '../../db/ids.ts';
import { type AttemptRecord, recordAttempts } from '../../db/record-attempts.ts';
import { accounts, attempts, auditLog, webhooks } from '../../db/schema.ts';
import { disable, enable, newEndpointHealth, takeOutcomes } from '../../webhook/endpoint-health.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
const account_id = newId('acct');

beforeAll(async () => {
  database = await openTestDatabase();
  await database.db.insert(accounts).values({ id: account_id, name: 'test' });
});
afterAll(() => database.close());

async function newWebhook(): Promise<WebhookId> {
  const id = newId('wh');
  await database.db
    .insert(webhooks)
    .values({ id, account_id, url: 'https://receiver.test/', events: [id], profile: 'inbox-components' });
  return id;
}

async function newDeliveries(webhook: WebhookId, count: number): Promise<DeliveryId[]> {
  const events = Array.from({ length: count }, () => ({
    id: newId('evt'),
    account_id,
    client_id: null,
    type: 'message.read',
    channel: null,
    data: '{}',
    is_test: false,
    created_at: new Date(),
    only_webhook: webhook,
    about_webhook: null,
    idempotency_keys: [],
    request_hash: '',
  }));
  const accepted = await acceptEvents(
    database.db,
    events,
    () => false,
    (event) => `deliver/${event.id}`,
  );
  return accepted.map((one) => (one.outcome === 'accepted' ? one.deliveries[0]!.id : newId('dlv')));
}

function attemptOf(webhook_id: WebhookId, delivery_id: DeliveryId, succeeded: boolean): AttemptRecord {
  return {
    id: newId('att'),
    delivery_id,
    webhook_id,
    account_id,
    trigger: 'schedule',
    started_at: new Date(),
    duration_ms: 1,
    url: 'https://receiver.test/',
    request_headers: {},
    succeeded,
    reason: succeeded ? null : 'http_status',
    detail: succeeded ? null : 'answered 500',
    response_status: succeeded ? 200 : 500,
    response_headers: {},
    response_body: '',
    response_truncated: false,
    next_attempt_at: null,
  };
}

const rowOf = async (id: WebhookId) =>
  (await database.db.select().from(webhooks).where(eq(webhooks.id, id)))[0]!;
const policy = { count: 'attempts', failures: 100, min_failing_ms: 0, reenable: 'manual' } as const;
const nobody = { actor: { kind: 'postrider' }, reason: null, enables: false } as const;
const now = () => new Date().toISOString();

describe('the outcomes of an endpoint', () => {
  it('have no numbers while it is healthy, and every one has from its first failure on', async () => {
    const webhook = await newWebhook();
    const deliveries = await newDeliveries(webhook, 4);
    const numbers: (number | null)[] = [];
    for (const [index, succeeded] of [true, false, true, false].entries()) {
      const [recorded] = await recordAttempts(database.db, [
        attemptOf(webhook, deliveries[index]!, succeeded),
      ]);
      numbers.push(recorded!.outcome_number);
    }
    expect(numbers).toEqual([null, 1, 2, 3]);
    expect(await rowOf(webhook)).toMatchObject({
      endpoint_state: 'failing',
      outcomes: 3,
      outcomes_counted: 0,
    });
  });

  it('are numbered once and without gaps, however many workers record at once, and counted they agree with the database', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.boolean(), { minLength: 1, maxLength: 6 }), { minLength: 1, maxLength: 5 }),
        async (groups) => {
          const webhook = await newWebhook();
          const deliveries = await newDeliveries(webhook, groups.flat().length);
          const records = groups.map((group) =>
            group.map((succeeded) => attemptOf(webhook, deliveries.pop()!, succeeded)),
          );
          const recorded = (
            await Promise.all(records.map((group) => recordAttempts(database.db, group)))
          ).flat();
          const numbers = recorded
            .flatMap(({ outcome_number }) => outcome_number ?? [])
            .sort((a, b) => a - b);
          expect(numbers).toEqual(numbers.map((_, index) => index + 1));
          const failures = groups.flat().filter((succeeded) => !succeeded).length;
          expect(numbers.length).toBeGreaterThanOrEqual(failures);

          const outcomes = await findOutcomesAfter(database.db, webhook, 0);
          const { health } = takeOutcomes(newEndpointHealth(now()), policy, outcomes, now());
          const stored = await storeEndpointHealth(database.db, webhook, { health, changes: [], ...nobody });
          const rows = await database.db.select().from(attempts).where(eq(attempts.webhook_id, webhook));
          const inOrder = rows
            .filter((row) => row.outcome_number !== null)
            .sort((a, b) => a.outcome_number! - b.outcome_number!);
          const sinceSuccess = inOrder.slice(inOrder.findLastIndex(({ succeeded }) => succeeded) + 1).length;
          expect(await rowOf(webhook)).toMatchObject({
            consecutive_failures: sinceSuccess,
            endpoint_state: sinceSuccess === 0 ? 'healthy' : 'failing',
            outcomes: numbers.length,
            outcomes_counted: numbers.length,
          });
          expect(stored?.last).toBe(numbers.length);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('keep an endpoint failing while further ones are on their way', async () => {
    const webhook = await newWebhook();
    const deliveries = await newDeliveries(webhook, 3);
    await recordAttempts(database.db, [attemptOf(webhook, deliveries[0]!, false)]);
    await recordAttempts(database.db, [attemptOf(webhook, deliveries[1]!, true)]);
    const outcomes = await findOutcomesAfter(database.db, webhook, 0);
    const { health } = takeOutcomes(newEndpointHealth(now()), policy, outcomes, now());
    expect(health.state).toBe('healthy');
    await recordAttempts(database.db, [attemptOf(webhook, deliveries[2]!, false)]);
    await storeEndpointHealth(database.db, webhook, { health, changes: [], ...nobody });
    expect(await rowOf(webhook)).toMatchObject({ endpoint_state: 'failing', outcomes_counted: 2 });
  });

  it('that were not counted are found once they are old enough', async () => {
    const webhook = await newWebhook();
    const [delivery] = await newDeliveries(webhook, 1);
    await recordAttempts(database.db, [attemptOf(webhook, delivery!, false)]);
    const started = Date.now();
    const found = async (afterMs: number, graceMs: number, longestGraceMs = graceMs) => {
      const options = { now: new Date(started + afterMs), graceMs, longestGraceMs, limit: 1_000 };
      return (await findUncountedWebhooks(database.db, options)).filter(({ id }) => id === webhook);
    };
    expect(await found(10_000, 60_000)).toEqual([]);
    expect(await found(70_000, 60_000)).toEqual([{ id: webhook, account_id, counted: 0 }]);
    // 10 s after it, the endpoint has been failing for 40 s.
    await database.db
      .update(webhooks)
      .set({ state_since: new Date(started - 30_000) })
      .where(eq(webhooks.id, webhook));
    expect(await found(10_000, 5_000)).toHaveLength(1);
    expect(await found(10_000, 5_000, 30_000)).toEqual([]);
    expect(await found(10_000, 5_000, 8_000)).toHaveLength(1);
  });

  it('that ended before it was enabled do not count', async () => {
    const webhook = await newWebhook();
    const deliveries = await newDeliveries(webhook, 2);
    const byHand = { by: 'hand', reason: 'maintenance', now: now() } as const;
    const disabled = disable(newEndpointHealth(now()), policy, byHand);
    await storeEndpointHealth(database.db, webhook, {
      ...nobody,
      health: disabled.health,
      changes: ['disabled'],
    });
    await recordAttempts(
      database.db,
      deliveries.map((delivery) => attemptOf(webhook, delivery, false)),
    );
    const enabled = enable(disabled.health, now());
    const update = { ...nobody, health: enabled.health, changes: ['enabled'], enables: true } as const;
    const stored = await storeEndpointHealth(database.db, webhook, update);
    // Repeated, as an activity may be.
    await storeEndpointHealth(database.db, webhook, update);
    expect(stored?.last).toBe(2);
    expect(await findEndpointHealth(database.db, webhook)).toMatchObject({
      health: { state: 'healthy', counted: 2 },
    });
    const entries = await database.db.select().from(auditLog).where(isNotNull(auditLog.dedupe_key));
    const mine = entries.filter(({ subject_id }) => subject_id === webhook).map(({ action }) => action);
    expect(mine.sort()).toEqual(['webhook.disabled', 'webhook.enabled']);
  });
});
