import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { AccountId, WebhookId } from '../db/ids.ts';
import type { HealthStarter } from '../temporal/health-starter.ts';
import { TemporalUnavailable } from '../temporal/workflow-starter.ts';
import type { Outcome } from '../webhook/endpoint-health.ts';

/** Tells the health workflows of endpoints what attempts came to. */
export interface HealthReporter {
  /** Tells it soon, beside the caller's work: where it cannot be told, the sweep does it later from the database. */
  report(webhook: { webhook_id: WebhookId; account_id: AccountId }, outcome: Outcome): void;
  /** Resolves once all was told. */
  close(): Promise<void>;
}

/**
 * What gathers while the last batch is under way, and for so many seconds after it, goes in one signal: for one, then for twice as long each
 * time while attempts go on to fail, since a signal costs as much as some twenty of them.
 */
const mostSeconds = 10;
/**
 * An endpoint of which nothing has come for so many times that long is forgotten, and told of at once when it fails again. Until then what comes
 * waits a second for others: attempts that began together fail together, a timeout later.
 */
const quietRounds = 2;
/**
 * Endpoints that begin to fail together (a host of many) are not told of together for ever: such a second is up to this shorter, in ms, and there are
 * up to so many more of them.
 */
const apart = { ms: 250, seconds: 2 };
const mostPerSignal = 500;

/** A reporter with at most one signal to an endpoint under way, the first of which goes at once. */
export function createHealthReporter({
  starter,
  log,
  wait = (ms) => delay(ms, undefined, { ref: false }),
  random = Math.random,
}: {
  starter: Pick<HealthStarter, 'tellOutcomes'>;
  log: Logger;
  wait?: (ms: number) => Promise<unknown>;
  /** Between 0 and 1, as `Math.random`. */
  random?: () => number;
}): HealthReporter {
  const waiting = new Map<WebhookId, { account_id: AccountId; outcomes: Outcome[] }>();
  const telling = new Map<WebhookId, Promise<void>>();
  let isClosing = false;

  async function tellAll(webhookId: WebhookId) {
    let seconds = 1;
    let quiet = 0;
    while (waiting.has(webhookId) || (quiet < quietRounds && !isClosing)) {
      const isTold = await tellNext(webhookId);
      quiet = isTold ? 0 : quiet + 1;
      await gather(webhookId, { seconds, isQuiet: !isTold });
      if (isTold) seconds = longer(seconds);
    }
  }

  /** Answers whether anything waited. */
  async function tellNext(webhookId: WebhookId): Promise<boolean> {
    const next = waiting.get(webhookId);
    if (next === undefined) return false;
    const batch = next.outcomes.splice(0, mostPerSignal);
    if (next.outcomes.length === 0) waiting.delete(webhookId);
    await tell({ id: webhookId, account_id: next.account_id }, batch);
    return true;
  }

  function longer(seconds: number) {
    if (2 * seconds < mostSeconds) return 2 * seconds;
    return mostSeconds + Math.floor((apart.seconds + 1) * random());
  }

  /** What is more than one failure among many does not wait for others, and no failure for long after a time without any. */
  async function gather(webhookId: WebhookId, { seconds, isQuiet }: { seconds: number; isQuiet: boolean }) {
    for (let gathered = 0; gathered < seconds && !isClosing; gathered += 1) {
      await wait(1_000 - apart.ms * random());
      const outcomes = waiting.get(webhookId)?.outcomes ?? [];
      if (outcomes.length >= mostPerSignal || (isQuiet && outcomes.length > 0)) return;
      if (outcomes.some(({ succeeded, gone, spent_delivery }) => succeeded || gone || spent_delivery)) return;
    }
  }

  async function tell(webhook: { id: WebhookId; account_id: AccountId }, batch: Outcome[]) {
    try {
      await starter.tellOutcomes(webhook, batch);
    } catch (error) {
      const reason = error instanceof TemporalUnavailable ? 'Temporal is not available' : String(error);
      log.warn(
        { webhook_id: webhook.id, outcomes: batch.length, reason },
        'outcomes were not told to the health workflow: the sweep will tell them',
      );
    }
  }

  return {
    report({ webhook_id, account_id }, outcome) {
      const batch = waiting.get(webhook_id);
      if (batch === undefined) waiting.set(webhook_id, { account_id, outcomes: [outcome] });
      else batch.outcomes.push(outcome);
      if (telling.has(webhook_id)) return;
      const done = tellAll(webhook_id).finally(() => telling.delete(webhook_id));
      telling.set(webhook_id, done);
    },

    async close() {
      isClosing = true;
      await Promise.all(telling.values());
    },
  };
}
