import { type SQL, sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { idleAtMost } from './idle-at-most.ts';
import { type DeliveryId, idOf, uuidOf, type WebhookId } from './ids.ts';
import { type AttemptRecord, type RecordedAttempt, recordAttempts } from './record-attempts.ts';
import { anyOf, unnest } from './unnest.ts';

/** What an attempt of a queued delivery is recorded by. */
export interface Settleable {
  id: DeliveryId;
  number: number;
  scheduled_attempts: number;
  is_test: boolean;
  event_id: string;
  /** In ms since 1970. */
  expires_ms: number | null;
}

/** A place, and when it was handed out. */
export interface HandedOut {
  number: number;
  at: Date;
}

/**
 * The places that are settled: these, or up to `mostSettled` of all up to one that was handed out at a moment. What had expired by
 * then counts as handed out to nobody; what had been, at an earlier moment, is settled by its own place.
 */
export type Places = { these: readonly HandedOut[] } | { up_to: HandedOut };

/** Rows that one statement settles. */
export const mostSettled = 500;
/** What had expired while its consumer had it may still be settled for so long, in seconds. */
const lateS = 900;

export interface Settled extends Pick<Settleable, 'number' | 'expires_ms'> {
  record: AttemptRecord;
  recorded: RecordedAttempt;
}

interface PlacedRow extends Omit<Settleable, 'id'> {
  id: string;
}

/**
 * Records an attempt of each delivery that still has its place, in one transaction, and takes the place away: each is settled
 * once, whoever else settles it. What failed and is to be attempted again gets a new place when that is due. A delivery that has
 * expired since it was handed out keeps its place for a quarter of an hour: it has succeeded where its consumer says so.
 */
export const settleQueued = query(
  (
    db: Database,
    webhookId: WebhookId,
    places: Places,
    recordOf: (delivery: Settleable) => AttemptRecord,
  ): Promise<Settled[]> =>
    db.transaction(async (tx) => {
      const rows = await placedRows(tx, webhookId, places, isQueued);
      const mayBeLate = 'up_to' in places || rows.length < places.these.length;
      // A statement of its own: it sees what expired while the rows above were waited for.
      if (mayBeLate) rows.push(...(await placedRows(tx, webhookId, places, isLate(places))));
      if (rows.length === 0) return [];
      const records = rows.map((row) => recordOf({ ...row, id: idOf('dlv', row.id) }));
      const recorded = new Map((await recordAttempts(tx, records)).map((one) => [one.delivery_id, one]));
      const ids = rows.map(({ id }) => id);
      await tx.execute(
        sql`update deliveries set pull_number = null
            where id = ${anyOf(ids, 'uuid')} and status in ('queued', 'expired')`,
      );
      return rows.flatMap(({ number, expires_ms }, index) => {
        const record = records[index] as AttemptRecord;
        const one = recorded.get(record.delivery_id);
        return one === undefined ? [] : [{ record, number, expires_ms, recorded: one }];
      });
    }),
);

const isQueued = sql`d.status = 'queued'`;

/** What ended since they were handed out, by clocks that are a minute apart at most: not all that did so lately is looked at. */
function isLate(places: Places): SQL {
  const handedOut = 'up_to' in places ? [places.up_to] : places.these;
  const since = new Date(Math.min(...handedOut.map(({ at }) => at.getTime())));
  return sql`d.status = 'expired' and d.pull_number is not null and d.ended_at > now() - ${lateS} * interval '1 second'
    and d.ended_at > ${since.toISOString()}::timestamptz - interval '1 minute'`;
}

/** Locks them. */
async function placedRows(
  tx: Database,
  webhookId: WebhookId,
  places: Places,
  standing: SQL,
): Promise<PlacedRow[]> {
  const wasThere = (at: SQL) => sql`(d.expires_at is null or d.expires_at > ${at}::timestamptz)`;
  const mine = sql`d.webhook_id = ${uuidOf(webhookId)} and ${standing}`;
  const shown = sql`d.id, d.pull_number::float8 as number, d.scheduled_attempts, e.is_test,
    e.id as event_id, (extract(epoch from d.expires_at) * 1000)::float8 as expires_ms, (select ${idleAtMost}) as idle_at_most`;
  if ('up_to' in places) {
    const { number, at } = places.up_to;
    return selectRows(
      tx,
      sql`select ${shown} from deliveries d join events e on e.id = d.event_id
          where ${mine} and d.pull_number <= ${number}::float8::bigint and ${wasThere(sql`${at.toISOString()}`)}
          order by d.pull_number limit ${mostSettled} for update of d`,
    );
  }
  return selectRows(
    tx,
    sql`select ${shown} from ${unnest(places.these, {
      wanted_number: ['text', ({ number }) => String(number)],
      wanted_at: ['text', ({ at }) => at.toISOString()],
    })} join deliveries d on d.pull_number = wanted_number::bigint and ${mine} and ${wasThere(sql`wanted_at`)}
        join events e on e.id = d.event_id order by d.pull_number for update of d`,
  );
}
