import { eq, sql } from 'drizzle-orm';
import { pino } from 'pino';
import { expect, it, onTestFinished } from 'vitest';
import { createAccount } from '../../db/accounts.ts';
import { listAuditEntries } from '../../db/audit-log.ts';
import { newId, uuidOf } from '../../db/ids.ts';
import { deleteLapsedWebhook, findLapsedWebhooks } from '../../db/lapsed-webhooks.ts';
import { notePulled } from '../../db/pull-queue.ts';
import { deliveries, webhooks } from '../../db/schema.ts';
import { keepLapses, type Open, openUntil } from '../../delivery/lapse-keeper.ts';
import { openTestDatabase } from '../setup/database.ts';
import { waitFor } from '../setup/wait-for.ts';

it('webhooks are deleted, and their queues cancelled, whose consumers were away for longer than they may be, and could have come', async () => {
  const { db, close } = await openTestDatabase();
  onTestFinished(close);
  const account_id = (await createAccount(db, 'Mine')).id;
  const longAgo = new Date(Date.now() - 3_600_000);
  const ids: Record<string, ReturnType<typeof newId<'wh'>>> = {};
  for (const [name, settings] of Object.entries({
    lapsed: { lapses_after_s: 1, pulled_at: longAgo },
    never: { lapses_after_s: 1, created_at: longAgo },
    late: { lapses_after_s: 1, pulled_at: longAgo },
    back: { lapses_after_s: 3_000, pulled_at: longAgo },
    // Nobody could pull for as long as that.
    closed: { lapses_after_s: 3_000, pulled_at: longAgo },
    patient: { lapses_after_s: 86_400, pulled_at: longAgo },
    forever: { pulled_at: longAgo },
  })) {
    const id = newId('wh');
    ids[name] = id;
    await db
      .insert(webhooks)
      .values({ id, account_id, url: null, events: ['*'], profile: 'inbox', ...settings });
    await db.insert(deliveries).values({
      ...{ id: newId('dlv'), account_id, webhook_id: id, event_id: newId('evt'), workflow_id: 'none' },
      ...{ status: 'queued', created_at: longAgo },
    });
  }
  await notePulled(db, ids.back as never);
  const allGone = async () =>
    (await db.select().from(webhooks)).filter(({ deleted_at }) => deleted_at !== null);
  // One who comes between the look and the deletion keeps what is queued.
  const found = await findLapsedWebhooks(db, { openMs: 60_000, limit: 10 });
  expect(new Set(found.map(({ id }) => id))).toEqual(new Set([ids.lapsed, ids.never, ids.late]));
  await notePulled(db, ids.late as never);
  const change = { actor: { kind: 'postrider' }, now: new Date(), reason: 'it lapsed' } as const;
  await deleteLapsedWebhook(db, { id: ids.late as never, account_id }, change);
  expect(await allGone()).toEqual([]);
  await db
    .update(webhooks)
    .set({ lapses_after_s: 3_000 })
    .where(eq(webhooks.id, ids.late as never));

  const keeper = keepLapses({ db, log: pino({ level: 'silent' }), everyMs: 50 });
  onTestFinished(keeper.close);
  const gone = await waitFor(async () => {
    const now = await allGone();
    return now.length === 2 ? now : undefined;
  }, 'two to lapse');
  await keeper.close();
  expect(new Set(gone.map(({ id }) => id))).toEqual(new Set([ids.lapsed, ids.never]));
  const queues = await db.select().from(deliveries);
  for (const { webhook_id, status } of queues) {
    expect(status).toBe(gone.some(({ id }) => id === webhook_id) ? 'cancelled' : 'queued');
  }
  const { data } = await listAuditEntries(db, account_id, { action: 'webhook.deleted' }, { limit: 10 });
  expect(data).toHaveLength(2);
  expect(data[0]).toMatchObject({ action: 'webhook.deleted', actor: { kind: 'postrider' } });
});

it('webhooks are deleted although another cannot be, and a server that hangs is not waited for', async () => {
  const { db, close } = await openTestDatabase();
  onTestFinished(close);
  const account_id = (await createAccount(db, 'Mine')).id;
  const ids = [newId('wh'), newId('wh')].sort();
  for (const id of ids) {
    const lapsed = { lapses_after_s: 1, pulled_at: new Date(Date.now() - 3_600_000) };
    await db
      .insert(webhooks)
      .values({ id, account_id, url: null, events: ['*'], profile: 'inbox', ...lapsed });
  }
  const [stuck, other] = ids;
  await db.execute(sql`create function refuse() returns trigger language plpgsql as $$ begin
    raise exception 'it cannot be'; end $$`);
  await db.execute(
    sql`create trigger refuse before update on webhooks for each row
        when (old.id = ${sql.raw(`'${uuidOf(stuck as never)}'`)}) execute function refuse()`,
  );
  const keeper = keepLapses({ db, log: pino({ level: 'silent' }), everyMs: 50 });
  onTestFinished(keeper.close);
  const gone = await waitFor(async () => {
    const now = (await db.select().from(webhooks)).filter(({ deleted_at }) => deleted_at !== null);
    return now.length > 0 ? now : undefined;
  }, 'the other to lapse');
  expect(gone.map(({ id }) => id)).toEqual([other]);
  await keeper.close();

  let isAsked = false;
  const transaction = () => {
    isAsked = true;
    return new Promise(() => {});
  };
  const hanging = Object.create(db, { transaction: { value: transaction } });
  const waiting = keepLapses({ db: hanging, log: pino({ level: 'silent' }), everyMs: 50, patienceMs: 20 });
  await waitFor(async () => isAsked || undefined, 'a deletion');
  await waiting.close();
});

it('time counts from when consumers could come and be noted without a break, by clocks that were not set', () => {
  const first = openUntil(undefined, { at: 1_000, clockMs: 5_000 });
  const next = (open: Open, afterMs: number, clockMs = afterMs) =>
    openUntil(open, { at: open.at + afterMs, clockMs: open.clockMs + clockMs });
  expect(first.since).toBe(1_000);
  const later = next(next(first, 15_000), 20_000, 21_000);
  expect(later).toMatchObject({ since: 1_000, at: 36_000 });
  // This process stood still, or the database did not answer.
  expect(next(later, 120_000).since).toBe(156_000);
  // The database's clock was set on, or back.
  expect(next(later, 15_000, 3_600_000).since).toBe(51_000);
  expect(next(later, 15_000, -3_600_000).since).toBe(51_000);
});
