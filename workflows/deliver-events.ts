import {
  CancellationScope,
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

/**
 * For what is not the receiver's doing (a worker that died, a database away): soon again, and never given up. The retry
 * schedule itself comes with each failure as `nextRetryDelay`, and the database counts its steps.
 */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s' } as const;

const { attemptPending } = proxyLocalActivities<DeliveryActivities>({ startToCloseTimeout, retry });
const { attemptAgain } = proxyActivities<DeliveryActivities>({
  startToCloseTimeout,
  heartbeatTimeout: '10s',
  retry,
});

/**
 * Owns the deliveries that carry this workflow's id until each has ended: attempts what is due at once, then lets each
 * that failed wait for its own next attempt. Started again under the same id, it goes on with what is still pending.
 */
export async function deliverEvents(): Promise<SettlementCounts> {
  const scopes = new Map<string, CancellationScope>();
  setHandler(deliveryEnded, (deliveryId) => scopes.get(deliveryId)?.cancel());

  const { settled, retries } = await attemptPending();
  const waiting = new Map(retries.map((pending) => [pending.delivery_id, pending]));
  const describe = () => setCurrentDetails(describeDeliveries(settled, [...waiting.values()]));
  describe();

  const attemptUntilSettled = async (pending: PendingRetry) => {
    const scope = new CancellationScope();
    scopes.set(pending.delivery_id, scope);
    const settlement = await scope.run(() => attemptLater(pending)).catch(endedElsewhere);
    settled[settlement] = (settled[settlement] ?? 0) + 1;
    waiting.delete(pending.delivery_id);
    describe();
  };
  await Promise.all(retries.map(attemptUntilSettled));
  return settled;
}

async function attemptLater({
  delivery_id,
  webhook_id,
  delay_ms,
  reason,
}: PendingRetry): Promise<Settlement> {
  await sleep(delay_ms, { summary: `${delivery_id}: ${reason}` });
  return attemptAgain.executeWithOptions({ summary: `${delivery_id} to ${webhook_id}` }, [delivery_id]);
}

function endedElsewhere(error: unknown): Settlement {
  if (!isCancellation(error)) throw error;
  return 'ended elsewhere';
}
