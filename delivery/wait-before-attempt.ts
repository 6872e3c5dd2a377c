import type { Database } from '../db/database.ts';
import { findLastAttemptAt, type LoadedDelivery } from '../db/due-deliveries.ts';

/** An early wake-up within this is not worth another wait. */
const earlyMs = 50;

/**
 * How long a delivery has still to wait, in ms; 0 when it is due. What is stored is by the clock of the process that stored
 * it. Where this one's shows a time before that of the last attempt, or of the event, one of the two was set: then whoever
 * `hasWaited` by a timer has waited long enough, and others wait as long as the last attempt meant.
 */
export async function waitBeforeAttempt(
  db: Database,
  { id, next_attempt_at, attempt_count, event }: LoadedDelivery,
  { hasWaited }: { hasWaited: boolean },
): Promise<number> {
  const dueAt = next_attempt_at?.getTime() ?? 0;
  const waitMs = dueAt - Date.now();
  if (waitMs <= earlyMs) return 0;
  const lastAt = attempt_count === 0 ? undefined : await findLastAttemptAt(db, id);
  const since = (lastAt ?? event.created_at).getTime();
  if (Date.now() >= since) return waitMs;
  return hasWaited ? 0 : Math.max(0, dueAt - since);
}
