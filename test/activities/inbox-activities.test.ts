import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createInboxActivities } from '../../activities/inbox-activities.ts';
import { createAccount } from '../../db/accounts.ts';
import { type OpenDatabase, selectRows } from '../../db/database.ts';
import { type AccountId, newUuid, uuidOf } from '../../db/ids.ts';
import { contactHash, findDueList, findOverdueLists } from '../../db/inbox-lists.ts';
import { storeInboxMessages } from '../../db/inbox-messages.ts';
import { inboxListEvent } from '../../delivery/inbox-list-event.ts';
import { createIntake, type Intake } from '../../delivery/intake.ts';
import { createWorkflowPacer } from '../../delivery/workflow-pacer.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
let intake: Intake;
let account_id: AccountId;
beforeAll(async () => {
  database = await openTestDatabase();
  const pacer = createWorkflowPacer({
    log: pino({ level: 'silent' }),
    starter: { startDeliverEvents: async () => 'started' },
    ...{ eventsPerWorkflow: 50, windowMs: 0, isSlow: () => false },
  });
  intake = createIntake({ db: database.db, pacer });
  account_id = (await createAccount(database.db, 'Mine')).id;
});
afterAll(async () => {
  await intake.close();
  await database.close();
});

const starter = { tellDeliveryEnded: async () => {} };
const now = new Date('2025-01-15T10:25:03.004Z');

let contacts = 0;
async function newList() {
  contacts += 1;
  const contact = `customer-${contacts}`;
  const store = (title: string) => {
    const message = { id: newUuid(), externalCustomerId: contact, createdDate: 1, title, is_dated: true };
    return storeInboxMessages(database.db, account_id, [message], now);
  };
  const { changed } = await store('first');
  expect(changed).toEqual([{ account_id, contact_hash: contactHash(contact) }]);
  const events = () =>
    selectRows<{ data: string }>(
      database.db,
      sql`select data from events where account_id = ${uuidOf(account_id)}
          and data::jsonb ->> 'externalCustomerId' = ${contact} order by id`,
    );
  return { list: { account_id, contact_hash: contactHash(contact) }, store, events };
}

describe('announceList', () => {
  test('makes one event of all that changed, and nothing when nothing did', async () => {
    const { list, store, events } = await newList();
    expect((await store('second')).changed).toEqual([]);
    const { announceList } = createInboxActivities({ db: database.db, intake, starter });
    const announced = await announceList(list);
    expect(announced).toEqual({ event_id: expect.stringMatching(/^evt_/), is_due: false });
    expect(await announceList(list)).toEqual({ event_id: null, is_due: false });
    const [event, ...others] = await events();
    expect(others).toEqual([]);
    const titles = JSON.parse(event?.data ?? '').messages.map(({ title }: { title: string }) => title);
    expect(titles).toEqual(['second', 'first']);
    expect((await store('third')).changed).toEqual([list]);
  });

  test('makes no second event when it is run again after a crash before its end', async () => {
    const { list, events } = await newList();
    const due = await findDueList(database.db, list);
    const before = await intake.accept(inboxListEvent(due!, []));
    const { announceList } = createInboxActivities({ db: database.db, intake, starter });
    expect(await announceList(list)).toEqual({
      event_id: before.outcome === 'accepted' && before.event_id,
      is_due: false,
    });
    expect(await events()).toHaveLength(1);
  });

  test('makes one event when two run at once', async () => {
    const { list, events } = await newList();
    const { announceList } = createInboxActivities({ db: database.db, intake, starter });
    await Promise.all([announceList(list), announceList(list)]);
    expect(await events()).toHaveLength(1);
  });

  test('says that the list is due again when it changes while it is announced, and the sweep sees it', async () => {
    const { list, store, events } = await newList();
    const slow: Pick<Intake, 'accept'> = {
      async accept(event) {
        expect((await store('meanwhile')).changed).toEqual([]);
        return intake.accept(event);
      },
    };
    const first = createInboxActivities({ db: database.db, intake: slow, starter });
    expect(await first.announceList(list)).toMatchObject({ is_due: true });
    const soon = { now: new Date(Date.now() + 1_000), graceMs: 500, limit: 10 };
    expect(await findOverdueLists(database.db, soon)).toContainEqual(list);
    const second = createInboxActivities({ db: database.db, intake, starter });
    expect(await second.announceList(list)).toMatchObject({ is_due: false });
    expect(await findOverdueLists(database.db, soon)).not.toContainEqual(list);
    const [, event] = await events();
    expect(JSON.parse(event?.data ?? '').messages).toHaveLength(2);
  });
});
