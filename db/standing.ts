import { type SQL, sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import type { EndpointState } from './schema.ts';

/** How the whole installation stands. */
export interface Standing {
  /** How long the delivery is overdue that has been so the longest, in ms; 0 when none is. */
  lag_ms: number;
  /** Deliveries that should have been attempted by now. */
  due: number;
  held: number;
  /** For their consumers to pull. */
  queued: number;
  /** Events that wait for their time. */
  scheduled: number;
  /** Deliveries that wait for another of their lane. */
  behind: number;
  /** Lanes that wait for a delivery which has failed for good. */
  blocked: number;
  /** How long the scheduled event is overdue that has been so the longest, in ms; 0 when none is. */
  release_lag_ms: number;
  /** Client certificates of webhooks: those that have ended, and when the first of the others does, in ms from now; null for none. */
  certificates_ended: number;
  certificate_ends_ms: number | null;
  endpoints: Record<EndpointState, number>;
}

/** Counting goes no further: more would say nothing else, and cost more. */
export const mostCounted = {
  due: 10_000,
  held: 100_000,
  queued: 100_000,
  scheduled: 100_000,
  behind: 100_000,
  blocked: 100_000,
};

/** Of scheduled events, those whose time has come the longest ago. */
const mostLookedAt = 100;

/** In one statement, each of its parts by an index. */
export const findStanding = query(async (db: Database, timeoutMs: number): Promise<Standing> => {
  const [row] = await selectRows<Omit<Standing, 'endpoints'> & Record<EndpointState, number>>(
    db,
    standingStatement(),
    { name: 'find_standing', timeoutMs },
  );
  if (row === undefined) throw new Error('a statement without a table answers a row');
  const { failing, disabled, probing, healthy, ...standing } = row;
  return { ...standing, endpoints: { healthy, failing, disabled, probing } };
});

/** Exported for the test of what it reads. */
export function standingStatement(): SQL {
  return sql`select
      coalesce((
        select greatest(extract(epoch from now() - next_attempt_at) * 1000, 0) from deliveries
        where status = 'pending' and next_attempt_at is not null order by next_attempt_at limit 1
      ), 0)::float8 as lag_ms,
      (select count(*) from (
        select from deliveries where status = 'pending' and next_attempt_at <= now() limit ${mostCounted.due}
      ) as due)::int as due,
      (select count(*) from (
        select from deliveries where status = 'held' limit ${mostCounted.held}
      ) as held)::int as held,
      (select count(*) from (
        select from deliveries where status = 'queued' limit ${mostCounted.queued}
      ) as queued)::int as queued,
      (select count(*) from (select from scheduled_events limit ${mostCounted.scheduled}) as scheduled)::int as scheduled,
      (select count(*) from (
        select from deliveries where status in ('pending', 'held') and lane_state = 'behind'
        limit ${mostCounted.behind}
      ) as behind)::int as behind,
      (select count(*) from (
        select from deliveries where status = 'held' and lane_state = 'blocked' limit ${mostCounted.blocked}
      ) as blocked)::int as blocked,
      coalesce((
        -- One that a process has taken up is due again some seconds later.
        select greatest(extract(epoch from now() - min(e.deliver_at)) * 1000, 0)
        from (
          select event_id from scheduled_events where due_at <= now() + interval '10 s'
          order by due_at limit ${mostLookedAt}
        ) as soon join events e on e.id = soon.event_id
      ), 0)::float8 as release_lag_ms,
      certificates.ended as certificates_ended, certificates.ends_ms as certificate_ends_ms,
      unwell.failing, unwell.disabled, unwell.probing,
      all_webhooks.count - unwell.failing - unwell.disabled - unwell.probing as healthy
    from
      (select count(*)::int as count from webhooks where deleted_at is null) as all_webhooks,
      (select
        (count(*) filter (where endpoint_state = 'failing'))::int as failing,
        (count(*) filter (where endpoint_state = 'disabled'))::int as disabled,
        (count(*) filter (where endpoint_state = 'probing'))::int as probing
      from webhooks where deleted_at is null and endpoint_state <> 'healthy') as unwell,
      (select
        (count(*) filter (where certificate_ends_at <= now()))::int as ended,
        (extract(epoch from min(certificate_ends_at) filter (where certificate_ends_at > now()) - now()) * 1000)::float8
          as ends_ms
      from webhooks where deleted_at is null and certificate_ends_at is not null) as certificates`;
}
