import { sql } from 'drizzle-orm';
import { ownFaults } from '../webhook/own-faults.ts';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type DeliveryId, uuidOf } from './ids.ts';

const reasons = sql.raw(ownFaults.map((reason) => `'${reason}'`).join(', '));

/** A server that hangs longer is given up, in ms: whoever asks can go on without. */
const timeoutMs = 2_000;

/**
 * How often a delivery was attempted beside its schedule because of faults of ours, since it last failed for good: probes and attempts
 * by hand are none of these. One that was never attempted has none: then nobody needs to ask.
 */
export const countAttemptsBeside = query(async (db: Database, id: DeliveryId): Promise<number> => {
  const [row] = await selectRows<{ count: number }>(
    db,
    sql`select count(*)::int as count from attempts
        where delivery_id = ${uuidOf(id)} and reason in (${reasons}) and trigger in ('schedule', 'pull')
          and number > coalesce(
            (select max(number) from attempts where delivery_id = ${uuidOf(id)} and spent_delivery), 0)`,
    { name: 'count_attempts_beside', timeoutMs },
  );
  return row?.count ?? 0;
});
