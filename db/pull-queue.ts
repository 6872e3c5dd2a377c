import { sql } from 'drizzle-orm';
import { type Database, selectRows } from './database.ts';
import { type LoadedDelivery, loadDeliveriesById } from './due-deliveries.ts';
import { query } from './errors.ts';
import { isStillToGo } from './expired-deliveries.ts';
import { idleAtMost } from './idle-at-most.ts';
import { type AccountId, type DeliveryId, idOf, uuidOf, type WebhookId } from './ids.ts';

/** A delivery that waits to be pulled, at its place. */
export interface Queued {
  /** 1, 2, 3… within its webhook: what is numbered later has a higher one. */
  number: number;
  delivery: LoadedDelivery;
}

/** Rows that one statement numbers. */
const mostNumbered = 1_000;

/**
 * Gives a webhook's queued deliveries that may be pulled, and have no number yet, the next ones: what has waited longest first. The
 * webhook is locked meanwhile, so that numbers are seen in their order: whoever has seen one will see none that is lower.
 */
export const numberQueued = query(async (db: Database, webhookId: WebhookId): Promise<void> => {
  const unnumbered = sql`webhook_id = ${uuidOf(webhookId)} and status = 'queued' and pull_number is null`;
  const [found] = await selectRows<{ is_any: boolean }>(
    db,
    sql`select exists (select from deliveries where ${unnumbered} and next_attempt_at is null)
          or exists (select from deliveries where ${unnumbered} and next_attempt_at <= now()) as is_any`,
  );
  if (found?.is_any !== true) return;
  await db.transaction(async (tx) => {
    const [webhook] = await selectRows<{ pull_count: number }>(
      tx,
      sql`select pull_count::float8 as pull_count, ${idleAtMost} as idle_at_most from webhooks
          where id = ${uuidOf(webhookId)} and deleted_at is null for no key update`,
    );
    if (webhook === undefined) return;
    // A statement of its own: it sees what was committed while the lock was waited for.
    const numbered = await selectRows<{ number: number }>(
      tx,
      sql`with ready as (
          (select id, created_at as since from deliveries where ${unnumbered} and next_attempt_at is null
            order by pull_number, next_attempt_at, id limit ${mostNumbered})
          union all
          (select id, next_attempt_at from deliveries where ${unnumbered} and next_attempt_at <= now()
            order by pull_number, next_attempt_at, id limit ${mostNumbered})
        ), placed as (
          select id, row_number() over (order by since, id) as place from ready
        )
        update deliveries d set pull_number = ${webhook.pull_count}::float8::bigint + p.place, next_attempt_at = null
        from placed p where d.id = p.id and d.status = 'queued' and d.pull_number is null
        returning d.pull_number::float8 as number`,
    );
    const last = numbered.reduce((highest, { number }) => Math.max(highest, number), webhook.pull_count);
    await tx.execute(
      sql`update webhooks set pull_count = ${last}::float8::bigint where id = ${uuidOf(webhookId)}`,
    );
  });
});

/** A webhook's deliveries after a number, in their order: at most `limit`, and no more data than that, but always one. */
export const takeQueued = query(
  async (
    db: Database,
    webhookId: WebhookId,
    { after, limit, mostBytes }: { after: number; limit: number; mostBytes: number },
  ): Promise<Queued[]> => {
    await numberQueued(db, webhookId);
    const rows = await selectRows<{ id: string; number: number; bytes: number }>(
      db,
      sql`select d.id, d.pull_number::float8 as number, octet_length(e.data) as bytes
          from deliveries d join events e on e.id = d.event_id
          where d.webhook_id = ${uuidOf(webhookId)} and d.status = 'queued'
            and d.pull_number > ${after}::float8::bigint and ${isStillToGo}
          order by d.pull_number limit ${limit}`,
    );
    let bytes = 0;
    const fitting = rows.filter((row, index) => {
      bytes += row.bytes;
      return index === 0 || bytes <= mostBytes;
    });
    const numbers = new Map(fitting.map((row) => [idOf('dlv', row.id), row.number]));
    const loaded = await loadDeliveriesById(db, [...numbers.keys()]);
    return loaded
      .filter(({ status }) => status === 'queued')
      .map((delivery) => ({ number: numbers.get(delivery.id) ?? 0, delivery }))
      .sort((a, b) => a.number - b.number);
  },
);

/** How many of a webhook's deliveries up to a number have not ended yet, and still have their place; counted up to `most`. */
export const countTaken = query(
  async (db: Database, webhookId: WebhookId, upTo: number, most: number): Promise<number> => {
    const [row] = await selectRows<{ count: number }>(
      db,
      sql`select count(*)::int as count from (
            select from deliveries where webhook_id = ${uuidOf(webhookId)} and status = 'queued'
              and pull_number <= ${upTo}::float8::bigint limit ${most}) as taken`,
    );
    return row?.count ?? 0;
  },
);

/** Where a webhook's queue stands; undefined when there is no such webhook any more. */
export const findQueue = query(
  async (db: Database, webhookId: WebhookId): Promise<{ pull_count: number } | undefined> => {
    const [row] = await selectRows<{ pull_count: number }>(
      db,
      sql`select pull_count::float8 as pull_count from webhooks where id = ${uuidOf(webhookId)} and deleted_at is null`,
    );
    return row;
  },
);

/**
 * Puts a delivery into its webhook's queue again, whatever became of it: it is pulled once more, ahead of what is not numbered yet.
 * Whoever asks for it wants it, whatever its webhook's filter says. What is left of its retry schedule stays. Whoever has pulled it already and answers later settles nothing by that.
 */
export const requeueDelivery = query(
  (db: Database, accountId: AccountId, id: DeliveryId): Promise<void> =>
    db.transaction(async (tx) => {
      await tx.execute(
        sql`with queued as (
            update deliveries d set status = 'queued', pull_number = null, next_attempt_at = null, ended_at = null, reason = null,
              is_filter_open = false
            from webhooks w
            where d.id = ${uuidOf(id)} and d.account_id = ${uuidOf(accountId)}
              and w.id = d.webhook_id and w.url is null and w.deleted_at is null
            returning d.id, d.account_id, d.webhook_id
          )
          insert into changes (kind, account_ids, webhook_ids, delivery_ids, statuses)
          select 'delivery', array[account_id], array[webhook_id], array[id], array['queued'] from queued`,
      );
    }),
);

/** Its consumer is there. Written once in ten seconds at the most. */
export const notePulled = query(async (db: Database, webhookId: WebhookId): Promise<void> => {
  await db.execute(
    sql`update webhooks set pulled_at = now() where id = ${uuidOf(webhookId)} and url is null and deleted_at is null
          and (pulled_at is null or pulled_at < now() - interval '10 seconds')`,
  );
});
