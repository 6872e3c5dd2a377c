import { type SQL, sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { idOf, uuidOf, type WebhookId } from './ids.ts';
import { unnest } from './unnest.ts';

/** What a process asks of an endpoint's limits. */
export interface LimitDemand {
  webhook_id: WebhookId;
  /** Requests a second; null where that is not limited. */
  rate_limit: number | null;
  /** Requests that wait for their turn, */
  turns: number;
  /** and how many more may come soon: for these, turns are given that nobody has taken in time. */
  ahead: number;
  /** Requests under way, of all processes; null where that is not limited. */
  max_in_flight: number | null;
  /** So many of them this process has, or may still begin before it has the answer. */
  keep: number;
  /** So many it would have. */
  wanted: number;
}

/** What it is given. Times are in ms from the moment of the answer, since clocks differ. */
export interface LimitGrant {
  webhook_id: WebhookId;
  /** So many turns: the first then (which may be a moment ago), the others one after the other, so far apart. */
  turns: number;
  first_ms: number;
  every_ms: number;
  /** Not before then are there further turns, for whomever. */
  more_ms: number;
  /** Requests under way that are counted as this process’s, */
  held: number;
  /** and how many it may have from now on: fewer, where others have too few. */
  share: number;
  /** Other processes would have more than they hold. */
  others_wait: boolean;
  /** Deliveries wait in the database, which were there before. */
  has_waiting: boolean;
}

/** A process that says nothing for so long, in ms, loses its share. */
export const shareLeaseMs = 5_000;
/** Turns are given for so long ahead, in ms: more would be lost with a process that dies, and kept from others. */
export const turnsAheadMs = 300;
/** Turns that nobody took are given for so long, in ms. */
export const takenUpMs = 200;
/** A next turn further ahead than there can be one says that the clock was set back. */
const clockGraceMs = 1_000;

/**
 * Gives a process turns and shares, each webhook's in one step for all processes. Turns of a webhook are never closer
 * together than its rate says, whoever gets them. The shares of the processes that live are never more than
 * `max_in_flight` in all, but where that was just made smaller; who has more than its fair part gives back when others wait.
 */
export const askForLimits = query(
  async (
    db: Database,
    process: string,
    demands: readonly LimitDemand[],
    { timeoutMs, nowMs }: { timeoutMs?: number; nowMs?: number } = {},
  ): Promise<LimitGrant[]> => {
    const options = timeoutMs === undefined ? {} : { timeoutMs };
    const ask = async (asked: readonly LimitDemand[]) => {
      const rows = await selectRows<Omit<LimitGrant, 'webhook_id'> & { webhook_id: string }>(
        db,
        grantStatement(process, asked, nowMs),
        { ...options, ...(nowMs === undefined ? { name: 'ask_for_limits' } : {}) },
      );
      return rows.map((row) => ({ ...row, webhook_id: idOf('wh', row.webhook_id) }));
    };
    const grants = await ask(demands);
    const known = new Set(grants.map(({ webhook_id }) => webhook_id));
    const unknown = demands.filter(({ webhook_id }) => !known.has(webhook_id));
    if (unknown.length === 0) return grants;
    await selectRows(
      db,
      sql`insert into endpoint_limits (webhook_id)
          select webhook_id from ${unnest(unknown, { webhook_id: ['uuid', (one) => uuidOf(one.webhook_id)] })}
          order by webhook_id on conflict do nothing`,
      options,
    );
    return [...grants, ...(await ask(unknown))];
  },
);

function grantStatement(process: string, demands: readonly LimitDemand[], nowMs: number | undefined): SQL {
  const now =
    nowMs === undefined
      ? sql`extract(epoch from clock_timestamp())::float8 * 1000`
      : sql`${String(nowMs)}::float8`;
  return sql`with asked as (
      select webhook_id, rate_limit::float8 as rate_limit, turns, ahead, max_in_flight, keep, wanted
      from ${unnest(demands, {
        webhook_id: ['uuid', (demand) => uuidOf(demand.webhook_id)],
        rate_limit: ['text', (demand) => (demand.rate_limit === null ? null : String(demand.rate_limit))],
        turns: ['int', (demand) => demand.turns],
        ahead: ['int', (demand) => demand.ahead],
        max_in_flight: ['int', (demand) => demand.max_in_flight],
        keep: ['int', (demand) => demand.keep],
        wanted: ['int', (demand) => demand.wanted],
      })}
    ), locked as (
      select l.webhook_id, l.next_turn_ms, l.shares from endpoint_limits l
      where l.webhook_id in (select webhook_id from asked)
      order by l.webhook_id for update
    ), timed as (
      -- After the lock, whose wait would make turns late.
      select l.next_turn_ms, l.shares, a.*, t.now_ms, 1000 / a.rate_limit as every_ms
      from locked l join asked a on a.webhook_id = l.webhook_id
      cross join lateral (select ${now} as now_ms) t
    ), based as (
      select *, greatest(
          case when next_turn_ms > now_ms + ${turnsAheadMs}::float8 + every_ms + ${clockGraceMs}::float8 then 0
            else next_turn_ms end,
          now_ms - ${takenUpMs}::float8) as first_at_ms
      from timed
    ), turned as (
      select *, case when rate_limit is null then 0 else least(
          greatest(floor((now_ms + ${turnsAheadMs}::float8 - first_at_ms) / every_ms) + 1, 0),
          greatest(turns, least(turns + ahead, floor((now_ms - first_at_ms) / every_ms) + 1))
        )::int end as given
      from based
    ), rivalled as (
      select t.*, o.shares as others, o.held as others_held, o.wait as others_wait,
        coalesce((t.shares->${process}::text->>'held')::int, 0) as had, greatest(1, max_in_flight / (1 + o.wanting)) as fair
      from turned t cross join lateral (
        select coalesce(jsonb_object_agg(key, value), '{}') as shares,
          coalesce(sum((value->>'held')::int), 0)::int as held,
          count(*) filter (where (value->>'wanted')::int > 0)::int as wanting,
          coalesce(bool_or((value->>'wanted')::int > (value->>'held')::int), false) as wait
        from jsonb_each(t.shares)
        where key <> ${process}::text and (value->>'until_ms')::float8 > t.now_ms
      ) o
    ), entitled as (
      select r.*, max_in_flight - others_held as free, max_in_flight - o.due as left_to_me
      from rivalled r cross join lateral (
        select coalesce(sum(greatest((value->>'held')::int, least((value->>'wanted')::int, r.fair))), 0)::int as due
        from jsonb_each(r.others)
      ) o
    ), shared as (
      -- Who has had nothing gets one that is free, so that it goes round where processes are more than shares.
      select *, case when max_in_flight is null then 0 else greatest(0, least(
          wanted, free, greatest(left_to_me, case when keep = 0 and had = 0 then 1 else 0 end)
        )) end as share
      from entitled
    ), written as (
      update endpoint_limits l set
        next_turn_ms = case when s.given > 0 then s.first_at_ms + s.given * s.every_ms else l.next_turn_ms end,
        shares = case when s.max_in_flight is null or (s.wanted = 0 and s.keep = 0) then s.others
          else s.others || jsonb_build_object(${process}::text, jsonb_build_object(
            'held', greatest(s.keep, s.share), 'wanted', s.wanted, 'until_ms', s.now_ms + ${shareLeaseMs}::float8)) end
      from shared s where l.webhook_id = s.webhook_id
      returning l.webhook_id
    )
    select s.webhook_id, s.given as turns,
      case when s.every_ms is null then 0 else s.first_at_ms - s.now_ms end::float8 as first_ms, coalesce(s.every_ms, 0)::float8 as every_ms,
      coalesce(s.first_at_ms + s.given * s.every_ms - s.now_ms - ${turnsAheadMs}::float8, 0)::float8 as more_ms,
      case when s.max_in_flight is null then 0 else greatest(s.keep, s.share) end as held, s.share, s.others_wait,
      exists (
        select from deliveries d where d.webhook_id = s.webhook_id
          and d.status = 'pending' and d.waiting_since is not null and d.head_start_at is null
      ) as has_waiting
    from shared s join written w on w.webhook_id = s.webhook_id`;
}

/** Gives back at once what a process holds: it stops. */
export const giveSharesBack = query(
  async (db: Database, process: string, webhookIds: readonly WebhookId[]): Promise<void> => {
    await selectRows(
      db,
      sql`update endpoint_limits l set shares = l.shares - ${process}::text
          from ${unnest(webhookIds, { held_of: ['uuid', uuidOf] })} where l.webhook_id = held_of`,
    );
  },
);
