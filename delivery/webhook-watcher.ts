import type { Logger } from 'pino';
import type { HealthStarter } from '../temporal/health-starter.ts';
import type { WatchedWebhook } from '../temporal/webhook-workflow.ts';
import { TemporalUnavailable } from '../temporal/workflow-starter.ts';

/** Lets the health workflows of endpoints know of their webhooks, beside the answers to those who made or changed them. */
export interface WebhookWatcher {
  /** Starts the workflow of a new webhook, so that it is there for people. It need not be: whoever needs it starts it. */
  watch(webhook: WatchedWebhook): void;
  /** Tells the workflow that the webhook's policy was changed, or that the webhook was deleted. */
  tellChanged(webhook: WatchedWebhook): void;
  /** Resolves once everything was told. */
  close(): Promise<void>;
}

/** As many calls under way at once as do not keep others from Temporal. */
const mostAtOnce = 10;

/** A watcher that tries each call once: what cannot be told is logged, and fails no request. */
export function createWebhookWatcher({
  starter,
  log,
}: {
  starter: Pick<HealthStarter, 'startHealth' | 'tellChanged'>;
  log: Logger;
}): WebhookWatcher {
  const waiting: { webhook: WatchedWebhook; call: 'startHealth' | 'tellChanged' }[] = [];
  const workers = new Set<Promise<void>>();

  async function callAll() {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const { webhook, call } = next;
      try {
        await starter[call](webhook);
      } catch (error) {
        const reason = error instanceof TemporalUnavailable ? 'Temporal is not available' : String(error);
        log.warn({ webhook_id: webhook.id, call, reason }, 'a health workflow was not told of its webhook');
      }
    }
  }

  function add(webhook: WatchedWebhook, call: 'startHealth' | 'tellChanged') {
    waiting.push({ webhook: { id: webhook.id, account_id: webhook.account_id }, call });
    if (workers.size >= mostAtOnce) return;
    const worker = callAll().finally(() => workers.delete(worker));
    workers.add(worker);
  }

  return {
    watch: (webhook) => add(webhook, 'startHealth'),
    tellChanged: (webhook) => add(webhook, 'tellChanged'),
    async close() {
      await Promise.all(workers);
    },
  };
}
