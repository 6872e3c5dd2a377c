import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import type { LoadedDelivery } from '../db/due-deliveries.ts';
import type { DeliveryId } from '../db/ids.ts';
import { type Leased, renewLeases } from '../db/recoveries.ts';

/**
 * Deliveries that this process attempts although no workflow of theirs runs. In the database they are due only when the lease
 * ends: as long as it is renewed the sweep leaves them alone, and when this process dies it starts their workflow.
 */
export interface Leases {
  /** When a lease ends that begins at that moment. */
  endOf(begin: Date): Date;
  begin(deliveries: readonly LoadedDelivery[], until: Date): void;
  /** Whether the delivery is still ours. */
  holds(id: DeliveryId): boolean;
  end(id: DeliveryId): void;
  close(): void;
}

const leaseMs = 3_000;
const renewEveryMs = 1_000;

export function createLeases(db: Database, log: Logger): Leases {
  const leases = new Map<DeliveryId, Leased & { until: number }>();
  const endOf = (begin: Date) => new Date(begin.getTime() + leaseMs);

  async function renew() {
    const leased = [...leases.values()];
    if (leased.length === 0) return;
    const until = endOf(new Date());
    try {
      for (const id of await renewLeases(db, leased, until)) {
        const lease = leases.get(id);
        if (lease !== undefined) lease.until = until.getTime();
      }
    } catch (error) {
      const kind = error instanceof Error ? error.name : 'Error';
      log.warn({ deliveries: leased.length, reason: kind }, 'leases of deliveries were not renewed');
    }
  }
  const timer = setInterval(() => void renew(), renewEveryMs);

  return {
    endOf,
    begin(deliveries, until) {
      for (const { id, scheduled_attempts } of deliveries) {
        leases.set(id, { id, scheduled_attempts, until: until.getTime() });
      }
    },
    holds: (id) => (leases.get(id)?.until ?? 0) > Date.now(),
    end: (id) => void leases.delete(id),
    close: () => clearInterval(timer),
  };
}
