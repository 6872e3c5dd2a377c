import type { AccountId, AttemptId, DeliveryId, EventId, WebhookId } from '../db/ids.ts';

/** The workflow that owns an event's deliveries, and those of the events that joined its group. */
export function deliverWorkflowId(firstEvent: EventId): string {
  return `deliver/${firstEvent}`;
}

/** The workflow that owns deliveries of an event, and of others, to endpoints that were slow when it came. */
export function slowWorkflowId(firstEvent: EventId): string {
  return `${deliverWorkflowId(firstEvent)}/slow`;
}

/** The workflow of a delivery that has waited in its lane, where it needs one: most go out without. */
export function laneWorkflowId(delivery: DeliveryId): string {
  return `deliver/${delivery}`;
}

/** The workflow of one attempt that someone asked for. */
export function attemptWorkflowId(attempt: AttemptId): string {
  return `attempt/${attempt}`;
}

/** The workflow that announces the changes of a contact's list. The contact's id is personal: only its hash is shown. */
export function inboxWorkflowId(list: { account_id: AccountId; contact_hash: string }): string {
  return `inbox/${list.account_id}/${list.contact_hash}`;
}

/** The workflow that keeps a webhook's endpoint's health. */
export function healthWorkflowId(webhook: WebhookId): string {
  return `endpoint-health/${webhook}`;
}

/** The workflow that sends out what a webhook's endpoint has missed. */
export function recoverWorkflowId(webhook: WebhookId): string {
  return `recover/${webhook}`;
}

/**
 * The workflow that owns deliveries which went out together after they had been held: the first of them and the moment, since
 * one delivery can be held more than once.
 */
export function recoveredWorkflowId(firstDelivery: DeliveryId, at: Date): string {
  return `deliver/${firstDelivery}/${at.getTime()}`;
}

/** The schedule of the retention, one a task queue, and the beginning of its workflows' ids. */
export function retentionId(taskQueue: string): string {
  return `retention/${taskQueue}`;
}

/** The schedule of the sweep, one a task queue, and the beginning of its workflows' ids. */
export function sweepId(taskQueue: string): string {
  return `sweep/${taskQueue}`;
}
