import type { Database } from '../db/database.ts';
import { findLastAttemptsAt, type LoadedDelivery } from '../db/due-deliveries.ts';

/** An early wake-up within this is not worth another wait. */
const earlyMs = 50;

/**
 * How long each of the deliveries has still to wait, in ms; 0 when it is due. What is stored is by the clock of the process that stored
 * it. Where this one's shows a time before that of the last attempt, or of the event, one of the two was set: then whoever
 * `hasWaited` by a timer has waited long enough, and others wait as long as the last attempt meant.
 */
export async function waitsBeforeAttempt(
  db: Database,
  deliveries: readonly LoadedDelivery[],
  { hasWaited }: { hasWaited: boolean },
): Promise<number[]> {
  const dueAt = ({ next_attempt_at }: LoadedDelivery) => next_attempt_at?.getTime() ?? 0;
  const attempted = deliveries.filter((one) => one.attempt_count > 0 && dueAt(one) - Date.now() > earlyMs);
  const lastAt = await findLastAttemptsAt(
    db,
    attempted.map(({ id }) => id),
  );
  return deliveries.map((delivery) => {
    const waitMs = dueAt(delivery) - Date.now();
    if (waitMs <= earlyMs) return 0;
    const since = (lastAt.get(delivery.id) ?? delivery.event.created_at).getTime();
    if (Date.now() >= since) return waitMs;
    return hasWaited ? 0 : Math.max(0, dueAt(delivery) - since);
  });
}
