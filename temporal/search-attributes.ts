import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import type { AccountId, EventId, WebhookId } from '../db/ids.ts';

/**
 * Search attributes of the workflows, each a KeywordList: of ids, or (`PostriderState`) of an endpoint's one state. Search attributes are never encrypted.
 */
export const searchAttributeNames = [
  'PostriderEvent',
  'PostriderWebhook',
  'PostriderAccount',
  'PostriderState',
] as const;

const [eventKey, webhookKey, accountKey] = searchAttributeNames.map((name) =>
  defineSearchAttributeKey(name, 'KEYWORD_LIST'),
) as [Key, Key, Key];
type Key = ReturnType<typeof defineSearchAttributeKey<'KEYWORD_LIST'>>;

/** A search attribute holds 2 KB: about sixty ids. */
const mostIds = 60;

/** What a workflow is found by in the Temporal UI. */
export function searchAttributesOf(ids: {
  event_ids?: readonly EventId[];
  webhook_ids?: readonly WebhookId[];
  account_ids: readonly AccountId[];
}): SearchAttributePair[] {
  return [
    ...(ids.event_ids === undefined ? [] : [{ key: eventKey, value: unique(ids.event_ids) }]),
    ...(ids.webhook_ids === undefined ? [] : [{ key: webhookKey, value: unique(ids.webhook_ids) }]),
    { key: accountKey, value: unique(ids.account_ids) },
  ];
}

function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)].slice(0, mostIds);
}
