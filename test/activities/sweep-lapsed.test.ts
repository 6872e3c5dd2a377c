import { expect, it, onTestFinished } from 'vitest';
import { createSweepActivities } from '../../activities/sweep-activities.ts';
import { createAccount } from '../../db/accounts.ts';
import { listAuditEntries } from '../../db/audit-log.ts';
import { newId } from '../../db/ids.ts';
import { deleteLapsedWebhook, findLapsedWebhooks } from '../../db/lapsed-webhooks.ts';
import { notePulled } from '../../db/pull-queue.ts';
import { deliveries, webhooks } from '../../db/schema.ts';
import { openTestDatabase } from '../setup/database.ts';

it('a sweep deletes webhooks, and cancels their queues, whose consumers were away for longer than they may be', async () => {
  const { db, close } = await openTestDatabase();
  onTestFinished(close);
  const account_id = (await createAccount(db, 'Mine')).id;
  const longAgo = new Date(Date.now() - 3_600_000);
  const ids: Record<string, ReturnType<typeof newId<'wh'>>> = {};
  for (const [name, settings] of Object.entries({
    lapsed: { lapses_after_s: 60, pulled_at: longAgo },
    never: { lapses_after_s: 60, created_at: longAgo },
    late: { lapses_after_s: 60, pulled_at: longAgo },
    back: { lapses_after_s: 60, pulled_at: longAgo },
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
  const nobody = async () => {
    throw new Error('nobody is told of it');
  };
  const sweepOf = (openSince?: Date) =>
    createSweepActivities({
      db,
      starter: { startDeliverEvents: nobody, tellToLookAgain: nobody, startAnnounceInbox: nobody },
      healthStarter: { startHealth: nobody, tellOutcomes: nobody, tellChanged: nobody, tellDeleted: nobody },
      recoveryStarter: { ensureRecovery: nobody },
      failures: { tellOverdue: async () => {} },
      lanes: { advanceEnded: async () => {} },
      groupWindowMs: 0,
      ...(openSince === undefined ? {} : { openSince }),
    });
  const allGone = async () =>
    (await db.select().from(webhooks)).filter(({ deleted_at }) => deleted_at !== null);
  // Nobody could pull while Postrider was stopped.
  await sweepOf().startOverdueWorkflows();
  expect(await allGone()).toEqual([]);
  // One who comes between the look and the deletion keeps what is queued.
  const found = await findLapsedWebhooks(db, { openMs: 60_000, limit: 10 });
  expect(new Set(found.map(({ id }) => id))).toEqual(new Set([ids.lapsed, ids.never, ids.late]));
  await notePulled(db, ids.late as never);
  const change = { actor: { kind: 'postrider' }, now: new Date(), reason: 'it lapsed' } as const;
  await deleteLapsedWebhook(db, { id: ids.late as never, account_id }, change);
  await sweepOf(longAgo).startOverdueWorkflows();
  const gone = await allGone();
  expect(new Set(gone.map(({ id }) => id))).toEqual(new Set([ids.lapsed, ids.never]));
  const queues = await db.select().from(deliveries);
  for (const { webhook_id, status } of queues) {
    expect(status).toBe(gone.some(({ id }) => id === webhook_id) ? 'cancelled' : 'queued');
  }
  const { data } = await listAuditEntries(db, account_id, { action: 'webhook.deleted' }, { limit: 10 });
  expect(data).toHaveLength(2);
  expect(data[0]).toMatchObject({ action: 'webhook.deleted', actor: { kind: 'postrider' } });
});
