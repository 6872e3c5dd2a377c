import { createHash } from 'node:crypto';
import { sql } from 'drizzle-orm';
import type { AppInboxMessage } from '../webhook/profiles/app-inbox.ts';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, type DeliveryId, type EventId, idOf, uuidOf } from './ids.ts';
import { isVisible, type MessageRow, messageColumns, toMessage } from './inbox-message-rows.ts';
import { unnest } from './unnest.ts';

/** What a contact's list is known by outside the database: nothing personal. */
export interface ChangedList {
  account_id: AccountId;
  contact_hash: string;
}

/** Why a delivery is cancelled whose list is no longer the latest. */
export const supersededReason = 'a later list of the same contact took its place';

/** The first 32 hex digits of the SHA-256 of a contact's id, which is personal and stays in the database. */
export function contactHash(externalCustomerId: string): string {
  return createHash('sha256').update(externalCustomerId).digest('hex').slice(0, 32);
}

/**
 * Says, within the caller's transaction, that the contacts' lists changed. Answers those that were not waiting to be
 * announced already: whoever found them not waiting has seen to it that they are announced.
 */
export async function noteListChanges(
  tx: Database,
  accountId: AccountId,
  contacts: readonly string[],
  now: Date,
): Promise<ChangedList[]> {
  if (contacts.length === 0) return [];
  const lists = [...new Set(contacts)]
    .map((contact) => ({ contact, hash: contactHash(contact) }))
    // Always in the same order, so that two transactions never wait for each other's lists crosswise.
    .sort((a, b) => (a.hash < b.hash ? -1 : 1));
  const rows = await selectRows<{ contact_hash: string; is_first: boolean }>(
    tx,
    sql`insert into inbox_lists as l (account_id, contact_hash, external_customer_id, version, due_since, due_version)
        select ${uuidOf(accountId)}::uuid, contact_hash, contact, 1, ${now.toISOString()}::timestamptz, 1
        from ${unnest(lists, {
          contact_hash: ['text', ({ hash }) => hash],
          contact: ['text', ({ contact }) => contact],
        })}
        on conflict (account_id, contact_hash) do update set
          version = l.version + 1,
          due_version = case when l.due_since is null then l.version + 1 else l.due_version end,
          due_since = coalesce(l.due_since, excluded.due_since)
        returning contact_hash, version = due_version as is_first`,
  );
  return rows
    .filter(({ is_first }) => is_first)
    .map(({ contact_hash }) => ({ account_id: accountId, contact_hash }));
}

/** A contact's available messages, newest first, at most the account's limit: what its webhooks are sent. */
export const listAvailableMessages = query(
  async (db: Database, accountId: AccountId, externalCustomerId: string): Promise<AppInboxMessage[]> => {
    const account = uuidOf(accountId);
    const rows = await selectRows<MessageRow>(
      db,
      sql`select ${messageColumns} from inbox_messages m
          where account_id = ${account} and external_customer_id = ${externalCustomerId} and ${isVisible}
          order by created_date desc, id desc
          limit (select inbox_message_limit from accounts where id = ${account})`,
    );
    return rows.map((row) => ({ ...toMessage(row), externalCustomerId }));
  },
);

/** A list that has not been announced since its last change. */
export interface DueList extends ChangedList {
  external_customer_id: string;
  version: number;
}

/** The list when it waits to be announced, undefined otherwise. */
export const findDueList = query(async (db: Database, list: ChangedList): Promise<DueList | undefined> => {
  const [row] = await selectRows<{ external_customer_id: string; version: string | number }>(
    db,
    sql`select external_customer_id, version from inbox_lists
          where account_id = ${uuidOf(list.account_id)} and contact_hash = ${list.contact_hash}
            and due_since is not null`,
  );
  return row && { ...list, external_customer_id: row.external_customer_id, version: Number(row.version) };
});

/**
 * Notes that an event announced that version of the list. Deliveries of the event before that still wait are cancelled
 * where their webhook gets this one: an old list must not arrive after a new one. `is_due` tells whether the list has
 * changed since that version.
 */
export const markListAnnounced = query(
  (
    db: Database,
    { account_id, contact_hash, version }: DueList,
    eventId: EventId,
    now: Date,
  ): Promise<{ is_due: boolean; cancelled: { id: DeliveryId; workflow_id: string }[] }> =>
    db.transaction(async (tx) => {
      const list = sql`account_id = ${uuidOf(account_id)} and contact_hash = ${contact_hash}`;
      const moment = sql`${now.toISOString()}::timestamptz`;
      const [before] = await selectRows<{ announced_event_id: string | null }>(
        tx,
        sql`select announced_event_id from inbox_lists where ${list} for update`,
      );
      const [after] = await selectRows<{ is_due: boolean }>(
        tx,
        sql`update inbox_lists set announced_at = ${moment}, announced_event_id = ${uuidOf(eventId)},
              due_since = case when version = ${version} then null else ${moment} end
            where ${list} returning due_since is not null as is_due`,
      );
      const former = before?.announced_event_id ?? null;
      const isFirst = former === null || former === uuidOf(eventId);
      const cancelled = isFirst
        ? []
        : await selectRows<{ id: string; workflow_id: string }>(
            tx,
            sql`update deliveries set status = 'cancelled', reason = ${supersededReason}, next_attempt_at = null,
                  ended_at = ${moment}
                where event_id = ${former} and status in ('pending', 'held', 'queued')
                  and webhook_id in (select webhook_id from deliveries where event_id = ${uuidOf(eventId)})
                returning id, workflow_id`,
          );
      return {
        is_due: after?.is_due ?? false,
        cancelled: cancelled.map(({ id, workflow_id }) => ({ id: idOf('dlv', id), workflow_id })),
      };
    }),
);

/** Lists that should have been announced at least `graceMs` ago, longest overdue first. */
export const findOverdueLists = query(
  async (db: Database, options: { now: Date; graceMs: number; limit: number }): Promise<ChangedList[]> => {
    const before = new Date(options.now.getTime() - options.graceMs).toISOString();
    const rows = await selectRows<{ account_id: string; contact_hash: string }>(
      db,
      sql`select account_id, contact_hash from inbox_lists where due_since < ${before}::timestamptz
          order by due_since limit ${options.limit}`,
    );
    return rows.map((row) => ({ account_id: idOf('acct', row.account_id), contact_hash: row.contact_hash }));
  },
);
