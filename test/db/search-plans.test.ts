import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createAccount } from '../../db/accounts.ts';
import type { OpenDatabase } from '../../db/database.ts';
import { type AccountId, newId, type WebhookId } from '../../db/ids.ts';
import { type DeliveryFilter, stretchStatement } from '../../db/search-deliveries.ts';
import { eventStretchStatement } from '../../db/search-events.ts';
import { openTestDatabase } from '../setup/database.ts';
import { readBy } from '../setup/plan.ts';
import { seedDeliveries } from '../setup/seed-deliveries.ts';

const many = 60_000;
const few = 40;

let database: OpenDatabase;
/** One account has nearly all there is, another a little that is older. */
let large: { accountId: AccountId; webhookId: WebhookId };
let small: { accountId: AccountId; webhookId: WebhookId };
beforeAll(async () => {
  database = await openTestDatabase();
  const account = async () => ({
    accountId: (await createAccount(database.db, 'x')).id,
    webhookId: newId('wh'),
  });
  large = await account();
  small = await account();
  const endedAt = new Date(Date.now() - many * 1_000);
  await seedDeliveries(database.db, { ...small, count: few, endedAt });
  await seedDeliveries(database.db, { ...large, count: many });
});
afterAll(() => database.close());

const stretch = { before: undefined, rows: 51, wanted: 51 };
const week = 7 * 86_400_000;

/** What a request asks, with the rows of deliveries that its first statement may read. */
const cases: [what: string, filter: (whose: typeof large) => DeliveryFilter][] = [
  ['all', () => ({})],
  ['by status', () => ({ statuses: ['failed'] })],
  ['by statuses of which there are none', () => ({ statuses: ['held', 'pending', 'cancelled'] })],
  ['by webhook', ({ webhookId }) => ({ webhook_id: webhookId })],
  ['by webhook and status', ({ webhookId }) => ({ webhook_id: webhookId, statuses: ['failed', 'held'] })],
  ['by what fails', () => ({ statuses: ['failing'] })],
  ['by webhook and pending', ({ webhookId }) => ({ webhook_id: webhookId, statuses: ['pending'] })],
  ['by webhook and queued', ({ webhookId }) => ({ webhook_id: webhookId, statuses: ['queued'] })],
  ['by webhook and succeeded', ({ webhookId }) => ({ webhook_id: webhookId, statuses: ['succeeded'] })],
  ['of an event that is not there', () => ({ event_id: newId('evt') })],
  ['of a time long ago', () => ({ until: new Date(Date.now() - week) })],
  ['of a time to come', () => ({ since: new Date(Date.now() + week) })],
  ['by type', () => ({ type: 'rare.type' })],
  ['by channel and text', () => ({ channel: 'rare', q: 'needle' })],
];

describe.each([
  ['an account with nearly everything', () => large],
  ['an account with little among much of others', () => small],
  ['an account with nothing', () => ({ accountId: newId('acct'), webhookId: newId('wh') })],
])('%s', (_, whose) => {
  test.each(cases)('reads few deliveries, from an index: %s', async (_, filterOf) => {
    const filter = filterOf(whose());
    const statement = stretchStatement(whose().accountId, filter, stretch);
    const read = await readBy(database.db, statement, /^deliveries/);
    expect(read.wholeTables).toEqual([]);
    // Each list of a status is a stretch of its own.
    expect(read.rows).toBeLessThanOrEqual(stretch.rows * (filter.statuses?.length ?? 1));
  });

  test.each(cases.filter(([what]) => /type|channel|text|time|all/.test(what)))(
    'reads few events: %s',
    async (_, filterOf) => {
      const { accountId } = whose();
      const events = eventStretchStatement(accountId, filterOf(whose()), stretch);
      const read = await readBy(database.db, events, /^events/);
      expect(read.wholeTables).toEqual([]);
      // One more of each day's partition that is looked into.
      expect(read.rows).toBeLessThanOrEqual(stretch.rows + 3);
    },
  );
});

test('a long stretch reads each event once, by its key', async () => {
  const long = { before: undefined, rows: 10_000, wanted: 51 };
  const statement = stretchStatement(large.accountId, { type: 'rare.type' }, long);
  expect(await readBy(database.db, statement, /^deliveries/)).toEqual({ rows: 10_000, wholeTables: [] });
  expect(await readBy(database.db, statement, /^events/)).toEqual({ rows: 10_000, wholeTables: [] });
});
