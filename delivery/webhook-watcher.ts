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
/** A start costs as much as some twenty deliveries: while more than these wait for theirs, only so many a second are made. */
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
  const calling = new Set<Promise<void>>();

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

  /** Calls for one webhook after the other, for so many at once; `rest` comes after each call, with how many still wait. */
  function line(
    name: 'startHealth' | 'tellChanged',
    { atOnce, rest }: { atOnce: number; rest?: (waiting: number) => Promise<void> },
  ) {
    const waiting: WatchedWebhook[] = [];
    let callers = 0;

    async function callAll() {
      callers += 1;
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await call(name, next);
        await rest?.(waiting.length);
      }
      callers -= 1;
    }

    return {
      add({ id, account_id }: WatchedWebhook) {
        waiting.push({ id, account_id });
        if (callers >= atOnce) return;
        const all = callAll().finally(() => calling.delete(all));
        calling.add(all);
      },
      leave() {
        waiting.length = 0;
      },
    };
  }

  const made = line('startHealth', {
    atOnce: 1,
    async rest(waiting) {
      if (waiting > fewStarts) await pace.turn(startsPerSecond);
    },
  });
  const changed = line('tellChanged', { atOnce: mostAtOnce });
  return {
    watch: made.add,
    tellChanged: changed.add,
    async close() {
      made.leave();
      await Promise.all(calling);
    },
  };
}
