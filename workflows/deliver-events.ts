import {
  ActivityCancellationType,
  CancellationScope,
  defineSignal,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
  setCurrentDetails,
  setHandler,
} from '@temporalio/workflow';
import type { DeliveryActivities } from '../activities/delivery-activities.ts';
import type { Settlement, SettlementCounts, WaitingDelivery } from '../activities/settlement.ts';
import { describeDeliveries } from './describe-deliveries.ts';

/** A delivery of this workflow has ended elsewhere: cancelled, or delivered by hand. */
export const deliveryEnded = defineSignal<[deliveryId: string]>('deliveryEnded');

/** Attempts were made of deliveries that waited for their endpoints: look now what has become of them. */
export const lookAgain = defineSignal<[deliveryIds: string[]]>('lookAgain');

/**
 * Long, since an attempt's outcome may have to wait for the database. A worker that died is noticed by its missing
 * heartbeat or, for the local activity, by its workflow task's timeout.
 */
const startToCloseTimeout = '1 day';

/** A worker that was killed is missed after so long. */
const heartbeatTimeout = '8s';

/**
 * For what is not the receiver's doing (a worker that died, a database away): soon again, and never given up. The retry
 * schedule itself comes with each failure as `nextRetryDelay`, and the database counts its steps; Temporal counts them too, so
 * that a late step has the longest pause. That and the heartbeat's time-out are to be less than 15 s.
 */
const retry = { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '3s' } as const;

const { attemptPending } = proxyLocalActivities<DeliveryActivities>({ startToCloseTimeout, retry });
const { attemptUntilSettled } = proxyActivities<DeliveryActivities>({
  startToCloseTimeout,
  heartbeatTimeout,
  retry,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
});

/**
 * Owns the deliveries that carry this workflow's id until each has ended: attempts what is due at once; what then waits is left
 * to one activity, which Temporal retries when the next is due. Started again under the same id, it goes on with what is
 * still pending.
 */
export async function deliverEvents(): Promise<SettlementCounts> {
  let looking: CancellationScope | undefined;
  const look = () => looking?.cancel();
  setHandler(deliveryEnded, look);
  setHandler(lookAgain, look);

  const { settled, waiting } = await attemptPending();
  setCurrentDetails(describeDeliveries(settled, waiting));
  while (waiting.length > 0) {
    looking = new CancellationScope();
    try {
      const rest = await looking.run(() => attemptRest(waiting));
      setCurrentDetails(describeDeliveries(sumOf(settled, rest), []));
      return sumOf(settled, rest);
    } catch (error) {
      // A signal ended its wait, and it begins anew; or the workflow itself was cancelled.
      if (!isCancellation(error) || CancellationScope.current().consideredCancelled) throw error;
    }
  }
  return settled;
}

function attemptRest(waiting: readonly WaitingDelivery[]): Promise<SettlementCounts> {
  const [one] = waiting;
  const summary =
    one !== undefined && waiting.length === 1
      ? `${one.delivery_id} to ${one.webhook_id}`
      : `${waiting.length} deliveries`;
  return attemptUntilSettled.executeWithOptions({ summary }, [waiting.map(({ delivery_id }) => delivery_id)]);
}

function sumOf(some: SettlementCounts, more: SettlementCounts): SettlementCounts {
  const sum = { ...some };
  for (const [settlement, count] of Object.entries(more) as [Settlement, number][]) {
    sum[settlement] = (sum[settlement] ?? 0) + count;
  }
  return sum;
}
