import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Database } from '../db/database.ts';
import type { LoadedDelivery } from '../db/due-deliveries.ts';
import { endAsExpired } from '../db/expired-deliveries.ts';
import type { DeliveryId } from '../db/ids.ts';
import type { DeliveryStatus } from '../db/schema.ts';

/** Ends deliveries that were to be attempted when their event had expired. */
export interface Expirer {
  /** Ends it, with all others of the same moment, if it still waits; answers what it is then. */
  end(id: DeliveryId): Promise<DeliveryStatus>;
}

const mostPerStatement = 500;

/** `onEnded` hears of how many a statement has ended. */
export function createExpirer({ db, onEnded }: { db: Database; onEnded: (count: number) => void }): Expirer {
  let gathering: { ids: DeliveryId[]; ended: Promise<Map<DeliveryId, DeliveryStatus>> } | undefined;

  async function endAll(ids: DeliveryId[]): Promise<Map<DeliveryId, DeliveryStatus>> {
    await nextTurn();
    gathering = undefined;
    const { statuses, ended } = await endAsExpired(db, ids);
    if (ended > 0) onEnded(ended);
    return statuses;
  }

  return {
    async end(id) {
      if (gathering === undefined || gathering.ids.length >= mostPerStatement) {
        const ids: DeliveryId[] = [];
        gathering = { ids, ended: endAll(ids) };
      }
      gathering.ids.push(id);
      // One that is no longer stored has nothing left to be.
      return (await gathering.ended).get(id) ?? 'expired';
    },
  };
}

/** Whether no attempt of it is to be made any more. */
export function hasExpired({ expires_at }: Pick<LoadedDelivery, 'expires_at'>, now = Date.now()): boolean {
  return expires_at !== null && expires_at.getTime() <= now;
}
