import type { Database } from '../db/database.ts';
import { discardHeld } from '../db/held-deliveries.ts';
import { findLeftBehind } from '../db/recoveries.ts';
import { webhookDeletedReason } from '../db/webhooks.ts';
import type { RecoveryStarter } from '../temporal/recovery-starter.ts';

/**
 * Sees to deliveries that were held in the moment in which their endpoint was enabled, so that its recovery missed them, or in
 * which their webhook was deleted: starts the recovery where none is under way, and cancels the latter. Answers how many
 * it started.
 * @throws TemporalUnavailable
 */
export async function sendLeftBehind({
  db,
  starter,
}: {
  db: Database;
  starter: Pick<RecoveryStarter, 'ensureRecovery'>;
}): Promise<number> {
  let started = 0;
  for (const webhook of await findLeftBehind(db)) {
    if (webhook.is_deleted) await discardHeld(db, webhook.id, webhookDeletedReason);
    else if ((await starter.ensureRecovery(webhook)) === 'started') started += 1;
  }
  return started;
}
