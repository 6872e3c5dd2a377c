import type { AccountId, AttemptId, EventId } from '../db/ids.ts';

/** The workflow that owns an event's deliveries, and those of the events that joined its group. */
export function deliverWorkflowId(firstEvent: EventId): string {
  return `deliver/${firstEvent}`;
}

/** The workflow of one attempt that someone asked for. */
export function attemptWorkflowId(attempt: AttemptId): string {
  return `attempt/${attempt}`;
}

/** The workflow that announces the changes of a contact's list. The contact's id is personal: only its hash is shown. */
export function inboxWorkflowId(list: { account_id: AccountId; contact_hash: string }): string {
  return `inbox/${list.account_id}/${list.contact_hash}`;
}

/** The schedule of the sweep, one a task queue, and the beginning of its workflows' ids. */
export function sweepId(taskQueue: string): string {
  return `sweep/${taskQueue}`;
}
