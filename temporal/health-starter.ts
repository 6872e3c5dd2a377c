import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import type { AccountId, WebhookId } from '../db/ids.ts';
import type { Outcome } from '../webhook/endpoint-health.ts';
import type { Health } from '../workflows/describe-health.ts';
import type {
  attempts,
  disableEndpoint,
  enableEndpoint,
  endpointHealth,
  webhookChanged,
} from '../workflows/endpoint-health.ts';
import type { EndpointRequest } from '../workflows/endpoint-request.ts';
import { searchAttributesOf } from './search-attributes.ts';
import { healthWorkflowId } from './workflow-ids.ts';
import { TemporalUnavailable, unavailableOr } from './workflow-starter.ts';

/** A webhook whose endpoint has a health workflow. */
export interface WatchedWebhook {
  id: WebhookId;
  account_id: AccountId;
}

/**
 * What is asked of endpoints' health workflows. Whatever is asked starts one that is not there: it goes on from the database.
 * Each throws TemporalUnavailable.
 */
export interface HealthStarter {
  /** Starts the workflow; `running` when it is there already. */
  startHealth(webhook: WatchedWebhook): Promise<'started' | 'running'>;
  tellOutcomes(webhook: WatchedWebhook, outcomes: readonly Outcome[]): Promise<void>;
  /** The webhook's policy was changed, or the webhook was deleted: the workflow looks into the database. */
  tellChanged(webhook: WatchedWebhook): Promise<void>;
  /** As `tellChanged`, but starts nothing: the workflow of a deleted webhook has usually ended. */
  tellDeleted(webhook: WatchedWebhook): Promise<void>;
  /** Enables the endpoint; resolves once the database says so, with its health then, null when the webhook is deleted. */
  enable(webhook: WatchedWebhook, request: Partial<EndpointRequest>): Promise<Health | null>;
  /** Disables the endpoint; resolves as `enable`. */
  disable(webhook: WatchedWebhook, request: Partial<Omit<EndpointRequest, 'held'>>): Promise<Health | null>;
}

const usualAnswerMs = 10_000;

export function createHealthStarter({
  client,
  taskQueue,
  answerMs = usualAnswerMs,
}: {
  client: Client;
  taskQueue: string;
  /** How long to wait until an endpoint is enabled or disabled. */
  answerMs?: number;
}): HealthStarter {
  const options = (webhook: WatchedWebhook) => ({
    taskQueue,
    workflowId: healthWorkflowId(webhook.id),
    args: [{ webhook_id: webhook.id, account_id: webhook.account_id }] as Parameters<typeof endpointHealth>,
    // Longer than that of other workflows: a burst of signals is replayed in one task.
    workflowTaskTimeout: '10s' as const,
    typedSearchAttributes: searchAttributesOf({
      webhook_ids: [webhook.id],
      account_ids: [webhook.account_id],
    }),
    staticSummary: `the health of the endpoint of ${webhook.id}`,
  });

  async function signal(webhook: WatchedWebhook, name: string, args: unknown[]) {
    try {
      await client.workflow.signalWithStart<typeof endpointHealth, unknown[]>('endpointHealth', {
        ...options(webhook),
        signal: name,
        signalArgs: args,
      });
    } catch (error) {
      throw unavailableOr(error);
    }
  }

  async function update(webhook: WatchedWebhook, name: string, request: object): Promise<Health | null> {
    const start = new WithStartWorkflowOperation<typeof endpointHealth>('endpointHealth', {
      ...options(webhook),
      workflowIdConflictPolicy: 'USE_EXISTING',
    });
    const answer = () =>
      client.workflow.executeUpdateWithStart<typeof endpointHealth, Health | null, [object]>(name, {
        args: [request],
        startWorkflowOperation: start,
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
  }

  return {
    async startHealth(webhook) {
      try {
        await client.workflow.start<typeof endpointHealth>('endpointHealth', options(webhook));
        return 'started';
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return 'running';
        throw unavailableOr(error);
      }
    },
    tellOutcomes: (webhook, outcomes) =>
      signal(webhook, 'attempts' satisfies (typeof attempts)['name'], [outcomes]),
    tellChanged: (webhook) => signal(webhook, 'webhookChanged' satisfies (typeof webhookChanged)['name'], []),
    async tellDeleted(webhook) {
      try {
        const name: (typeof webhookChanged)['name'] = 'webhookChanged';
        await client.workflow.getHandle(healthWorkflowId(webhook.id)).signal(name);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw unavailableOr(error);
      }
    },
    enable: (webhook, request) =>
      update(webhook, 'enableEndpoint' satisfies (typeof enableEndpoint)['name'], request),
    disable: (webhook, request) =>
      update(webhook, 'disableEndpoint' satisfies (typeof disableEndpoint)['name'], request),
  };
}
