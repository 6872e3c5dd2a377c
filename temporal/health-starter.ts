import type { Client } from '@temporalio/client';
import type { Outcome } from '../webhook/endpoint-health.ts';
import type { Health } from '../workflows/describe-health.ts';
import type {
  attempts,
  disableEndpoint,
  EndpointHealthInput,
  enableEndpoint,
  endpointHealth,
  webhookChanged,
} from '../workflows/endpoint-health.ts';
import type { EndpointRequest } from '../workflows/endpoint-request.ts';
import type { Endpoint } from '../workflows/endpoint-steps.ts';
import { createWebhookWorkflow, type WatchedWebhook } from './webhook-workflow.ts';
import { healthWorkflowId } from './workflow-ids.ts';

/**
 * What is asked of endpoints' health workflows. Whatever is asked starts one that is not there: it goes on from the database.
 * Each throws TemporalUnavailable.
 */
export interface HealthStarter {
  /** Starts the workflow; `running` when it is there already. Without what is `stored` it looks that up, which costs more. */
  startHealth(
    webhook: WatchedWebhook,
    stored?: Pick<Endpoint, 'health' | 'policy' | 'probe_scale'>,
  ): Promise<'started' | 'running'>;
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

export function createHealthStarter(options: {
  client: Client;
  taskQueue: string;
  /** How long to wait until an endpoint is enabled or disabled. */
  answerMs?: number;
}): HealthStarter {
  const workflow = createWebhookWorkflow({
    ...options,
    type: 'endpointHealth' satisfies (typeof endpointHealth)['name'],
    workflowIdOf: healthWorkflowId,
    summaryOf: (webhook) => `the health of the endpoint of ${webhook}`,
    // Longer than that of other workflows: a burst of signals is replayed in one task.
    workflowTaskTimeout: '10s',
  });
  const changed: (typeof webhookChanged)['name'] = 'webhookChanged';
  return {
    startHealth(webhook, stored) {
      if (stored === undefined) return workflow.start(webhook);
      const endpoint: Endpoint = { ...stored, webhook_id: webhook.id, saved_at: 0, is_saved: true };
      const carried: EndpointHealthInput['carried'] = { endpoint, outcomes: [] };
      return workflow.start(webhook, { carried });
    },
    tellOutcomes: (webhook, outcomes) =>
      workflow.signalWithStart(webhook, 'attempts' satisfies (typeof attempts)['name'], [outcomes]),
    tellChanged: (webhook) => workflow.signalWithStart(webhook, changed),
    tellDeleted: (webhook) => workflow.signal(webhook, changed),
    enable: (webhook, request) =>
      workflow.update(webhook, 'enableEndpoint' satisfies (typeof enableEndpoint)['name'], request),
    disable: (webhook, request) =>
      workflow.update(webhook, 'disableEndpoint' satisfies (typeof disableEndpoint)['name'], request),
  };
}
