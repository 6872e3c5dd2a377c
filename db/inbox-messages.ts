import { sql } from 'drizzle-orm';
import type { AppInboxMessage } from '../webhook/profiles/app-inbox.ts';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, uuidOf } from './ids.ts';
import { type ChangedList, noteListChanges } from './inbox-lists.ts';
import { isVisible, type MessageRow, messageColumns, toMessage } from './inbox-message-rows.ts';
import type { InboxMessageStatus } from './schema.ts';
import { unnest } from './unnest.ts';

/** A contact's message as it is to be stored. `AppInboxMessage` names its fields as the document does. */
export interface NewInboxMessage extends Omit<AppInboxMessage, 'externalCustomerId'> {
  /** A UUID in lower case. */
  id: string;
  /** Absent for a contact that has none: the message is kept and goes nowhere. */
  externalCustomerId?: string | undefined;
  /** Whether its producer gave `createdDate`: if not, a repeat with another one is the same message. */
  is_dated: boolean;
}

/** A message as it stands. */
export interface InboxMessage extends Omit<AppInboxMessage, 'externalCustomerId'> {
  externalCustomerId?: string | undefined;
  status: InboxMessageStatus;
  /** Whether it is among those that its contact can see: neither deleted nor expired nor beyond the account's limit. */
  is_available: boolean;
}

/** Ids that were used before for other messages. `indexes` tells which messages of the request have them. */
export class InboxMessageConflict extends Error {
  override readonly name = 'InboxMessageConflict';
  readonly indexes: readonly number[];

  constructor(indexes: readonly number[]) {
    super('an id was used before for another message');
    this.indexes = indexes;
  }
}

/**
 * Stores messages, and that the lists of their contacts changed, in one transaction; answers each as it then stands, in the
 * given order. A message that is there already, with the same content, is left as it is. `changed` are the lists that were
 * not waiting to be announced before.
 * @throws InboxMessageConflict and stores nothing
 */
export const storeInboxMessages = query(
  async (
    db: Database,
    accountId: AccountId,
    messages: readonly NewInboxMessage[],
    now: Date,
  ): Promise<{ messages: InboxMessage[]; changed: ChangedList[] }> =>
    db.transaction(async (tx) => {
      const firsts = [...new Map(messages.toReversed().map((message) => [message.id, message])).values()];
      const inserted = await insertMessages(tx, accountId, firsts, now);
      const found = await selectMessages(
        tx,
        accountId,
        firsts.map(({ id }) => id),
      );
      const stored = new Map(found.map((message) => [message.id, message]));
      const indexes = messages.flatMap((message, index) =>
        isSameContent(message, stored.get(message.id)) ? [] : [index],
      );
      if (indexes.length > 0) throw new InboxMessageConflict(indexes);

      const contacts = found.flatMap(({ id, externalCustomerId }) =>
        inserted.has(id) && externalCustomerId !== undefined ? [externalCustomerId] : [],
      );
      const changed = await noteListChanges(tx, accountId, contacts, now);
      return { messages: messages.map(({ id }) => stored.get(id) as InboxMessage), changed };
    }),
);

export const findInboxMessage = query(
  async (db: Database, accountId: AccountId, id: string): Promise<InboxMessage | undefined> =>
    (await selectMessages(db, accountId, [id]))[0],
);

/**
 * Sets a message's status, unless `mayBecome` refuses the change: then, and when it has that status already, it stays as
 * it is. One that its contact can see no longer changes the contact's list. Undefined when there is no such message.
 */
