import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import { askForLimits, giveSharesBack, type LimitGrant } from '../db/endpoint-limits.ts';
import type { WebhookId } from '../db/ids.ts';
import type { Demand, EndpointAllowance } from './endpoint-allowance.ts';

/** An endpoint for which something may be asked. */
export interface Asking {
  readonly id: WebhookId;
  readonly allowance: EndpointAllowance;
  /** How many wait for it here. */
  waiting(): number;
}

/** Asks the database for what endpoints need of their limits: one statement at a time, for all that need something. */
export interface LimitAsker<A extends Asking> {
  /** Asks for what the endpoint needs, now or when the statement under way is answered. Answers whether it needs anything. */
  askFor(asking: A): boolean;
  /** Asks no more, and gives back what is held of these. */
  close(shared: readonly A[]): Promise<void>;
}

const askTimeoutMs = 2_000;

/** `process` is what other processes know this one by; `onAnswer` hears of each endpoint once its allowance has changed. */
export function createLimitAsker<A extends Asking>({
  db,
  process,
  log,
  onAnswer,
}: {
  db: Database;
  process: string;
  log: Logger;
  onAnswer: (asking: A, grant: LimitGrant | undefined) => void;
}): LimitAsker<A> {
  const due = new Set<A>();
  let underWay: Promise<void> | undefined;
  let isClosed = false;

  function askAll() {
    if (underWay !== undefined || isClosed || due.size === 0) return;
    const now = performance.now();
    const asked = [...due].flatMap((asking) => {
      const demand = asking.allowance.demand(now, asking.waiting());
      if (demand === null) return [];
      asking.allowance.asked(now, demand);
      return [{ asking, demand }];
    });
    due.clear();
    if (asked.length === 0) return;
    underWay = answer(asked).finally(() => {
      underWay = undefined;
      askAll();
    });
  }

  async function answer(asked: readonly { asking: A; demand: Demand }[]) {
    const demands = asked.map(({ asking, demand }) => ({ webhook_id: asking.id, ...demand }));
    let grants: LimitGrant[] = [];
    try {
      grants = await askForLimits(db, process, demands, { timeoutMs: askTimeoutMs });
    } catch (error) {
      const kind = error instanceof Error ? error.name : 'Error';
      log.warn({ endpoints: asked.length, reason: kind }, 'endpoints’ limits were not to be had');
    }
    const receivedAt = performance.now();
    const byWebhook = new Map(grants.map((grant) => [grant.webhook_id, grant]));
    for (const { asking } of asked) {
      const grant = byWebhook.get(asking.id);
      if (grant === undefined) asking.allowance.failed(receivedAt);
      else asking.allowance.granted(grant, receivedAt);
    }
    for (const { asking } of asked) onAnswer(asking, byWebhook.get(asking.id));
  }

  return {
    askFor(asking) {
      if (isClosed || asking.allowance.demand(performance.now(), asking.waiting()) === null) return false;
      due.add(asking);
      askAll();
      return true;
    },

    async close(shared) {
      isClosed = true;
      await underWay;
      if (shared.length === 0) return;
      await giveSharesBack(
        db,
        process,
        shared.map(({ id }) => id),
      ).catch(() => {
        // Then they come back by themselves, in some seconds.
      });
    },
  };
}
