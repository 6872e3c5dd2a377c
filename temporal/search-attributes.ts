import { defineSearchAttributeKey, type SearchAttributePair } from '@temporalio/common';
import type { AccountId, EventId, WebhookId } from '../db/ids.ts';

/** The kinds of search attributes that are used: a namespace may have three KeywordLists. */
export type SearchAttributes = Readonly<Record<string, 'KeywordList' | 'Keyword'>>;

/** Search attributes of the workflows: ids, and an endpoint's state. Search attributes are never encrypted. */
export const searchAttributes = {
  PostriderEvent: 'KeywordList',
  PostriderWebhook: 'KeywordList',
  PostriderAccount: 'KeywordList',
  PostriderState: 'Keyword',
  PostriderFirstEvent: 'Keyword',
  PostriderLastEvent: 'Keyword',
} as const satisfies SearchAttributes;

const eventKey = defineSearchAttributeKey('PostriderEvent', 'KEYWORD_LIST');
const webhookKey = defineSearchAttributeKey('PostriderWebhook', 'KEYWORD_LIST');
const firstEventKey = defineSearchAttributeKey('PostriderFirstEvent', 'KEYWORD');
const lastEventKey = defineSearchAttributeKey('PostriderLastEvent', 'KEYWORD');
const accountKey = defineSearchAttributeKey('PostriderAccount', 'KEYWORD_LIST');

/** A search attribute holds 2 KB: about sixty ids. */
const mostIds = 60;

/**
 * What a workflow is found by in the Temporal UI. One of more events than an attribute holds has the first and the last of
 * them as well, as ids sort, which is by time.
 */
export function searchAttributesOf(ids: {
  event_ids?: readonly EventId[];
  webhook_ids?: readonly WebhookId[];
  account_ids: readonly AccountId[];
}): SearchAttributePair[] {
  return [
    ...(ids.event_ids === undefined ? [] : eventsOf(ids.event_ids)),
    ...(ids.webhook_ids === undefined ? [] : [{ key: webhookKey, value: unique(ids.webhook_ids) }]),
    { key: accountKey, value: unique(ids.account_ids) },
  ];
}

function eventsOf(ids: readonly EventId[]): SearchAttributePair[] {
  const some = { key: eventKey, value: unique(ids) };
  if (ids.length <= mostIds) return [some];
  const sorted = ids.toSorted();
  return [
    some,
    { key: firstEventKey, value: sorted[0] as EventId },
    { key: lastEventKey, value: sorted.at(-1) as EventId },
  ];
}

function unique(ids: readonly string[]): string[] {
  return [...new Set(ids)].slice(0, mostIds);
}
