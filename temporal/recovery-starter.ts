import type { Client } from '@temporalio/client';
import type { RecoverRequest } from '../workflows/recover-request.ts';
import type {
  cancelRecovery,
  goOn,
  progressQuery,
  RecoveryProgress,
  recover,
  recoverWebhook,
} from '../workflows/recover-webhook.ts';
import { createWebhookWorkflow, type WatchedWebhook } from './webhook-workflow.ts';
import { recoverWorkflowId } from './workflow-ids.ts';

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

export function createRecoveryStarter(options: {
  client: Client;
  taskQueue: string;
  /** How long to wait for a worker to answer. */
  answerMs?: number;
}): RecoveryStarter {
  const workflow = createWebhookWorkflow({
    ...options,
    type: 'recoverWebhook' satisfies (typeof recoverWebhook)['name'],
    workflowIdOf: recoverWorkflowId,
    summaryOf: (webhook) => `sends what the endpoint of ${webhook} has missed`,
    workflowTaskTimeout: '5s',
  });
  const goOnName: (typeof goOn)['name'] = 'goOn';
  return {
    startRecovery: (webhook) => workflow.signalWithStart(webhook, goOnName),
    ensureRecovery: workflow.start,
    recover: (webhook, request) =>
      workflow.signalWithStart(webhook, 'recover' satisfies (typeof recover)['name'], [request]),
    progress: (webhook) =>
      workflow.query<RecoveryProgress>(webhook, 'progress' satisfies (typeof progressQuery)['name']),
    cancel: (webhook) => workflow.update(webhook, 'cancelRecovery' satisfies (typeof cancelRecovery)['name']),
    tellChanged: (webhook) =>
      workflow.signal(webhook, goOnName).catch(() => {
        // It finds out by itself.
      }),
  };
}
