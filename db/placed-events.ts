import type { laneFinder } from '../webhook/ordering.ts';
import type { NameWorkflow, NewDelivery, NewEvent } from './accept-events.ts';
import { passes, type VerdictOf } from './event-filters.ts';
import { newId, type WebhookId } from './ids.ts';
import type { Subscription } from './subscriptions.ts';
import { isForLater } from './timed-acceptance.ts';

/** An event with what is owed of it. */
export interface Placed {
  event: NewEvent;
  deliveries: NewDelivery[];
  /** Whose filter keeps it from them. */
  filteredOut: WebhookId[];
}

/** What is owed is decided by these. */
export interface Choice {
  subscribes: (webhook: Subscription, event: NewEvent) => boolean;
  workflowIdOf: NameWorkflow;
  hasHeadStart: (event: NewEvent, webhook: Subscription) => boolean;
  verdictOf: VerdictOf;
  laneOf: ReturnType<typeof laneFinder>;
}

/** What an event that is accepted is owed to these webhooks of its account. */
export function placed(
  event: NewEvent,
  subscriptions: readonly Subscription[],
  { subscribes, workflowIdOf, hasHeadStart, verdictOf, laneOf }: Choice,
): Placed {
  if (isForLater(event)) return { event, deliveries: [], filteredOut: [] };
  const subscribed = subscriptions.filter((webhook) =>
    event.only_webhook === null ? subscribes(webhook, event) : webhook.id === event.only_webhook,
  );
  const isFilteredOut = (webhook: Subscription) => verdictOf(event, webhook) === 'filtered';
  const owed = verdictOf === passes ? subscribed : subscribed.filter((webhook) => !isFilteredOut(webhook));
  const filteredOut =
    owed.length === subscribed.length ? [] : subscribed.filter(isFilteredOut).map(({ id }) => id);
  const pending = owed.filter((webhook) => statusOf(webhook, event) === 'pending');
  const deliveries = owed.map((webhook): NewDelivery => {
    const status = statusOf(webhook, event);
    const isPending = status === 'pending';
    return {
      id: newId('dlv'),
      webhook_id: webhook.id,
      // It is given to another workflow when it goes out.
      workflow_id: isPending ? workflowIdOf(event, webhook, pending) : `deliver/${event.id}`,
      status,
      has_head_start: isPending && hasHeadStart(event, webhook),
      lane: webhook.ordering === null || event.is_test ? null : laneOf(webhook.ordering, event),
      is_behind: false,
      is_filter_open: verdictOf(event, webhook) === 'open',
      webhook,
    };
  });
  return { event, deliveries, filteredOut };
}

/** A test event goes out whatever the endpoint's state: that is how one tests whether it is well again. */
function statusOf({ endpoint_state, url }: Subscription, event: NewEvent): NewDelivery['status'] {
  if (url === null) return 'queued';
  const isHeld = !event.is_test && (endpoint_state === 'disabled' || endpoint_state === 'probing');
  return isHeld ? 'held' : 'pending';
}
