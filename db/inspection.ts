import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { idOf, type WebhookId } from './ids.ts';
import type { EndpointState } from './schema.ts';

/** How a PostgreSQL server is set up, as far as Postrider depends on it. */
export interface ServerFacts {
  /** 150004 is 15.4. */
  version: number;
  fsync: string;
  synchronous_commit: string;
  full_page_writes: string;
  max_connections: number;
  is_standby: boolean;
  is_encrypted: boolean;
  may_create: boolean;
  /** Of the server's clock, in ms. */
  now_ms: number;
}

/** Asked of the server in one statement, which changes nothing. */
export const inspectServer = query(async (db: Database): Promise<ServerFacts> => {
  const [facts] = await selectRows<ServerFacts>(
    db,
    sql`select current_setting('server_version_num')::int as version, current_setting('fsync') as fsync,
        current_setting('synchronous_commit') as synchronous_commit,
        current_setting('full_page_writes') as full_page_writes,
        current_setting('max_connections')::int as max_connections, pg_is_in_recovery() as is_standby,
        coalesce((select ssl from pg_stat_ssl where pid = pg_backend_pid()), false) as is_encrypted,
        coalesce(has_schema_privilege(current_schema(), 'create'), false) as may_create,
        (extract(epoch from clock_timestamp()) * 1000)::float8 as now_ms`,
  );
  if (facts === undefined) throw new Error('a statement without a table answers a row');
  return facts;
});

/** An endpoint that gets nothing, or fails. */
export interface UnwellEndpoint {
  id: WebhookId;
  state: EndpointState;
  reason: string | null;
}

/** Endpoints of all accounts that are not healthy, those first that have been so the longest. */
export const findUnwellEndpoints = query(async (db: Database, limit: number): Promise<UnwellEndpoint[]> => {
  const rows = await selectRows<{ id: string; state: EndpointState; reason: string | null }>(
    db,
    sql`select id, endpoint_state as state, state_reason as reason from webhooks
        where deleted_at is null and endpoint_state <> 'healthy' order by state_since, id limit ${limit}`,
  );
  return rows.map((row) => ({ ...row, id: idOf('wh', row.id) }));
});
