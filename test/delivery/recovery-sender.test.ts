import { eq } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenDatabase } from '../../db/database.ts';
import { type DeliveryId, newId, type WebhookId } from '../../db/ids.ts';
import { accounts, deliveries, type EndpointState, events, webhooks } from '../../db/schema.ts';
import type { AttemptOutcome } from '../../delivery/attempter.ts';
import { createRecoverySender } from '../../delivery/recovery-sender.ts';
import { TemporalUnavailable } from '../../temporal/workflow-starter.ts';
import { openTestDatabase } from '../setup/database.ts';
import { waitFor } from '../setup/wait-for.ts';
import { noLimits } from './no-limits.ts';

let database: OpenDatabase;
const account_id = newId('acct');
beforeAll(async () => {
  database = await openTestDatabase();
  await database.db.insert(accounts).values({ id: account_id, name: 'test' });
});
afterAll(() => database.close());

async function heldAt(endpoint_state: EndpointState, count: number, recovery_rate = 1_000) {
  const webhook = newId('wh');
  const row = { id: webhook, account_id, url: 'https://receiver.test/', events: ['*'], profile: 'inbox' };
  await database.db.insert(webhooks).values({ ...row, endpoint_state, recovery_rate });
  const ids: DeliveryId[] = [];
  const created_at = new Date();
  for (let index = 0; index < count; index += 1) {
    const event_id = newId('evt');
    const id = newId('dlv');
    await database.db
      .insert(events)
      .values({ id: event_id, account_id, type: 'message.read', data: '{}', created_at });
    await database.db.insert(deliveries).values({
      ...{ id, account_id, event_id, webhook_id: webhook, workflow_id: `deliver/${event_id}`, created_at },
      status: 'held',
    });
    ids.push(id);
  }
  return { webhook, ids };
}

const statusIs = (id: DeliveryId, status: 'succeeded' | 'pending') =>
  database.db.update(deliveries).set({ status }).where(eq(deliveries.id, id));
const rowsOf = (webhook: WebhookId) =>
  database.db.select().from(deliveries).where(eq(deliveries.webhook_id, webhook)).orderBy(deliveries.id);
const outcome = { number: 1, reason: '', due_at: null, is_final: false, is_gone: false };

/** A sender whose attempts come to what `attempt` says, with what it did. */
function senderWith({
  attempt = async (id: DeliveryId): Promise<AttemptOutcome['status']> => {
    await statusIs(id, 'succeeded');
    return 'succeeded';
  },
  hasSlot = (): boolean => true,
  isTemporalAway = false,
} = {}) {
  const attempted: DeliveryId[] = [];
  const started: { workflow_id: string; events: number }[] = [];
  let taken = 0;
  const sender = createRecoverySender({
    db: database.db,
    attempter: {
      async attempt({ id }) {
        attempted.push(id);
        return { ...outcome, status: await attempt(id) };
      },
    },
    slots: {
      tryTake() {
        if (!hasSlot()) return null;
        taken += 1;
        return () => {
          taken -= 1;
        };
      },
      isSlow: () => false,
    },
    limiter: noLimits.limiter,
    starter: {
      async startDeliverEvents({ workflow_id, event_ids }) {
        if (isTemporalAway) throw new TemporalUnavailable('away');
        started.push({ workflow_id, events: event_ids.length });
        return 'started';
      },
    },
    log: pino({ level: 'silent' }),
  });
  const counts = { sent: 0, succeeded: 0, failed: 0 };
  const stopped = new AbortController();
  const page = (webhook: WebhookId, into = counts) => sender.sendPage(webhook, into, stopped.signal);
  return { sender, page, counts, attempted, started, stopped, slotsTaken: () => taken };
}

