import type { NewEvent } from '../db/accept-events.ts';
import { newId, timeOf } from '../db/ids.ts';
import type { DueList } from '../db/inbox-lists.ts';
import { type AppInboxMessage, inboxMessagesType } from '../webhook/profiles/app-inbox.ts';

/**
 * The event that announces a contact's list. Its key is made of the list's version alone: who announces the same version
 * once more, after a crash, gets the first event, although the list may have changed since.
 */
export function inboxListEvent(list: DueList, messages: readonly AppInboxMessage[]): NewEvent {
  const id = newId('evt');
  const version = `inbox:${list.contact_hash}:${list.version}`;
  return {
    id,
    account_id: list.account_id,
    client_id: null,
    type: inboxMessagesType,
    channel: null,
    data: JSON.stringify({ externalCustomerId: list.external_customer_id, messages }),
    is_test: false,
    created_at: timeOf(id),
    only_webhook: null,
    about_webhook: null,
    idempotency_keys: [version],
    request_hash: version,
  };
}
