import { setTimeout as delay } from 'node:timers/promises';
import { ApplicationFailure, Context } from '@temporalio/activity';
import type { Database } from '../db/database.ts';
import { cancelForDeletedWebhook } from '../db/deliveries.ts';
import {
  type LoadedDelivery,
  loadDeliveriesById,
  loadDelivery,
  loadPendingDeliveries,
  postponeAttempt,
} from '../db/due-deliveries.ts';
import { holdDeliveries } from '../db/held-deliveries.ts';
import type { AttemptId, DeliveryId, WebhookId } from '../db/ids.ts';
import { isAttemptRecorded } from '../db/record-attempts.ts';
import type { DeliveryStatus } from '../db/schema.ts';
import { findStandings } from '../db/waiting-deliveries.ts';
import type { Attempter, AttemptOutcome } from '../delivery/attempter.ts';
import { type EndpointLimiter, keepsLimits, type LimitedWebhook } from '../delivery/endpoint-limiter.ts';
import type { EndpointSlots } from '../delivery/endpoint-slots.ts';
import type { HeadStarts, UnderWay } from '../delivery/head-start.ts';
import { awaitElsewhere } from '../delivery/head-start-elsewhere.ts';
import type { PuttingOff } from '../delivery/putting-off.ts';
import { waitBeforeAttempt } from '../delivery/wait-before-attempt.ts';
import { waitingReason } from '../webhook/endpoint-limits.ts';
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
  /** Why the last attempt failed, or what it waits for, in words. */
  reason: string;
  /**
   * It waits for its endpoint's limits in the database, from where it is sent when they allow: the workflow only looks what has
   * become of it, together with what else waits for that endpoint.
   */
  waits?: true;
}

/** What became of deliveries. */
export interface Settled {
  settled: SettlementCounts;
  retries: PendingRetry[];
}

export interface DeliveryActivities {
  /**
   * Attempts every due delivery of the workflow that calls it, or holds it while its endpoint is disabled; answers what
   * became of them and what has to wait.
   */
  attemptPending(): Promise<Settled>;
  /**
   * Attempts a delivery that is due, or holds it while its endpoint is disabled. Answers when that settled it, or when it
   * waits for its endpoint's limits; otherwise fails with the reason, and with `nextRetryDelay` to the next step of its
   * schedule.
   */
  attemptAgain(deliveryId: string): Promise<Settlement | PendingRetry>;
  /** Looks what has become of deliveries that waited for their endpoints' limits. */
  lookAfterWaiting(deliveryIds: string[]): Promise<Settled>;
  /** Attempts a delivery outside its schedule; answers its status then, and the workflow that owns it. */
  attemptManually(
    deliveryId: string,
    attemptId: string,
  ): Promise<{ status: DeliveryStatus | 'gone'; owner: string | null }>;
}

/** After a fault of our own, the retrying activity takes over: it shows the fault in the Temporal UI. */
const afterFaultMs = 1_000;
/** A first attempt under way is waited for so long: one that takes longer is asked after by the retrying activity. */
const joinMs = 1_000;
const askAgainMs = 2_000;
/** How long an attempt waits in line for its endpoint before it is put off. After a burst there may be many first ones. */
const firstLineMs = 10_000;
const lineMs = 2_000;
/** How long an attempt is put off at first, and at most, that finds its endpoint's share of attempts under way. */
const firstTurnMs = 1_000;
const longestTurnMs = 60_000;
/** How long an attempt waits for its endpoint's limits in an activity, in ms: others need its place. */
const patienceMs = 200;