describe('a page', () => {
  it('sends all that is held, oldest first, and needs no workflow where all succeeds', async () => {
    const { webhook, ids } = await heldAt('healthy', 60);
    const { page, counts, attempted, started, slotsTaken } = senderWith();
    expect(await page(webhook)).toBe('done');
    expect(attempted).toEqual(ids);
    expect(counts).toEqual({ sent: 60, succeeded: 60, failed: 0 });
    expect(started).toEqual([]);
    expect(slotsTaken()).toBe(0);
  });

  it('leaves what has to be attempted again, or could not be attempted, to one workflow of all taken with it', async () => {
    const { webhook, ids } = await heldAt('failing', 4);
    const { page, counts, started } = senderWith({
      attempt: async (id) => {
        if (id === ids[0]) return 'pending';
        if (id === ids[1]) throw new Error('a fault of ours');
        return 'failed';
      },
    });
    expect(await page(webhook)).toBe('done');
    expect(counts).toEqual({ sent: 4, succeeded: 0, failed: 2 });
    const [first] = await rowsOf(webhook);
    expect(started).toEqual([{ workflow_id: first!.workflow_id, events: 4 }]);
    expect(first!.workflow_id).toMatch(new RegExp(`^deliver/${ids[0]}/\\d+$`));
  });

  it('leaves starting that workflow to the sweep while Temporal is away', async () => {
    const { webhook } = await heldAt('healthy', 1);
    const { page } = senderWith({ attempt: async () => 'pending', isTemporalAway: true });
    expect(await page(webhook)).toBe('done');
    const [row] = await rowsOf(webhook);
    expect(row!.next_attempt_at!.getTime()).toBeLessThan(Date.now() + 3_000);
  });

  it.each(['disabled', 'probing'] as const)('sends nothing while the endpoint is %s', async (state) => {
    const { webhook } = await heldAt(state, 1);
    const { page, attempted } = senderWith();
    expect(await page(webhook)).toBe('paused');
    expect(attempted).toEqual([]);
  });

  it('ends at once for a webhook that is deleted, or was never there', async () => {
    const { webhook } = await heldAt('healthy', 1);
    await database.db.update(webhooks).set({ deleted_at: new Date() }).where(eq(webhooks.id, webhook));
    const { page } = senderWith();
    expect([await page(webhook), await page(newId('wh'))]).toEqual(['gone', 'gone']);
  });

  it('ends soon when it is cancelled, when another page begins, and when the process stops; it waits for its answers', async () => {
    const { webhook, ids } = await heldAt('healthy', 500, 20);
    const first = senderWith();
    const ended = [first.page(webhook)];
    await waitFor(async () => (first.attempted.length > 0 ? true : undefined), 'the first attempt');
    const again = { sent: 0, succeeded: 0, failed: 0 };
    ended.push(first.page(webhook, again));
    expect(await ended[0]).toBe('more');
    first.stopped.abort();
    expect(await ended[1]).toBe('more');
    const second = senderWith();
    const last = second.page(webhook);
    await waitFor(async () => (second.attempted.length > 0 ? true : undefined), 'the first attempt');
    second.sender.stop();
    expect([await last, await second.page(webhook)]).toEqual(['more', 'more']);
    const attempted = [...first.attempted, ...second.attempted];
    expect(attempted).toEqual(ids.slice(0, attempted.length));
    expect(attempted.length).toBeLessThan(100);
    // The same page once more: its counts go on.
    expect([again.sent, second.counts.sent]).toEqual([first.attempted.length, second.attempted.length]);
  });

  it('does not send what has ended while it waited for a slot, and goes on owning what has not', async () => {
    const { webhook, ids } = await heldAt('healthy', 2);
    let isFree = false;
    const { page, attempted } = senderWith({ hasSlot: () => isFree });
    const ended = page(webhook);
    const dueAt = async () => (await rowsOf(webhook))[1]!.next_attempt_at?.getTime() ?? 0;
    const begin = await waitFor(async () => (await dueAt()) || undefined, 'the first lease');
    await statusIs(ids[0]!, 'succeeded');
    // Renewed after that: by then the first lease would have ended.
    await waitFor(
      async () => ((await dueAt()) > begin + 3_500 ? true : undefined),
      'the lease to be renewed',
    );
    isFree = true;
    expect(await ended).toBe('done');
    expect(attempted).toEqual([ids[1]]);
  }, 20_000);
});
