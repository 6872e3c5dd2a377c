import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { headStartAgeMs, silentAfterMs } from './head-starts.ts';
import { type AccountId, type DeliveryId, type EventId, idOf, type WebhookId } from './ids.ts';

/** A workflow that owes deliveries, with what it is found by in the Temporal UI. */
export interface OwingWorkflow {
  workflow_id: string;
  event_ids: EventId[];
  webhook_ids: WebhookId[];
  account_ids: AccountId[];
  /** Of these it may not know that a next attempt is due, where it runs: they waited for their endpoint's limits and failed. */
  unnoticed: DeliveryId[];
}

/** Longer than most attempts take, which are under way all the while. */
const unnoticedAfterMs = 8_000;

/**
 * Workflows whose deliveries should have been attempted at least `graceMs` ago, longest overdue first, but for those whose attempts
 * are under way. They may be running all the same, where something waits for its endpoint.
 */
export const findOverdueWorkflows = query(
  async (db: Database, options: { now: Date; graceMs: number; limit: number }): Promise<OwingWorkflow[]> => {
    const before = new Date(options.now.getTime() - options.graceMs).toISOString();
    const longBefore = new Date(options.now.getTime() - unnoticedAfterMs).toISOString();
    const rows = await selectRows<{
      workflow_id: string;
      event_ids: string[];
      webhook_ids: string[];
      account_ids: string[];
      unnoticed: string[];
    }>(
      db,
      sql`with overdue as (
          select d.workflow_id, min(d.next_attempt_at) as since, array_agg(d.id) filter (where
              (w.rate_limit is not null or w.max_in_flight is not null)
              and d.next_attempt_at < ${longBefore}::timestamptz and d.attempt_count > 0
              and d.waiting_since is null and d.head_start_at is null
            ) as unnoticed
          from deliveries d join webhooks w on w.id = d.webhook_id
          where d.status = 'pending' and d.next_attempt_at < ${before}::timestamptz and (d.head_start_at is null
            or ${headStartAgeMs(sql`d.head_start_at`)} > ${silentAfterMs})
          group by workflow_id order by since limit ${options.limit}
        )
        select o.workflow_id, coalesce(o.unnoticed, '{}')::text[] as unnoticed, array_agg(distinct d.event_id)::text[] as event_ids,
          array_agg(distinct d.webhook_id)::text[] as webhook_ids,
          array_agg(distinct d.account_id)::text[] as account_ids
        from overdue o join deliveries d on d.workflow_id = o.workflow_id and d.status = 'pending'
        group by o.workflow_id, o.unnoticed, o.since order by o.since`,
    );
    return rows.map((row) => ({
      workflow_id: row.workflow_id,
      unnoticed: row.unnoticed.map((id) => idOf('dlv', id)),
      event_ids: row.event_ids.map((id) => idOf('evt', id)),
      webhook_ids: row.webhook_ids.map((id) => idOf('wh', id)),
      account_ids: row.account_ids.map((id) => idOf('acct', id)),
    }));
  },
);
