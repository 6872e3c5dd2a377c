import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, uuidOf, type WebhookId } from './ids.ts';
import type { EndpointState } from './schema.ts';

/** Deliveries that have not ended: counted up to `mostCounted` of a status. */
export interface OpenDeliveries {
  /** Without a failed attempt so far. */
  pending: number;
  /** Attempted in vain, with a further attempt to come. */
  failing: number;
  held: number;
  /** For their consumers to pull. */
  queued: number;
  /** There are more than were counted. */
  is_capped: boolean;
}

const mostCounted = 10_000;

/** An account's deliveries that have not ended, or those of one of its webhooks. */
export const countOpenDeliveries = query(
  async (db: Database, accountId: AccountId, webhookId: WebhookId | null): Promise<OpenDeliveries> => {
    const account = sql`account_id = ${uuidOf(accountId)}`;
    const ofWebhook = webhookId === null ? sql`true` : sql`webhook_id = ${uuidOf(webhookId)}`;
    const waiting = webhookId === null ? account : ofWebhook;
    const upTo = sql`${mostCounted + 1}`;
    const [row] = await selectRows<{
      looked_at: number;
      pending: number;
      failing: number;
      held: number;
      queued: number;
    }>(
      db,
      sql`with open as materialized (
            select webhook_id, attempt_count from deliveries where ${account} and status = 'pending'
            order by id desc limit ${mostCounted + 1}
          )
          select (select count(*)::int from open) as looked_at,
            (select count(*)::int from open where ${ofWebhook} and attempt_count = 0) as pending,
            (select count(*)::int from open where ${ofWebhook} and attempt_count > 0) as failing,
            (select count(*)::int from (select from deliveries where ${waiting} and status = 'held'
              order by id desc limit ${upTo}) as counted) as held,
            (select count(*)::int from (select from deliveries where ${waiting} and status = 'queued'
              limit ${upTo}) as counted) as queued`,
    );
    const { looked_at = 0, pending = 0, failing = 0, held = 0, queued = 0 } = row ?? {};
    return {
      pending: Math.min(pending, mostCounted),
      failing: Math.min(failing, mostCounted),
      held: Math.min(held, mostCounted),
      queued: Math.min(queued, mostCounted),
      is_capped: Math.max(looked_at, held, queued) > mostCounted,
    };
  },
);

/** How many of an account's endpoints are in which state. */
export const countEndpoints = query(
  async (db: Database, accountId: AccountId): Promise<Record<EndpointState, number>> => {
    const rows = await selectRows<{ state: EndpointState; count: number }>(
      db,
      sql`select endpoint_state as state, count(*)::int as count from webhooks
          where account_id = ${uuidOf(accountId)} and deleted_at is null group by 1`,
    );
    const counts = { healthy: 0, failing: 0, disabled: 0, probing: 0 };
    for (const { state, count } of rows) counts[state] = count;
    return counts;
  },
);
