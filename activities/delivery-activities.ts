import { ApplicationFailure, Context } from '@temporalio/activity';
import type { Database } from '../db/database.ts';
import { cancelForDeletedWebhook } from '../db/deliveries.ts';
import { type LoadedDelivery, loadDelivery, loadPendingDeliveries } from '../db/due-deliveries.ts';
import { holdDeliveries } from '../db/held-deliveries.ts';
import type { AttemptId, DeliveryId } from '../db/ids.ts';
import { isAttemptRecorded } from '../db/record-attempts.ts';
import type { DeliveryStatus } from '../db/schema.ts';
import type { Attempter, AttemptOutcome } from '../delivery/attempter.ts';
import { whileHeartbeating } from './heartbeat.ts';

/** How a delivery left its workflow: with a final status, held for its endpoint's recovery, or ended by someone else. */
export type Settlement = Exclude<DeliveryStatus, 'pending'> | 'ended elsewhere';

/** How many deliveries were settled, by how. */
export type SettlementCounts = Partial<Record<Settlement, number>>;

/** A delivery that waits for its next attempt. */
export interface PendingRetry {
  delivery_id: string;
  webhook_id: string;
  delay_ms: number;
  /** Why the last attempt failed, in words. */
  reason: string;
}

export interface DeliveryActivities {
  /**
   * Attempts every due delivery of the workflow that calls it, or holds it while its endpoint is disabled; answers what
   * became of them and what has to wait.
   */
  attemptPending(): Promise<{ settled: SettlementCounts; retries: PendingRetry[] }>;
  /**
   * Attempts a delivery that is due, or holds it while its endpoint is disabled. Answers when that settled it; otherwise
   * fails with the reason, and with `nextRetryDelay` to the next step of its schedule.
   */
  attemptAgain(deliveryId: string): Promise<Settlement>;
  /** Attempts a delivery outside its schedule; answers its status then, and the workflow that owns it. */
  attemptManually(
    deliveryId: string,
    attemptId: string,
  ): Promise<{ status: DeliveryStatus | 'gone'; owner: string | null }>;
}

/** An early wake-up within this is not worth another wait. */
const earlyMs = 50;
/** After a fault of our own, the retrying activity takes over: it shows the fault in the Temporal UI. */
const afterFaultMs = 1_000;

export function createDeliveryActivities({
  db,
  attempter,
}: {
  db: Database;
  attempter: Attempter;
}): DeliveryActivities {
  async function attemptWhenDue(delivery: LoadedDelivery): Promise<Settlement | PendingRetry> {
    if (delivery.webhook.is_deleted)
      return (await cancelForDeletedWebhook(db, delivery.id)) ?? 'ended elsewhere';
    if (!isDue(delivery)) return pendingRetry(delivery, dueInMs(delivery), 'waits for its next attempt');
    return settlementOf(delivery, await attempter.attempt(delivery));
  }

  /** Holds what is due at a disabled endpoint, in one statement, and attempts the rest. */
  async function settleDue(
    deliveries: readonly LoadedDelivery[],
    onFault: (delivery: LoadedDelivery, error: unknown) => PendingRetry,
  ): Promise<(Settlement | PendingRetry)[]> {
    const toHold = new Set(deliveries.filter(isToBeHeld));
    const held =
      toHold.size === 0
        ? new Set()
        : await holdDeliveries(
            db,
            [...toHold].map(({ id }) => id),
          );
    const settle = async (delivery: LoadedDelivery) => {
      if (held.has(delivery.id)) return 'held';
      if (!toHold.has(delivery)) return attemptWhenDue(delivery);
      // Just now its endpoint was enabled, or it has ended.
      const fresh = await loadDelivery(db, delivery.id);
      if (fresh === undefined) return 'ended elsewhere';
      return fresh.status === 'pending' ? attemptWhenDue(fresh) : fresh.status;
    };
    return Promise.all(
      deliveries.map((delivery) => settle(delivery).catch((error: unknown) => onFault(delivery, error))),
    );
  }

  return {
    async attemptPending() {
      const deliveries = await loadPendingDeliveries(db, ownWorkflowId());
      const results = await settleDue(deliveries, (delivery, error) =>
        pendingRetry(delivery, afterFaultMs, nameOf(error)),
      );
      const settled: SettlementCounts = {};
      for (const result of results) {
        if (typeof result === 'string') settled[result] = (settled[result] ?? 0) + 1;
      }
      return { settled, retries: results.filter((result) => typeof result !== 'string') };
    },

    attemptAgain: (deliveryId) =>
      whileHeartbeating(async () => {
        const delivery = await loadDelivery(db, deliveryId as DeliveryId);
        if (delivery === undefined) return 'ended elsewhere';
        if (delivery.status !== 'pending') return delivery.status;
        // Held meanwhile, and then sent: another workflow owns it.
        if (delivery.workflow_id !== ownWorkflowId()) return 'ended elsewhere';
        const [result = 'ended elsewhere'] = await settleDue([delivery], (_, error) => {
          throw error;
        });
        if (typeof result === 'string') return result;
        throw ApplicationFailure.create({
          type: 'AttemptFailed',
          message: result.reason,
          category: 'BENIGN',
          nextRetryDelay: result.delay_ms,
        });
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

function ownWorkflowId(): string {
  return Context.current().info.workflowExecution?.workflowId ?? '';
}

function isDue(delivery: LoadedDelivery): boolean {
  return dueInMs(delivery) <= earlyMs;
}

function dueInMs({ next_attempt_at }: { next_attempt_at: Date | null }): number {
  return (next_attempt_at?.getTime() ?? 0) - Date.now();
}

/** A test event goes out whatever the endpoint's state. */
function isToBeHeld(delivery: LoadedDelivery): boolean {
  const { endpoint_state, is_deleted } = delivery.webhook;
  const isDisabled = endpoint_state === 'disabled' || endpoint_state === 'probing';
  return isDisabled && !is_deleted && !delivery.event.is_test && isDue(delivery);
}

function settlementOf(delivery: LoadedDelivery, outcome: AttemptOutcome): Settlement | PendingRetry {
  if (outcome.status !== 'pending') return outcome.status;
  return pendingRetry(delivery, dueInMs(outcome), `attempt ${outcome.number} failed: ${outcome.reason}`);
}

function pendingRetry(delivery: LoadedDelivery, delayMs: number, reason: string): PendingRetry {
  return {
    delivery_id: delivery.id,
    webhook_id: delivery.webhook.id,
    delay_ms: Math.max(1, delayMs),
    reason,
  };
}

/** The kind of a fault: its message may hold what must not get into a workflow's history. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}
