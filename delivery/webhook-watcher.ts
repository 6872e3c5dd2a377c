import type { Logger } from 'pino';
import type { HealthStarter } from '../temporal/health-starter.ts';
import type { WatchedWebhook } from '../temporal/webhook-workflow.ts';
import { TemporalUnavailable } from '../temporal/workflow-starter.ts';
import { createPace, type Pace } from './pace.ts';

/** Lets the health workflows of endpoints know of their webhooks, beside the answers to those who made or changed them. */
export interface WebhookWatcher {
  /** Starts the workflow of a new webhook, so that it is there for people. It need not be: whoever needs it starts it. */
  watch(webhook: WatchedWebhook): void;
  /** Tells the workflow that the webhook's policy was changed, or that the webhook was deleted. */
  tellChanged(webhook: WatchedWebhook): void;
  /** Resolves once all changes were told. */
  close(): Promise<void>;
}

/** As many calls under way at once as do not keep others from Temporal. */
const mostAtOnce = 10;
/** A start costs some 40 ms of processor time over all parts: while more than these wait for theirs, only so many a second are made. */
const fewStarts = 10;
const startsPerSecond = 2;

/**
 * A watcher that tries each call once: what cannot be told is logged, and fails no request. The workflows of new webhooks
 * start one after the other, and those that still wait when it is closed are left to whoever needs them.
 */
export function createWebhookWatcher({
  starter,
  log,
  pace = createPace(),
}: {
  starter: Pick<HealthStarter, 'startHealth' | 'tellChanged'>;
  log: Logger;
  pace?: Pick<Pace, 'turn'>;
}): WebhookWatcher {
  const made: WatchedWebhook[] = [];
  const changed: WatchedWebhook[] = [];
  const workers = new Set<Promise<void>>();
  let isStarting = false;
  let telling = 0;

  async function call(name: 'startHealth' | 'tellChanged', webhook: WatchedWebhook) {
    try {
      await starter[name](webhook);
    } catch (error) {
      const reason = error instanceof TemporalUnavailable ? 'Temporal is not available' : String(error);
      log.warn(
        { webhook_id: webhook.id, call: name, reason },
        'a health workflow was not told of its webhook',
      );
    }
  }

  async function startAll() {
    isStarting = true;
    for (let next = made.shift(); next !== undefined; next = made.shift()) {
      await call('startHealth', next);
      if (made.length > fewStarts) await pace.turn(startsPerSecond);
    }
    isStarting = false;
  }

  async function tellAll() {
    telling += 1;
    for (let next = changed.shift(); next !== undefined; next = changed.shift()) {
      await call('tellChanged', next);
    }
    telling -= 1;
  }

  function work(all: () => Promise<void>) {
    const worker = all().finally(() => workers.delete(worker));
    workers.add(worker);
  }

  const idsOf = ({ id, account_id }: WatchedWebhook): WatchedWebhook => ({ id, account_id });
  return {
    watch(webhook) {
      made.push(idsOf(webhook));
      if (!isStarting) work(startAll);
    },
    tellChanged(webhook) {
      changed.push(idsOf(webhook));
      if (telling < mostAtOnce) work(tellAll);
    },
    async close() {
      made.length = 0;
      await Promise.all(workers);
    },
  };
}
