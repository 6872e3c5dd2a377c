import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, idOf } from './ids.ts';
import type { ChangeKind } from './schema.ts';

/** One thing that has changed, in the words of `GET /v1/changes`. */
export interface Change {
  account_id: AccountId;
  event: 'attempt' | 'event' | 'delivery' | 'webhook';
  /** Ids and states, and nothing else. */
  data: Record<string, string>;
}

/** What one statement changed. */
export interface ChangeGroup {
  id: number;
  changes: Change[];
}

interface Row {
  id: number;
  kind: ChangeKind;
  account_ids: string[];
  webhook_ids: string[] | null;
  event_ids: string[] | null;
  client_ids: (string | null)[] | null;
  delivery_ids: string[] | null;
  attempt_ids: string[] | null;
  statuses: string[] | null;
}

/** Where the changes are: `last` was numbered last, be it committed or not; `oldest` is there still, null when none is. */
export const findChangesRange = query(
  async (db: Database): Promise<{ oldest: number | null; last: number }> => {
    const [row] = await selectRows<{ oldest: number | null; last: number }>(
      db,
      sql`select (select min(id)::float8 from changes) as oldest,
            coalesce(pg_sequence_last_value(pg_get_serial_sequence('changes', 'id')::regclass), 0)::float8 as last`,
    );
    return row ?? { oldest: null, last: 0 };
  },
);

/** Groups after a number, and those of the given numbers, in order, at most `limit`. */
export const readChanges = query(
  async (
    db: Database,
    { after, also, limit }: { after: number; also: readonly number[]; limit: number },
  ): Promise<ChangeGroup[]> => {
    const rows = await selectRows<Row>(
      db,
      sql`select id::float8 as id, kind, account_ids::text[], webhook_ids::text[], event_ids::text[], client_ids,
            delivery_ids::text[], attempt_ids::text[], statuses
          from changes where id > ${after}::float8::bigint
            or id = any(${sql.param(also.map(String))}::text[]::bigint[])
          order by changes.id limit ${limit}`,
    );
    return rows.map((row) => ({ id: row.id, changes: changesIn(row) }));
  },
);

function changesIn(row: Row): Change[] {
  const { kind, account_ids, webhook_ids, event_ids, client_ids, delivery_ids, attempt_ids, statuses } = row;
  return account_ids.map((account, index): Change => {
    const account_id = idOf('acct', account);
    const webhook = webhook_ids?.[index];
    const webhook_id = webhook == null ? '' : idOf('wh', webhook);
    const status = statuses?.[index] ?? '';
    const delivery = delivery_ids?.[index];
    const delivery_id = delivery == null ? '' : idOf('dlv', delivery);
    if (kind === 'attempts') {
      const id = idOf('att', attempt_ids?.[index] ?? '');
      return { account_id, event: 'attempt', data: { id, delivery_id, webhook_id, status } };
    }
    if (kind === 'events') {
      const id = client_ids?.[index] ?? idOf('evt', event_ids?.[index] ?? '');
      return { account_id, event: 'event', data: { id } };
    }
    if (kind === 'delivery')
      return { account_id, event: 'delivery', data: { id: delivery_id, webhook_id, status } };
    return { account_id, event: 'webhook', data: { id: webhook_id, endpoint_state: status } };
  });
}
