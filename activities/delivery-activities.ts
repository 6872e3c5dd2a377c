import { ApplicationFailure, Context } from '@temporalio/activity';
import type { Database } from '../db/database.ts';
import { cancelForDeletedWebhook } from '../db/deliveries.ts';
import { loadDelivery } from '../db/due-deliveries.ts';
import type { AttemptId, DeliveryId } from '../db/ids.ts';
import { isAttemptRecorded } from '../db/record-attempts.ts';
import type { DeliveryStatus } from '../db/schema.ts';
import type { Attempter } from '../delivery/attempter.ts';
import { whileHeartbeating } from './heartbeat.ts';
import type { Owner, Settler } from './settle-deliveries.ts';
import {
  countSettled,
  isFirstInHand,
  nextLookMs,
  type SettlementCounts,
  type WaitingDelivery,
  waitingOf,
} from './settlement.ts';

export interface DeliveryActivities {
  /**
   * Attempts every due delivery of the workflow that calls it, or holds it while its endpoint is disabled; answers what
   * became of them, and what has to wait, or is under way after a second.
   */
  attemptPending(): Promise<{ settled: SettlementCounts; waiting: WaitingDelivery[] }>;
  /**
   * Attempts those of the deliveries that are due, or holds them. Answers when all are settled; otherwise fails with what
   * they wait for, and with `nextRetryDelay` to when the next is due. Where that is but a look at what others do, it stays for some of these.
   */
  attemptUntilSettled(deliveryIds: DeliveryId[]): Promise<SettlementCounts>;
  /** Attempts a delivery outside its schedule; answers its status then, and the workflow that owns it. */
  attemptManually(
    deliveryId: string,
    attemptId: string,
  ): Promise<{ status: DeliveryStatus | 'gone'; owner: string | null }>;
}

/** How long attempts under way are waited for, in ms: in a workflow task, and in an activity, which holds up nothing. */
const patienceMs = { local: 1_000, activity: 15_000 };
/** It stays for a look that is due within this, in ms: to be called again costs Temporal several times what a heartbeat does. */
const staysMs = 5_500;
/** So many stay in a process: an activity that stays takes one of its places (temporal/worker.ts). */
const mostStaying = 200;
/** One that stays looks so often whether its process stops, in ms. */
const stayStepMs = 500;
/** Of what waits, so much is said. */
const mostTold = 5;

export function createDeliveryActivities({
  db,
  settler,
  attempter,
  isStopping,
}: {
  db: Database;
  settler: Settler;
  attempter: Pick<Attempter, 'attemptManually'>;
  /** Whether this process stops, which is kept waiting for nothing. */
  isStopping: () => boolean;
}): DeliveryActivities {
  let staying = 0;

  async function stay(forMs: number) {
    const until = performance.now() + forMs;
    staying += 1;
    try {
      for (let restMs = forMs; restMs > 0 && !isStopping(); restMs = until - performance.now()) {
        await Context.current().sleep(Math.min(restMs, stayStepMs));
      }
    } finally {
      staying -= 1;
    }
  }

  return {
    async attemptPending() {
      const standings = await settler.settleAll(owner(patienceMs.local));
      const waiting = waitingOf(standings).map(({ delivery_id, webhook_id, reason }) => ({
        delivery_id,
        webhook_id,
        reason,
      }));
      return { settled: countSettled(standings), waiting };
    },

    attemptUntilSettled: (deliveryIds) =>
      whileHeartbeating(async () => {
        const until = performance.now() + patienceMs.activity;
        for (;;) {
          const standings = await settler.settle(deliveryIds, owner(Math.max(0, until - performance.now())));
          const waiting = waitingOf(standings);
          if (waiting.length === 0) return countSettled(standings);
          const lookMs = nextLookMs(waiting);
          const isSoon = lookMs <= staysMs && performance.now() + lookMs < until;
          const stays = isSoon && isFirstInHand(waiting) && staying < mostStaying && !isStopping();
          if (!stays) throw waitFor(waiting, lookMs);
          await stay(lookMs);
        }
      }),

    async attemptManually(deliveryId, attemptId) {
      const delivery = await loadDelivery(db, deliveryId as DeliveryId);
      if (delivery === undefined) return { status: 'gone', owner: null };
      const owner = delivery.status === 'pending' ? delivery.workflow_id : null;
      if (delivery.webhook.is_deleted) {
        return { status: (await cancelForDeletedWebhook(db, delivery.id)) ?? delivery.status, owner };
      }
      if (await isAttemptRecorded(db, attemptId as AttemptId)) return { status: delivery.status, owner };
      const { status } = await attempter.attemptManually(delivery, attemptId as AttemptId);
      return { status, owner };
    },
  };
}

/** The workflow that asks. What Temporal retries has waited for it. */
function owner(patience: number): Owner {
  const { workflowExecution, attempt } = Context.current().info;
  return {
    workflowId: workflowExecution?.workflowId ?? '',
    patienceMs: patience,
    hasWaited: attempt > 1,
  };
}

/** Has Temporal call again in so many ms. */
function waitFor(waiting: readonly WaitingDelivery[], lookMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'DeliveriesWait',
    message: describeWaiting(waiting),
    category: 'BENIGN',
    nextRetryDelay: lookMs,
  });
}

/** Ids and reasons only: it is written in the workflow's history. */
function describeWaiting(waiting: readonly WaitingDelivery[]): string {
  const [only] = waiting;
  if (only !== undefined && waiting.length === 1) return only.reason;
  const told = waiting.slice(0, mostTold).map(({ delivery_id, reason }) => `${delivery_id} ${reason}`);
  const more = waiting.length > mostTold ? ` and ${waiting.length - mostTold} more` : '';
  return `${waiting.length} wait: ${told.join('; ')}${more}`;
}