export function createDeliveryActivities({
  db,
  attempter,
  slots,
  limiter,
  puttingOff,
  headStarts,
  lookAtWaiting,
}: {
  db: Database;
  attempter: Attempter;
  slots: Pick<EndpointSlots, 'tryTake' | 'take'>;
  limiter: Pick<EndpointLimiter, 'take'>;
  puttingOff: PuttingOff;
  headStarts: Pick<HeadStarts, 'take' | 'find'>;
  /** Has what waits for a webhook's limits sent from here, if this is not done yet. */
  lookAtWaiting: (webhook: LimitedWebhook) => void;
}): DeliveryActivities {
  async function attemptWhenDue(
    delivery: LoadedDelivery,
    waitMs: number,
  ): Promise<Settlement | PendingRetry> {
    if (delivery.webhook.is_deleted)
      return (await cancelForDeletedWebhook(db, delivery.id)) ?? 'ended elsewhere';
    if (delivery.is_waiting) {
      lookAtWaiting(delivery.webhook);
      return waitMs > 0 ? waitingRetry(delivery, waitMs, waitingReason(delivery.webhook)) : putOff(delivery);
    }
    if (waitMs > 0) return pendingRetry(delivery, waitMs, 'waits for its next attempt');
    if (keepsLimits(delivery)) return attemptWithinLimits(delivery);
    const isFirst = delivery.scheduled_attempts === 0;
    const release = await slots.take(delivery.webhook.id, isFirst ? firstLineMs : lineMs);
    if (release === null) {
      const delayMs = turnMs();
      // So that the sweep need not look after it.
      await postponeAttempt(db, delivery.id, delayMs);
      return pendingRetry(delivery, delayMs, 'waits its turn at its endpoint');
    }
    return settlementOf(delivery, await attempter.attempt(delivery, release).finally(release));
  }

  async function attemptWithinLimits(delivery: LoadedDelivery): Promise<Settlement | PendingRetry> {
    const release = await limiter.take(delivery.webhook, { patienceMs, isNew: true });
    if (release === null) return putOff(delivery);
    return settlementOf(delivery, await attempter.attempt(delivery, release).finally(release));
  }

  async function putOff(delivery: LoadedDelivery): Promise<PendingRetry> {
    const waitMs = await puttingOff.putOff(delivery, { hasHeadStart: false });
    // Null when it was just taken up, or has ended.
    return waitingRetry(delivery, waitMs ?? askAgainMs, waitingReason(delivery.webhook));
  }

  /** `attemptPending`, a local activity, begins a workflow; `attemptAgain` comes after a timer. */
  function waitOf(delivery: LoadedDelivery): Promise<number> {
    return waitBeforeAttempt(db, delivery, { hasWaited: !Context.current().info.isLocal });
  }

  /** A first attempt of this process. */
  async function join(id: DeliveryId, { webhook_id, outcome }: UnderWay): Promise<Settlement | PendingRetry> {
    const delivery = { id, webhook: { id: webhook_id } };
    const result = await Promise.race([outcome, delay(joinMs, 'under way' as const, { ref: false })]);
    if (result === 'under way') return pendingRetry(delivery, askAgainMs, 'its first attempt is under way');
    if (result === 'left') return pendingRetry(delivery, turnMs(), 'waits its turn at its endpoint');
    if (result.status === 'waits')
      return waitingRetry(delivery, result.due_at - performance.now(), result.reason);
    return settlementOf(delivery, result);
  }

  /** Attempts what is due; what has a head start in another process is left to that, if it lives. */
  async function settleHere(
    deliveries: readonly LoadedDelivery[],
    onFault: (delivery: LoadedDelivery, error: unknown) => PendingRetry,
  ): Promise<(Settlement | PendingRetry)[]> {
    const settleElsewhere = async (headStarted: readonly LoadedDelivery[]) => {
      if (headStarted.length === 0) return [];
      const { free, ended, underWay } = await awaitElsewhere(db, headStarted);
      return [
        ...ended.map(
          (status): Settlement => (status === 'gone' ? 'ended elsewhere' : (status as Settlement)),
        ),
        ...underWay.map((one) => pendingRetry(one, askAgainMs, 'its first attempt is under way')),
        ...(await settleDue(free, onFault)),
      ];
    };
    const [here, elsewhere] = await Promise.all([
      settleDue(
        deliveries.filter(({ head_start }) => head_start === null),
        onFault,
      ),
      settleElsewhere(deliveries.filter(({ head_start }) => head_start !== null)),
    ]);
    return [...here, ...elsewhere];
  }

  /** Holds what is due at a disabled endpoint, in one statement, and attempts the rest. */
  async function settleDue(
    deliveries: readonly LoadedDelivery[],
    onFault: (delivery: LoadedDelivery, error: unknown) => PendingRetry,
  ): Promise<(Settlement | PendingRetry)[]> {
    const waits = new Map(
      await Promise.all(deliveries.map(async (delivery) => [delivery, await waitOf(delivery)] as const)),
    );
    const toHold = new Set(
      deliveries.filter((delivery) => waits.get(delivery) === 0 && isToBeHeld(delivery)),
    );
    const held =
      toHold.size === 0
        ? new Set()
        : await holdDeliveries(
            db,
            [...toHold].map(({ id }) => id),
          );
    const settle = async (delivery: LoadedDelivery) => {
      if (held.has(delivery.id)) return 'held';
      if (!toHold.has(delivery)) return attemptWhenDue(delivery, waits.get(delivery) ?? 0);
      // Just now its endpoint was enabled, or it has ended.
      const fresh = await loadDelivery(db, delivery.id);
      if (fresh === undefined) return 'ended elsewhere';
      return fresh.status === 'pending' ? attemptWhenDue(fresh, await waitOf(fresh)) : fresh.status;
    };
    return Promise.all(
      deliveries.map((delivery) => settle(delivery).catch((error: unknown) => onFault(delivery, error))),
    );
  }

  async function attemptOwned(id: DeliveryId): Promise<Settlement | PendingRetry> {
    // Asked before the database: what has ended by then is recorded there.
    const underWay = headStarts.find(id);
    if (underWay !== undefined) return join(id, underWay);
    const delivery = await loadDelivery(db, id);
    if (delivery === undefined) return 'ended elsewhere';
    if (delivery.status !== 'pending') return delivery.status;
    // Held meanwhile, and then sent: another workflow owns it.
    if (delivery.workflow_id !== ownWorkflowId()) return 'ended elsewhere';
    const [result = 'ended elsewhere'] = await settleHere([delivery], (_, error) => {
      throw error;
    });
    return result;
  }

  async function lookAfter(ids: readonly DeliveryId[]): Promise<(Settlement | PendingRetry)[]> {
    const here = ids.flatMap((id) => {
      const underWay = headStarts.find(id);
      return underWay === undefined ? [] : [{ id, underWay }];
    });
    const others = ids.filter((id) => headStarts.find(id) === undefined);
    const standings = await findStandings(db, others);
    const known: (Settlement | PendingRetry)[] = [];
    const pending: DeliveryId[] = [];
    for (const id of others) {
      const standing = standings.get(id);
      if (standing?.status !== 'pending') known.push(standing?.status ?? 'ended elsewhere');
      else if (standing.workflow_id !== ownWorkflowId()) known.push('ended elsewhere');
      else if (standing.waits_ms > 0) {
        known.push(
          waitingRetry({ id, webhook: { id: standing.webhook_id } }, standing.waits_ms, standing.reason),
        );
      } else pending.push(id);
    }
    const settled = await settleHere(await loadDeliveriesById(db, pending), afterFault);
    const joined = here.map(({ id, underWay }) =>
      join(id, underWay).catch((error: unknown) =>
        afterFault({ id, webhook: { id: underWay.webhook_id } }, error),
      ),
    );
    return [...known, ...settled, ...(await Promise.all(joined))];
  }

  return {
    async attemptPending() {
      const known = headStarts.take(ownWorkflowId()) ?? { byDelivery: new Map(), isWhole: false };
      const settleOthers = async () => {
        if (known.isWhole) return [];
        const pending = await loadPendingDeliveries(db, ownWorkflowId());
        return settleHere(
          pending.filter(({ id }) => !known.byDelivery.has(id)),
          afterFault,
        );
      };
      const [others, ...joined] = await Promise.all([
        settleOthers(),
        ...[...known.byDelivery].map(([id, underWay]) =>
          join(id, underWay).catch((error: unknown) =>
            afterFault({ id, webhook: { id: underWay.webhook_id } }, error),
          ),
        ),
      ]);
      return countSettled([...joined, ...others]);
    },

    attemptAgain: (deliveryId) =>
      whileHeartbeating(async () => {
        const result = await attemptOwned(deliveryId as DeliveryId);
        if (typeof result === 'string' || result.waits) return result;
        throw ApplicationFailure.create({
          type: 'AttemptFailed',
          message: result.reason,
          category: 'BENIGN',
          nextRetryDelay: result.delay_ms,
        });
      }),

    lookAfterWaiting: (deliveryIds) =>
      whileHeartbeating(async () => countSettled(await lookAfter(deliveryIds as DeliveryId[]))),

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

/** A test event goes out whatever the endpoint's state. */
function isToBeHeld(delivery: LoadedDelivery): boolean {
  const { endpoint_state, is_deleted } = delivery.webhook;
  const isDisabled = endpoint_state === 'disabled' || endpoint_state === 'probing';
  return isDisabled && !is_deleted && !delivery.event.is_test;
}

/** Grows with each turn that was not free, so that many who wait for a slow endpoint do not all ask every second. */
function turnMs(): number {
  const { attempt } = Context.current().info;
  return Math.min(longestTurnMs, firstTurnMs * 2 ** Math.min(attempt - 1, 10)) * (0.5 + Math.random() / 2);
}

function countSettled(results: readonly (Settlement | PendingRetry)[]): Settled {
  const settled: SettlementCounts = {};
  for (const result of results) {
    if (typeof result === 'string') settled[result] = (settled[result] ?? 0) + 1;
  }
  return { settled, retries: results.filter((result) => typeof result !== 'string') };
}

interface DeliveryToRetry {
  id: DeliveryId;
  webhook: { id: WebhookId };
}

function settlementOf(delivery: DeliveryToRetry, outcome: AttemptOutcome): Settlement | PendingRetry {
  if (outcome.status !== 'pending') return outcome.status;
  const waitMs = (outcome.due_at ?? 0) - performance.now();
  return pendingRetry(delivery, waitMs, `attempt ${outcome.number} failed: ${outcome.reason}`);
}

/** After a fault of our own. */
function afterFault(delivery: DeliveryToRetry, error: unknown): PendingRetry {
  return pendingRetry(delivery, afterFaultMs, nameOf(error));
}

function pendingRetry(delivery: DeliveryToRetry, delayMs: number, reason: string): PendingRetry {
  return {
    delivery_id: delivery.id,
    webhook_id: delivery.webhook.id,
    delay_ms: Math.max(1, Math.round(delayMs)),
    reason,
  };
}

function waitingRetry(delivery: DeliveryToRetry, delayMs: number, reason: string): PendingRetry {
  return { ...pendingRetry(delivery, delayMs, reason), waits: true };
}

/** The kind of a fault: its message may hold what must not get into a workflow's history. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'Error';
}
