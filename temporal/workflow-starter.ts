import { type Client, ServiceError, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import type { AccountId, AttemptId, DeliveryId, EventId, WebhookId } from '../db/ids.ts';
import type { announceInbox, listChanged } from '../workflows/announce-inbox.ts';
import type { attemptOnce } from '../workflows/attempt-once.ts';
import type { deliverEvents, deliveryEnded, lookAgain } from '../workflows/deliver-events.ts';
import { searchAttributesOf } from './search-attributes.ts';
import { attemptWorkflowId, inboxWorkflowId } from './workflow-ids.ts';

/** What the API, the intake and the sweep ask of Temporal. */
export interface WorkflowStarter {
  /**
   * Starts the workflow that owns the deliveries stored under this workflow id; `running` when it is there already.
   * @throws TemporalUnavailable
   */
  startDeliverEvents(workflow: {
    workflow_id: string;
    event_ids: readonly EventId[];
    webhook_ids: readonly WebhookId[];
    account_ids: readonly AccountId[];
  }): Promise<'started' | 'running'>;
  /**
   * Starts the workflow that makes one attempt of a delivery, whatever its status, and never repeats it. Starting it twice
   * with the same attempt is one attempt.
   * @throws TemporalUnavailable
   */
  startManualAttempt(deliveryId: DeliveryId, attemptId: AttemptId): Promise<void>;
  /**
   * Tells the workflow that owns a delivery that it has ended elsewhere (cancelled, or delivered by hand), so that it
   * need not wait for the next attempt to find out. Best effort: never throws.
   */
  tellDeliveryEnded(workflowId: string, deliveryId: DeliveryId): Promise<void>;
  /**
   * Tells a workflow that attempts were made of deliveries which waited for their endpoints' limits. Best effort: never
   * throws.
   */
  tellToLookAgain(workflowId: string, deliveryIds: DeliveryId[]): Promise<void>;
  /**
   * Tells the workflow that announces a contact's list that it changed, and starts it when it is not running: so a change
   * is not missed by one that is about to end.
   * @throws TemporalUnavailable
   */
  tellListChanged(list: ContactList): Promise<void>;
  /**
   * Starts the workflow that announces a contact's list; `running` when it is there already.
   * @throws TemporalUnavailable
   */
  startAnnounceInbox(list: ContactList): Promise<'started' | 'running'>;
}

/** A contact's list, without anything personal. */
export interface ContactList {
  account_id: AccountId;
  contact_hash: string;
}

/** Temporal cannot be reached: the same request may succeed later. */
export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable';
}

const mostSummarisedIds = 3;

/** A starter on a client. `requestEagerStart` needs the client to share its connection with a worker of this process. */
export function createWorkflowStarter({
  client,
  taskQueue,
  requestEagerStart,
}: {
  client: Client;
  taskQueue: string;
  requestEagerStart: boolean;
}): WorkflowStarter {
  const announceOptions = (list: ContactList) => ({
    taskQueue,
    workflowId: inboxWorkflowId(list),
    args: [list] as [ContactList],
    workflowTaskTimeout: '5s' as const,
    typedSearchAttributes: searchAttributesOf({ account_ids: [list.account_id] }),
    staticSummary: `announces the list of a contact of ${list.account_id}`,
  });

  return {
    async startDeliverEvents(workflow) {
      try {
        await client.workflow.start<typeof deliverEvents>('deliverEvents', {
          taskQueue,
          workflowId: workflow.workflow_id,
          // Shorter than the default, since a worker that died is noticed by this (the local activity runs within it).
          workflowTaskTimeout: '5s',
          requestEagerStart,
          typedSearchAttributes: searchAttributesOf(workflow),
          staticSummary: summaryOf(workflow.event_ids, workflow.webhook_ids),
        });
        return 'started';
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return 'running';
        throw unavailableOr(error);
      }
    },

    async startManualAttempt(deliveryId, attemptId) {
      try {
        await client.workflow.start<typeof attemptOnce>('attemptOnce', {
          taskQueue,
          workflowId: attemptWorkflowId(attemptId),
          args: [{ delivery_id: deliveryId, attempt_id: attemptId }],
          workflowTaskTimeout: '5s',
          requestEagerStart,
          staticSummary: `one attempt of ${deliveryId}, asked for by hand`,
        });
      } catch (error) {
        if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw unavailableOr(error);
      }
    },

    async tellListChanged(list) {
      const signal: (typeof listChanged)['name'] = 'listChanged';
      try {
        await client.workflow.signalWithStart<typeof announceInbox>('announceInbox', {
          ...announceOptions(list),
          signal,
        });
      } catch (error) {
        throw unavailableOr(error);
      }
    },

    async startAnnounceInbox(list) {
      try {
        await client.workflow.start<typeof announceInbox>('announceInbox', announceOptions(list));
        return 'started';
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return 'running';
        throw unavailableOr(error);
      }
    },

    async tellDeliveryEnded(workflowId, deliveryId) {
      const name: (typeof deliveryEnded)['name'] = 'deliveryEnded';
      await client.workflow
        .getHandle(workflowId)
        .signal(name, deliveryId)
        .catch(() => {
          // The workflow has ended, or finds out from the database at its next attempt.
        });
    },

    async tellToLookAgain(workflowId, deliveryIds) {
      const name: (typeof lookAgain)['name'] = 'lookAgain';
      await client.workflow
        .getHandle(workflowId)
        .signal<[string[]]>(name, deliveryIds)
        .catch(() => {
          // It looks by itself when they should have gone out.
        });
    },
  };
}

/** TemporalUnavailable in place of a failed call; every other error as it is. */
export function unavailableOr(error: unknown): unknown {
  return error instanceof ServiceError ? new TemporalUnavailable('Temporal is not available') : error;
}

function summaryOf(eventIds: readonly EventId[], webhookIds: readonly WebhookId[]): string {
  return `${listed(new Set(eventIds), 'events')} to ${listed(new Set(webhookIds), 'webhooks')}`;
}

function listed(ids: ReadonlySet<string>, plural: string): string {
  return ids.size <= mostSummarisedIds ? [...ids].join(', ') : `${ids.size} ${plural}`;
}