export const setInboxMessageStatus = query(
  (
    db: Database,
    accountId: AccountId,
    id: string,
    { status, now }: { status: InboxMessageStatus; now: Date },
    mayBecome: (from: InboxMessageStatus, to: InboxMessageStatus) => boolean,
  ): Promise<{ message: InboxMessage; is_refused: boolean; changed: ChangedList[] } | undefined> =>
    db.transaction(async (tx) => {
      const [current] = await selectRows<{ status: InboxMessageStatus; external_customer_id: string | null }>(
        tx,
        sql`select status, external_customer_id from inbox_messages
            where account_id = ${uuidOf(accountId)} and id = ${id}::uuid for update`,
      );
      if (current === undefined) return undefined;
      const is_refused = current.status !== status && !mayBecome(current.status, status);
      let changed: ChangedList[] = [];
      if (!is_refused && current.status !== status) {
        await tx.execute(
          sql`update inbox_messages set status = ${status}, updated_at = ${now.toISOString()}::timestamptz
              where account_id = ${uuidOf(accountId)} and id = ${id}::uuid`,
        );
        const leaves = status === 'deleted' || status === 'expired';
        const contact = current.external_customer_id;
        if (leaves && contact !== null) changed = await noteListChanges(tx, accountId, [contact], now);
      }
      const [message] = await selectMessages(tx, accountId, [id]);
      return { message: message as InboxMessage, is_refused, changed };
    }),
);

/** The ids of the messages that were not there. */
async function insertMessages(
  tx: Database,
  accountId: AccountId,
  messages: readonly NewInboxMessage[],
  now: Date,
): Promise<Set<string>> {
  // Always in the same order, so that two transactions never wait for each other's ids crosswise.
  const rows = messages.toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const inserted = await selectRows<{ id: string }>(
    tx,
    sql`insert into inbox_messages
          (account_id, id, external_customer_id, created_date, title, content, image, link, category, custom_data, updated_at)
        select ${uuidOf(accountId)}::uuid, id, external_customer_id, created_date::timestamptz, title, content, image, link,
          category, custom_data, ${now.toISOString()}::timestamptz
        from ${unnest(rows, {
          id: ['uuid', (message) => message.id],
          external_customer_id: ['text', (message) => message.externalCustomerId ?? null],
          created_date: ['text', (message) => new Date(message.createdDate).toISOString()],
          title: ['text', (message) => message.title ?? null],
          content: ['text', (message) => message.content ?? null],
          image: ['text', (message) => message.image ?? null],
          link: ['text', (message) => message.link ?? null],
          category: ['text', (message) => message.category ?? null],
          custom_data: ['text', (message) => message.customData ?? null],
        })}
        on conflict do nothing
        returning id`,
  );
  return new Set(inserted.map(({ id }) => id));
}

/** A message is beyond the limit when its contact has so many newer ones. */
async function selectMessages(
  db: Database,
  accountId: AccountId,
  ids: readonly string[],
): Promise<InboxMessage[]> {
  const account = uuidOf(accountId);
  const rows = await selectRows<MessageRow & { status: InboxMessageStatus; is_available: boolean }>(
    db,
    sql`with wanted as (
          select m.* from inbox_messages m
          join ${unnest(ids, { wanted_id: ['uuid', (id) => id] })} on m.id = wanted_id
          where m.account_id = ${account}
        ), oldest as materialized (
          select c.contact, o.created_date, o.id
          from (select distinct external_customer_id as contact from wanted) c
          cross join lateral (
            select created_date, id from inbox_messages
            where account_id = ${account} and external_customer_id = c.contact and ${isVisible}
            order by created_date desc, id desc
            offset (select inbox_message_limit - 1 from accounts where id = ${account}) limit 1
          ) o
        )
        select ${messageColumns}, status, ${isVisible} and
          (o.id is null or (m.created_date, m.id) >= (o.created_date, o.id)) as is_available
        from wanted m left join oldest o on o.contact = m.external_customer_id`,
  );
  return rows.map(({ status, is_available, ...row }) => ({ ...toMessage(row), status, is_available }));
}

function isSameContent(asked: NewInboxMessage, stored: InboxMessage | undefined): boolean {
  return (
    stored !== undefined &&
    (!asked.is_dated || asked.createdDate === stored.createdDate) &&
    (['externalCustomerId', 'title', 'content', 'image', 'link', 'category', 'customData'] as const).every(
      (name) => asked[name] === stored[name],
    )
  );
}
