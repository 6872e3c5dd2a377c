import { type SQL, sql } from 'drizzle-orm';
import { unsentReasons } from '../webhook/failure-reasons.ts';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, uuidOf, type WebhookId } from './ids.ts';
import { addCounts, mostLatencyClass } from './latency.ts';
import { unnest } from './unnest.ts';

/** The spans in which attempts are counted, in seconds, and for how long each is kept. */
export const statsSpans = [
  { seconds: 60, keptHours: 3 },
  { seconds: 900, keptHours: 3 * 24 },
  { seconds: 7_200, keptHours: 35 * 24 },
] as const;
export type SpanSeconds = (typeof statsSpans)[number]['seconds'];

/** Stands for all webhooks of an account. */
const allWebhooks = '00000000-0000-0000-0000-000000000000';
/** Any number, but the same in every process, and no other lock's. */
const foldLock = 7_166_043;
const mostRowsAtOnce = 500;
/** Groups that are counted while someone waits: far more than there are when counting goes its way. */
const mostRowsRead = 2_000;

/** Attempts of one webhook in one minute that ended alike and took about as long. */
interface Tally {
  account_id: string;
  webhook_id: string;
  minute: number;
  reason: string | null;
  /** Null where nothing was sent. */
  latency_class: number | null;
  count: number;
}

interface Counted {
  account_id: string;
  webhook_id: string;
  seconds: number;
  /** In seconds since 1970. */
  start: number;
  succeeded: number;
  failed: number;
  latency: number[];
  reasons: Record<string, number>;
}

/**
 * Adds attempts that are not counted yet to the statistics, of so many groups at most; answers of how many. Each is counted once,
 * however many processes ask and whatever dies: counting and noting that it was done are one transaction. While another
 * process counts, nothing is done.
 */
export const foldAttempts = query(
  (db: Database): Promise<number> =>
    db.transaction(async (tx) => {
      const [lock] = await selectRows<{ taken: boolean }>(
        tx,
        sql`select pg_try_advisory_xact_lock(${foldLock}) as taken`,
      );
      if (lock?.taken !== true) return 0;
      const groups = await selectRows<{ id: string }>(
        tx,
        sql`select id::text from changes where is_unfolded order by id limit ${mostRowsAtOnce}`,
      );
      if (groups.length === 0) return 0;
      const ids = sql`any(${sql.param(groups.map(({ id }) => id))}::text[]::bigint[])`;
      const tallies = await loadTallies(tx, sql`id = ${ids}`);
      await addToStats(tx, countBySpan(tallies));
      await tx.execute(sql`update changes set is_unfolded = false where id = ${ids}`);
      return groups.length;
    }),
);

/** Deletes statistics and changes that are older than they are kept; changes only once their attempts are counted. */
export const pruneStats = query(async (db: Database): Promise<void> => {
  for (const { seconds, keptHours } of statsSpans) {
    await db.execute(
      sql`delete from attempt_stats where seconds = ${seconds} and start < now() - ${keptHours}::int * interval '1 hour'`,
    );
  }
  await db.execute(sql`delete from changes where id in (
    select id from changes where created_at < now() - interval '10 minutes' and not is_unfolded order by id limit 10000)`);
});

export interface StatsRow {
  /** In seconds since 1970. */
  start: number;
  succeeded: number;
  failed: number;
  latency: number[];
  reasons: Record<string, number>;
}

/**
 * The attempts of an account, or of one of its webhooks, counted by span from then on, up to this moment: what is not in the
 * statistics yet is counted now.
 */
export const readStats = query(
  (
    db: Database,
    accountId: AccountId,
    webhookId: WebhookId | null,
    { seconds, from }: { seconds: SpanSeconds; from: Date },
  ): Promise<StatsRow[]> =>
    db.transaction(
      async (tx) => {
        const kept = await selectRows<StatsRow>(
          tx,
          sql`select extract(epoch from start)::float8 as start, succeeded::float8 as succeeded, failed::float8 as failed,
                latency, reasons
              from attempt_stats where account_id = ${uuidOf(accountId)}
                and webhook_id = ${webhookId === null ? allWebhooks : uuidOf(webhookId)}
                and seconds = ${seconds} and start >= ${from.toISOString()}::timestamptz`,
        );
        const tallies = await loadTallies(tx, sql`is_unfolded`, accountId);
        const wanted = webhookId === null ? allWebhooks : uuidOf(webhookId);
        const ofWanted =
          webhookId === null ? tallies : tallies.filter(({ webhook_id }) => webhook_id === wanted);
        const late = countBySpan(ofWanted, [seconds], webhookId === null ? 'account' : 'webhook').filter(
          ({ start }) => start * 1_000 >= from.getTime(),
        );
        const byStart = new Map<number, StatsRow>();
        for (const { start, succeeded, failed, latency, reasons } of [...kept, ...late]) {
          byStart.set(start, sum(byStart.get(start), { start, succeeded, failed, latency, reasons }));
        }
        return [...byStart.values()];
      },
      // So that what is counted meanwhile is neither missed nor counted twice.
      { isolationLevel: 'repeatable read', accessMode: 'read only' },
    ),
);

export interface HourlyActivity {
  webhook_id: string;
  /** In hours since 1970. */
  hour: number;
  succeeded: number;
  failed: number;
}

