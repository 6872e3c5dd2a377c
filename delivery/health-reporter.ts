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
 * A signal costs as much as some twenty attempts. So many failures in a row are told of as they come, a second apart: policies count to few. Those after them when half as many
 * again have come, or so many seconds have passed.
 */
const toldAsTheyCome = 10;
const mostSeconds = 30;
/** Endpoints that begin to fail together (a host of many) are not told of together for ever: such a second may be as short as this, in ms. */
const shortestSecondMs = 500;
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
    let failures = 0;
    for (let next = waiting.get(webhookId); next !== undefined; next = waiting.get(webhookId)) {
      const batch = next.outcomes.splice(0, mostPerSignal);
      if (next.outcomes.length === 0) waiting.delete(webhookId);
      await tell({ id: webhookId, account_id: next.account_id }, batch);
      failures = batch.some(({ succeeded }) => succeeded) ? 0 : failures + batch.length;
      await gather(webhookId, failures < toldAsTheyCome ? 1 : Math.min(failures / 2, mostPerSignal));
    }
  }

  /** What is more than one failure among many does not wait for others. */
  async function gather(webhookId: WebhookId, enough: number) {
    const secondMs = 1_000 - (1_000 - shortestSecondMs) * random();
    for (let seconds = 0; seconds < mostSeconds && !isClosing; seconds += 1) {
      await wait(secondMs);
      const outcomes = waiting.get(webhookId)?.outcomes ?? [];
      if (outcomes.length >= enough) return;
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
