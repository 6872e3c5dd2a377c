import {
  type Client,
  WithStartWorkflowOperation,
  WorkflowExecutionAlreadyStartedError,
  WorkflowNotFoundError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import type { AccountId, WebhookId } from '../db/ids.ts';
import { searchAttributesOf } from './search-attributes.ts';
import { TemporalUnavailable, unavailableOr } from './workflow-starter.ts';

/** A webhook with workflows of its own. */
export interface WatchedWebhook {
  id: WebhookId;
  account_id: AccountId;
}

/** What is asked of the one workflow of a kind that a webhook has. Each throws TemporalUnavailable. */
export interface WebhookWorkflow {
  /** `running` when it is there already. `known` goes to it beside the ids. */
  start(webhook: WatchedWebhook, known?: object): Promise<'started' | 'running'>;
  /** Starts it when it is not there. */
  signalWithStart(webhook: WatchedWebhook, name: string, args?: unknown[]): Promise<void>;
  /** Only when it is there. */
  signal(webhook: WatchedWebhook, name: string): Promise<void>;
  /** Starts it when it is not there; resolves with a worker's answer. */
  update<Result>(webhook: WatchedWebhook, name: string, request?: object): Promise<Result>;
  /** A worker's answer; undefined when there is no such workflow. */
  query<Result>(webhook: WatchedWebhook, name: string): Promise<Result | undefined>;
}

/** What the workflows are started with: they find everything else in the database, but for what comes with a new one. */
type Started = (input: { webhook_id: string; account_id: string }) => Promise<unknown>;

const usualAnswerMs = 10_000;

export function createWebhookWorkflow({
  client,
  taskQueue,
  type,
  workflowIdOf,
  summaryOf,
  workflowTaskTimeout,
  answerMs = usualAnswerMs,
}: {
  client: Client;
  taskQueue: string;
  type: string;
  workflowIdOf: (webhook: WebhookId) => string;
  /** For the Temporal UI. */
  summaryOf: (webhook: WebhookId) => string;
  workflowTaskTimeout: '5s' | '10s';
  /** How long to wait for a worker to answer. */
  answerMs?: number | undefined;
}): WebhookWorkflow {
  const options = (webhook: WatchedWebhook, known: object = {}) => ({
    taskQueue,
    workflowId: workflowIdOf(webhook.id),
    args: [{ ...known, webhook_id: webhook.id, account_id: webhook.account_id }] as Parameters<Started>,
    workflowTaskTimeout,
    typedSearchAttributes: searchAttributesOf({
      webhook_ids: [webhook.id],
      account_ids: [webhook.account_id],
    }),
    staticSummary: summaryOf(webhook.id),
  });
  const handleOf = (webhook: WatchedWebhook) => client.workflow.getHandle(workflowIdOf(webhook.id));

  return {
    async start(webhook, known) {
      try {
        await client.workflow.start<Started>(type, options(webhook, known));
        return 'started';
      } catch (error) {
        if (error instanceof WorkflowExecutionAlreadyStartedError) return 'running';
        throw unavailableOr(error);
      }
    },

    async signalWithStart(webhook, name, args = []) {
      try {
        await client.workflow.signalWithStart<Started, unknown[]>(type, {
          ...options(webhook),
          signal: name,
          signalArgs: args,
        });
      } catch (error) {
        throw unavailableOr(error);
      }
    },

    async signal(webhook, name) {
      try {
        await handleOf(webhook).signal(name);
      } catch (error) {
        if (!(error instanceof WorkflowNotFoundError)) throw unavailableOr(error);
      }
    },

    async update<Result>(webhook: WatchedWebhook, name: string, request?: object): Promise<Result> {
      const startWorkflowOperation = new WithStartWorkflowOperation<Started>(type, {
        ...options(webhook),
        workflowIdConflictPolicy: 'USE_EXISTING',
      });
      const answer = () =>
        client.workflow.executeUpdateWithStart<Started, Result, unknown[]>(name, {
          args: request === undefined ? [] : [request],
          startWorkflowOperation,
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

    async query<Result>(webhook: WatchedWebhook, name: string): Promise<Result | undefined> {
      try {
        const ask = () => handleOf(webhook).query<Result>(name);
        return await client.withDeadline(Date.now() + answerMs, ask);
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw unavailableOr(error);
      }
    },
  };
}
