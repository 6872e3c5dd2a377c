import {
  CancellationScope,
  condition,
  defineSignal,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
  sleep,
} from '@temporalio/workflow';
import type {
  DeliveryActivities,
  PendingRetry,
  Settled,
  Settlement,
  SettlementCounts,
} from '../activities/delivery-activities.ts';
import { describeDeliveries } from './describe-deliveries.ts';

/** A delivery of this workflow has ended elsewhere: cancelled, or delivered by hand. */
export const deliveryEnded = defineSignal<[deliveryId: string]>('deliveryEnded');

/**
 * Long, since an attempt's outcome may have to wait for the database. A worker that died is noticed by its missing
 * heartbeat or, for the local activity, by its workflow task's timeout.
 */
const startToCloseTimeout = '1 day';

/** A worker that was killed is missed after so long. */
const heartbeatTimeout = '10s';

/**
 * For what is not the receiver's doing (a worker that died, a database away): soon again, and never given up. The retry
 * schedule itself comes with each failure as `nextRetryDelay`, and the database counts its steps; Temporal counts them too, so
 * that a late step has the longest pause. That and the heartbeat's time-out are to be less than 15 s.
 */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '3s' } as const;

/** Attempts were made of deliveries that waited for their endpoints' limits: look now what has become of them. */
export const lookAgain = defineSignal<[deliveryIds: string[]]>('lookAgain');

const { attemptPending } = proxyLocalActivities<DeliveryActivities>({ startToCloseTimeout, retry });
const { attemptAgain, lookAfterWaiting } = proxyActivities<DeliveryActivities>({
  startToCloseTimeout,
  heartbeatTimeout,
  retry,
});

/** What should have gone out within this, in ms, is looked after at once. */
const lookTogetherMs = 1_000;

/**
 * Owns the deliveries that carry this workflow's id until each has ended: attempts what is due at once, then lets each
 * that failed wait for its own next attempt. What waits for its endpoint's limits is sent from the database; here it is
 * looked after, all of an endpoint together. Started again under the same id, it goes on with what is still pending.
 */
export async function deliverEvents(): Promise<SettlementCounts> {
  const scopes = new Map<string, CancellationScope>();
  const ended = new Set<string>();
  const attempted = new Set<string>();
  setHandler(deliveryEnded, (deliveryId) => {
    ended.add(deliveryId);
    scopes.get(deliveryId)?.cancel();
  });
  setHandler(lookAgain, (deliveryIds) => {
    for (const id of deliveryIds) attempted.add(id);
  });

  const { settled, retries } = await attemptPending();
  const waiting = new Map(retries.map((pending) => [pending.delivery_id, pending]));
  const describe = () => setCurrentDetails(describeDeliveries(settled, [...waiting.values()]));
  describe();

  const attemptUntilSettled = async (pending: PendingRetry) => {
    const scope = new CancellationScope();
    scopes.set(pending.delivery_id, scope);
    const result = await scope.run(() => attemptLater(pending)).catch(endedElsewhere);
    waiting.delete(pending.delivery_id);
    if (typeof result === 'string') settled[result] = (settled[result] ?? 0) + 1;
    else waiting.set(result.delivery_id, result);
    describe();
    if (typeof result !== 'string') await settleAll([result]);
  };

  const lookAfter = async (group: readonly PendingRetry[]) => {
    const delays = group.map(({ delay_ms }) => delay_ms);
    const ids = group.map(({ delivery_id }) => delivery_id);
    const isDue = () => ids.some((id) => attempted.has(id)) || ids.every((id) => ended.has(id));
    await condition(isDue, Math.min(Math.max(...delays), Math.min(...delays) + lookTogetherMs));
    for (const id of ids) attempted.delete(id);
    const left = ids.filter((id) => !ended.has(id));
    const looked = await lookAt(left);
    for (const id of ids) waiting.delete(id);
    for (const pending of looked.retries) waiting.set(pending.delivery_id, pending);
    addCounts(settled, looked.settled);
    if (left.length < ids.length) addCounts(settled, { 'ended elsewhere': ids.length - left.length });
    describe();
    await settleAll(looked.retries);
  };

  const settleAll = async (pending: readonly PendingRetry[]): Promise<void> => {
    await Promise.all([
      ...pending.filter(({ waits }) => !waits).map(attemptUntilSettled),
      ...groupsOf(pending.filter(({ waits }) => waits)).map(lookAfter),
    ]);
  };

  await settleAll(retries);
  return settled;
}

/** By webhook. */
function groupsOf(pending: readonly PendingRetry[]): PendingRetry[][] {
  const groups = new Map<string, PendingRetry[]>();
  for (const one of pending) groups.set(one.webhook_id, [...(groups.get(one.webhook_id) ?? []), one]);
  return [...groups.values()];
}

function addCounts(counts: SettlementCounts, more: SettlementCounts) {
  for (const [settlement, count] of Object.entries(more) as [Settlement, number][]) {
    counts[settlement] = (counts[settlement] ?? 0) + count;
  }
}

async function lookAt(ids: string[]): Promise<Settled> {
  if (ids.length === 0) return { settled: {}, retries: [] };
  return lookAfterWaiting.executeWithOptions({ summary: `looks after ${ids.length}` }, [ids]);
}

async function attemptLater({
  delivery_id,
  webhook_id,
  delay_ms,
  reason,
}: PendingRetry): Promise<Settlement | PendingRetry> {
  await sleep(delay_ms, { summary: `${delivery_id}: ${reason}` });
  return attemptAgain.executeWithOptions({ summary: `${delivery_id} to ${webhook_id}` }, [delivery_id]);
}

function endedElsewhere(error: unknown): Settlement {
  if (!isCancellation(error)) throw error;
  return 'ended elsewhere';
}
