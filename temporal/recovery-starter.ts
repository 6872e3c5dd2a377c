import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import type { RecoverRequest } from '../workflows/recover-request.ts';
import type {
  cancelRecovery,
  goOn,
  progressQuery,
  RecoveryProgress,
  recover,
  recoverWebhook,
} from '../workflows/recover-webhook.ts';
import type { WatchedWebhook } from './health-starter.ts';
import { searchAttributesOf } from './search-attributes.ts';
import { recoverWorkflowId } from './workflow-ids.ts';
import { TemporalUnavailable, unavailableOr } from './workflow-starter.ts';

/** What is asked of webhooks' recoveries. Each throws TemporalUnavailable. */
export interface RecoveryStarter {
  /** Sends out what is held for the webhook: starts its recovery, or lets one that is paused go on. */
  startRecovery(webhook: WatchedWebhook): Promise<void>;
  /** Starts its recovery; one that is there already is left as it is. */
  ensureRecovery(webhook: WatchedWebhook): Promise<'started' | 'running'>;
  /** Sends again what has ended, as part of the recovery under way or of a new one. */
  recover(webhook: WatchedWebhook, request: RecoverRequest): Promise<void>;
  /** How far the webhook's last recovery has come; undefined when Temporal knows of none. */
  progress(webhook: WatchedWebhook): Promise<RecoveryProgress | undefined>;
  /** Takes back what is to be sent again and is not yet sent; resolves, with how many, once the database says so. */
  cancel(webhook: WatchedWebhook): Promise<number>;
  /**
   * Lets a recovery that is paused look again: its webhook was deleted, or what was held is discarded. Best effort, never
   * throws: it looks by itself once a day.
   */
  tellChanged(webhook: WatchedWebhook): Promise<void>;
}

const usualAnswerMs = 10_000;

export function createRecoveryStarter({
  client,
  taskQueue,
  answerMs = usualAnswerMs,
}: {
  client: Client;
  taskQueue: string;
  /** How long to wait for a worker to answer. */
  answerMs?: number;
}): RecoveryStarter {
  const options = (webhook: WatchedWebhook) => ({
    taskQueue,
    workflowId: recoverWorkflowId(webhook.id),
    args: [{ webhook_id: webhook.id, account_id: webhook.account_id }] as Parameters<typeof recoverWebhook>,
    workflowTaskTimeout: '5s' as const,
    typedSearchAttributes: searchAttributesOf({
      webhook_ids: [webhook.id],
      account_ids: [webhook.account_id],
    }),
    staticSummary: `sends what the endpoint of ${webhook.id} has missed`,
  });
  const goOnName: (typeof goOn)['name'] = 'goOn';

  async function signal(webhook: WatchedWebhook, name: string, args: unknown[]) {
    try {
      await client.workflow.signalWithStart<typeof recoverWebhook, unknown[]>('recoverWebhook', {
        ...options(webhook),
        signal: name,
        signalArgs: args,
      });
    } catch (error) {
      throw unavailableOr(error);
    }
  }

  return {
    startRecovery: (webhook) => signal(webhook, goOnName, []),

    async ensureRecovery(webhook) {
      try {
        await client.workflow.start<typeof recoverWebhook>('recoverWebhook', options(webhook));
        return 'started';
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return 'running';
        throw unavailableOr(error);
      }
    },

    recover: (webhook, request) => signal(webhook, 'recover' satisfies (typeof recover)['name'], [request]),

    async progress(webhook) {
      try {
        const handle = client.workflow.getHandle(recoverWorkflowId(webhook.id));
        const name: (typeof progressQuery)['name'] = 'progress';
        return await client.withDeadline(Date.now() + answerMs, () => handle.query<RecoveryProgress>(name));
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw unavailableOr(error);
      }
    },

    async cancel(webhook) {
      const name: (typeof cancelRecovery)['name'] = 'cancelRecovery';
      const answer = () =>
        client.workflow.executeUpdateWithStart<typeof recoverWebhook, number, []>(name, {
          startWorkflowOperation: new WithStartWorkflowOperation<typeof recoverWebhook>('recoverWebhook', {
            ...options(webhook),
            workflowIdConflictPolicy: 'USE_EXISTING',
          }),
        });
      try {
        return await client.withDeadline(Date.now() + answerMs, answer);
      } catch (error) {
        // Without a worker it would be waited for without end.
        if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError) {
          throw new TemporalUnavailable('No worker answered in time');
        }
        throw unavailableOr(error);
      }
    },

    async tellChanged(webhook) {
      await client.workflow
        .getHandle(recoverWorkflowId(webhook.id))
        .signal(goOnName)
        .catch(() => {
          // None is under way, or it finds out by itself.
        });
    },
  };
}
