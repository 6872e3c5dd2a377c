import type { LoadedDelivery } from '../db/due-deliveries.ts';
import type { DeliveryId } from '../db/ids.ts';
import type { FailureReason } from '../webhook/failure-reasons.ts';
import { isOwnFault } from '../webhook/own-faults.ts';

/**
 * How many attempts beside its schedule a delivery had had before the one that failed for `reason`. `count` asks the database: only
 * where the fault is one of ours and there may be some.
 */
export async function attemptsBeside(
  {
    id,
    attempt_count,
    scheduled_attempts,
  }: Pick<LoadedDelivery, 'id' | 'attempt_count' | 'scheduled_attempts'>,
  reason: FailureReason,
  count: (id: DeliveryId) => Promise<number>,
): Promise<number> {
  if (attempt_count === scheduled_attempts || !isOwnFault(reason)) return 0;
  // While the database is away it is soon attempted again: that uses up nothing.
  return count(id).catch(() => 0);
}
