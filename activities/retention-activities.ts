import type { Database } from '../db/database.ts';
import type { AccountId } from '../db/ids.ts';
import { ensurePartitions } from '../db/partitions.ts';
import {
  type After,
  dropPartition,
  type Expired,
  expireDeliveries,
  expireEventsOf,
  expireKeys,
  expireRowsOf,
  findExpiredPartitions,
  findLongestRetention,
  findShorterAccounts,
  keptFrom,
} from '../db/retention.ts';

export interface Deleted extends Expired {
  keys: number;
  /** Days' partitions that were dropped whole. */
  partitions: number;
}

/** Where deleting goes on: first of the accounts that keep for less than the longest, then of all. */
export type RetentionStep =
  | { stage: 'accounts'; after: { account: AccountId; event: After } | null }
  | { stage: 'deliveries'; after: After }
  | { stage: 'partitions'; after: { name: string; row: After } | null }
  | { stage: 'keys'; page: number };

export interface RetentionActivities {
  /** Makes the partitions of today and the coming days. */
  makeDays(): Promise<void>;
  /** Deletes for two seconds at most what was kept for long enough; `next` is null at the end. */
  deleteExpired(step: RetentionStep): Promise<{ deleted: Deleted; next: RetentionStep | null }>;
}

const stepMs = 2_000;
/** For a table's other users, who wait meanwhile. */
const patienceMs = 500;
/** Of one transaction: few enough to hold their locks for some ms. */
const atOnce = { events: 200, deliveries: 1_000, rows: 1_000 };

export function createRetentionActivities({
  db,
  days,
  now = () => new Date(),
}: {
  db: Database;
  /** For how many are kept what belongs to accounts that do not say. */
  days: number;
  now?: () => Date;
}): RetentionActivities {
  /** Deletes once, and says where it goes on. */
  async function deleteSome(step: RetentionStep, deleted: Deleted): Promise<RetentionStep | null> {
    const longest = await findLongestRetention(db, days);
    const before = keptFrom(now(), longest);
    if (step.stage === 'accounts') {
      const { after } = step;
      const [account] = await findShorterAccounts(db, {
        ...{ days, longest, limit: 1 },
        after: after?.account ?? null,
        isSame: after !== null && after.event !== null,
      });
      if (account === undefined) return { stage: 'deliveries', after: null };
      const expired = await expireEventsOf(db, {
        account: account.id,
        before: keptFrom(now(), account.days),
        after: after?.account === account.id ? after.event : null,
        limit: atOnce.events,
      });
      add(deleted, expired);
      return { stage: 'accounts', after: { account: account.id, event: expired.after } };
    }
    if (step.stage === 'deliveries') {
      const { deliveries, after } = await expireDeliveries(db, {
        ...{ before, after: step.after, limit: atOnce.deliveries },
      });
      deleted.deliveries += deliveries;
      return after === null ? { stage: 'partitions', after: null } : { stage: 'deliveries', after };
    }
    if (step.stage === 'partitions') return deleteOfPartitions(step.after, before, deleted);
    const { keys, page } = await expireKeys(db, { days, now: now(), page: step.page });
    deleted.keys += keys;
    return page === null ? null : { stage: 'keys', page };
  }

  async function deleteOfPartitions(
    after: { name: string; row: After } | null,
    before: Date,
    deleted: Deleted,
  ): Promise<RetentionStep> {
    const all = await findExpiredPartitions(db, before);
    const partition = all.find(({ name }) =>
      after === null || after.row === null ? name > (after?.name ?? '') : name === after.name,
    );
    if (partition === undefined) {
      // It may be gone since.
      return after !== null && after.row !== null
        ? { stage: 'partitions', after: { name: after.name, row: null } }
        : { stage: 'keys', page: 0 };
    }
    const { name, table } = partition;
    if ((after?.row ?? null) === null && (await dropPartition(db, partition))) {
      deleted.partitions += 1;
      return { stage: 'partitions', after: { name, row: null } };
    }
    const { count, after: row } = await expireRowsOf(db, {
      ...partition,
      ...{ before, after: after?.row ?? null, limit: atOnce.rows },
    });
    deleted[table] += count;
    return { stage: 'partitions', after: { name, row } };
  }

  return {
    makeDays: () => ensurePartitions(db, now(), patienceMs),

    async deleteExpired(step) {
      const deleted: Deleted = { deliveries: 0, events: 0, attempts: 0, keys: 0, partitions: 0 };
      const until = performance.now() + stepMs;
      let next: RetentionStep | null = step;
      do next = await deleteSome(next, deleted);
      while (next !== null && performance.now() < until);
      return { deleted, next };
    },
  };
}

function add(deleted: Deleted, { deliveries, events, attempts }: Expired): void {
  deleted.deliveries += deliveries;
  deleted.events += events;
  deleted.attempts += attempts;
}