/** The attempts of webhooks by the hour, as far as they are counted: some seconds may be missing. */
export const readActivity = query(
  (
    db: Database,
    accountId: AccountId,
    webhookIds: readonly WebhookId[],
    from: Date,
  ): Promise<HourlyActivity[]> =>
    selectRows<HourlyActivity>(
      db,
      sql`select webhook_id, floor(extract(epoch from start) / 3600)::float8 as hour,
            sum(succeeded)::float8 as succeeded, sum(failed)::float8 as failed
          from attempt_stats where account_id = ${uuidOf(accountId)}
            and webhook_id = any(${sql.param(webhookIds.map(uuidOf))}::uuid[])
            and seconds = 900 and start >= ${from.toISOString()}::timestamptz
          group by 1, 2`,
    ),
);

/** Attempts of those groups, of one account if it is given, with those that are alike counted. */
function loadTallies(db: Database, condition: SQL, accountId?: AccountId): Promise<Tally[]> {
  const unsent = sql.raw(unsentReasons.map((reason) => `'${reason}'`).join(', '));
  return selectRows<Tally>(
    db,
    sql`with groups as (
          select account_ids, webhook_ids, started_at, durations_ms, reasons from changes
          where ${condition} order by id limit ${mostRowsRead}
        )
        select a.account_id, a.webhook_id, floor(extract(epoch from a.started_at)::float8 / 60) as minute, a.reason,
          case when a.reason in (${unsent}) then null
            else least(${mostLatencyClass}, ceil(3 * ln(greatest(a.duration_ms, 1)::float8) / ln(2::float8) - 1e-9))::int end as latency_class,
          count(*)::int as count
        from groups cross join lateral unnest(account_ids, webhook_ids, started_at, durations_ms, reasons)
          as a(account_id, webhook_id, started_at, duration_ms, reason)
        where ${accountId === undefined ? sql`true` : sql`a.account_id = ${uuidOf(accountId)}`}
        group by 1, 2, 3, 4, 5`,
  );
}

/** Tallies by span, each for its webhook and for its account as a whole; of one span or one of the two where that is all there is to know. */
function countBySpan(
  tallies: readonly Tally[],
  spans: readonly number[] = statsSpans.map(({ seconds }) => seconds),
  of: 'both' | 'webhook' | 'account' = 'both',
): Counted[] {
  const counted = new Map<string, Counted>();
  for (const tally of tallies) {
    const { account_id, minute } = tally;
    const webhooks = [
      ...(of === 'account' ? [] : [tally.webhook_id]),
      ...(of === 'webhook' ? [] : [allWebhooks]),
    ];
    for (const seconds of spans) {
      const start = Math.floor((minute * 60) / seconds) * seconds;
      for (const webhook_id of webhooks) {
        const key = `${account_id} ${webhook_id} ${seconds} ${start}`;
        let known = counted.get(key);
        if (known === undefined) {
          known = {
            account_id,
            webhook_id,
            seconds,
            start,
            succeeded: 0,
            failed: 0,
            latency: [],
            reasons: {},
          };
          counted.set(key, known);
        }
        addTally(known, tally);
      }
    }
  }
  // In one order, should two write at once.
  return [...counted].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

function addTally(counted: Counted, { reason, latency_class, count }: Tally): void {
  if (reason === null) counted.succeeded += count;
  else {
    counted.failed += count;
    counted.reasons[reason] = (counted.reasons[reason] ?? 0) + count;
  }
  if (latency_class === null) return;
  while (counted.latency.length <= latency_class) counted.latency.push(0);
  counted.latency[latency_class] = (counted.latency[latency_class] ?? 0) + count;
}

function sum(a: StatsRow | undefined, b: StatsRow): StatsRow {
  if (a === undefined) return b;
  const reasons = { ...a.reasons };
  for (const [reason, count] of Object.entries(b.reasons)) reasons[reason] = (reasons[reason] ?? 0) + count;
  return {
    start: b.start,
    succeeded: a.succeeded + b.succeeded,
    failed: a.failed + b.failed,
    latency: addCounts(a.latency, b.latency),
    reasons,
  };
}

async function addToStats(tx: Database, counted: readonly Counted[]): Promise<void> {
  await tx.execute(sql`insert into attempt_stats as s
      (account_id, webhook_id, seconds, start, succeeded, failed, latency, reasons)
    select account_id, webhook_id, seconds, to_timestamp(start::float8), succeeded, failed, latency::int[], reasons::jsonb
    from ${unnest(counted, {
      account_id: ['uuid', (one) => one.account_id],
      webhook_id: ['uuid', (one) => one.webhook_id],
      seconds: ['int', (one) => one.seconds],
      start: ['text', (one) => String(one.start)],
      succeeded: ['int', (one) => one.succeeded],
      failed: ['int', (one) => one.failed],
      latency: ['text', (one) => `{${one.latency.join(',')}}`],
      reasons: ['text', (one) => JSON.stringify(one.reasons)],
    })}
    on conflict (account_id, webhook_id, seconds, start) do update set
      succeeded = s.succeeded + excluded.succeeded,
      failed = s.failed + excluded.failed,
      latency = array(
        select coalesce(a, 0) + coalesce(b, 0) from unnest(s.latency, excluded.latency) with ordinality as pair(a, b, n)
        order by n),
      reasons = case when excluded.reasons = '{}' then s.reasons else (
        select jsonb_object_agg(key, total) from (
          select key, sum(value::bigint) as total from (
            select * from jsonb_each_text(s.reasons) union all select * from jsonb_each_text(excluded.reasons)
          ) as entry group by key
        ) as summed) end`);
}
