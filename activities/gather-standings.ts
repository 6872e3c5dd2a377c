import type { DeliveryId, WebhookId } from '../db/ids.ts';
import { type Standing, type Unsettled, unsettled } from './settlement.ts';

/** A delivery, as far as a workflow is told of it. */
export interface Told {
  id: DeliveryId;
  webhook: { id: WebhookId };
}

/** Where deliveries stand in a moment: when their attempts have ended. */
export interface Settling {
  deliveries: readonly Told[];
  /** Rejects with faults of our own. */
  standings: Promise<Standing[]>;
}

/** After a fault of our own it is tried again, in ms; the workflow's page shows the fault meanwhile. */
const afterFaultMs = 1_000;

/**
 * Waits for attempts under way: until all have ended, for `patienceMs` at most, and no longer than until the first of those
 * that failed is to be attempted again.
 */
export async function gatherStandings(
  all: readonly (Standing | Settling)[],
  patienceMs: number,
): Promise<Standing[]> {
  const standings = all.filter((one): one is Standing => !isSettling(one));
  const underWay = new Set(all.filter(isSettling));
  await new Promise<void>((resolve) => {
    let until = performance.now() + patienceMs;
    let timer: NodeJS.Timeout;
    const look = () => {
      clearTimeout(timer);
      if (underWay.size === 0) return resolve();
      timer = setTimeout(resolve, Math.max(0, until - performance.now()));
    };
    for (const one of underWay) {
      const ended = one.standings.catch((error: unknown) =>
        one.deliveries.map((delivery) => afterFault(delivery, error)),
      );
      ended.then((ended) => {
        underWay.delete(one);
        standings.push(...ended);
        for (const standing of ended)
          if (typeof standing !== 'string') until = Math.min(until, standing.due_at);
        look();
      });
    }
    look();
  });
  for (const { deliveries } of underWay)
    standings.push(...deliveries.map((delivery) => attemptUnderWay(delivery)));
  return standings;
}

/** It is asked after again in so many ms; at once, with more patience, where it is made here. */
export function attemptUnderWay(delivery: Told, inMs = 0): Unsettled {
  return unsettled(delivery, inMs, 'its attempt is under way', { isInHand: true });
}

/** Its kind alone: its message may hold what must not get into a workflow's history. */
function afterFault(delivery: Told, error: unknown): Unsettled {
  return unsettled(delivery, afterFaultMs, error instanceof Error ? error.name : 'Error');
}

function isSettling(one: Standing | Settling): one is Settling {
  return typeof one !== 'string' && 'standings' in one;
}
