import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import type { DeliveryId } from '../db/ids.ts';
import {
  deleteUntoldFailures,
  findOverdueFailures,
  findUntoldFailures,
  type UntoldFailure,
} from '../db/untold-failures.ts';
import type { FailedDeliveryData } from '../webhook/operational-types.ts';
import type { Intake } from './intake.ts';
import { tellOperationalEvent } from './operational-events.ts';

/** Tells accounts of deliveries that failed (`delivery.failed`), as noted when they did: one event a failure. */
export interface FailureTeller {
  /** Tells of a noted failure soon, beside the caller's work: where that does not succeed, `tellOverdue` does it later. */
  tell(delivery: DeliveryId): void;
  /**
   * Tells of what was noted a while ago and is still untold.
   * @throws DatabaseUnavailable
   */
  tellOverdue(): Promise<void>;
  /** Resolves once nothing is being told. */
  close(): Promise<void>;
}

/** A note is told within milliseconds; one that is older than this lost its teller. */
const graceMs = 3_000;
const mostAtOnce = 200;
const mostOverdue = 1_000;

export function createFailureTeller({
  db,
  intake,
  log,
}: {
  db: Database;
  intake: Pick<Intake, 'accept'>;
  log: Logger;
}): FailureTeller {
  const waiting = new Set<DeliveryId>();
  let telling: Promise<void> | undefined;

  async function tellWaiting() {
    while (waiting.size > 0) {
      const ids = [...waiting].slice(0, mostAtOnce);
      for (const id of ids) waiting.delete(id);
      try {
        await tellOf(await findUntoldFailures(db, ids));
      } catch (error) {
        log.warn(
          { failures: ids.length, reason: String(error) },
          'failures were not told: the sweep will tell them',
        );
      }
    }
    telling = undefined;
  }

  /** The notes go last: what is told twice, after a crash in between, is one event by its key. */
  async function tellOf(failures: readonly UntoldFailure[]) {
    if (failures.length === 0) return;
    await Promise.all(failures.map((failure) => tellOperationalEvent(intake, eventOf(failure))));
    await deleteUntoldFailures(db, failures);
  }

  return {
    tell(delivery) {
      waiting.add(delivery);
      telling ??= tellWaiting();
    },

    async tellOverdue() {
      await tellOf(await findOverdueFailures(db, { now: new Date(), graceMs, limit: mostOverdue }));
    },

    async close() {
      await telling;
    },
  };
}

function eventOf(failure: UntoldFailure) {
  const { delivery_id, attempt_number, account_id, webhook_id, event_id, event_type, reason, failed_at } =
    failure;
  const data: FailedDeliveryData = {
    ...{ delivery_id, event_id, event_type, webhook_id, attempts: attempt_number, reason },
    failed_at: failed_at.toISOString(),
  };
  return {
    ...{ account_id, type: 'delivery.failed' as const, about_webhook: webhook_id, data },
    key: `delivery.failed:${delivery_id}:${attempt_number}`,
  };
}
