import type { Database } from '../db/database.ts';
import {
  findChangedWebhooks,
  findOutcomesAfter,
  findUncountedWebhooks,
  findUnhealthyWebhooks,
} from '../db/endpoint-health.ts';
import { DatabaseUnavailable } from '../db/errors.ts';
import { findOverdueLists } from '../db/inbox-lists.ts';
import { holdAllBehind, type LaneKey } from '../db/lanes.ts';
import { findOverdueWorkflows } from '../db/overdue-workflows.ts';
import { ensurePartitions } from '../db/partitions.ts';
import { restoreLanes, unblockForgotten } from '../db/stalled-lanes.ts';
import type { FailureTeller } from '../delivery/failure-teller.ts';
import type { Lanes } from '../delivery/lanes.ts';
import { sendLeftBehind } from '../delivery/left-behind.ts';
import type { HealthStarter } from '../temporal/health-starter.ts';
import type { RecoveryStarter } from '../temporal/recovery-starter.ts';
import type { WorkflowStarter } from '../temporal/workflow-starter.ts';

export interface SweepActivities {
  /**
   * Starts each workflow that is not running and whose deliveries, or whose contact's list, are overdue; answers how many
   * it started. Goes on in lanes that stand still, whatever left them so, and holds what waits in those of disabled endpoints. Tells
   * health workflows, and accounts of failed deliveries, what they were not told.
   */
  startOverdueWorkflows(): Promise<number>;
  /**
   * Starts the health workflows that are not there of endpoints that are not healthy: a healthy one's is started when it is
   * needed. Tells them of webhooks that were lately changed or deleted, in case they were not told.
   */
  startHealthWorkflows(): Promise<void>;
  makeComingPartitions(): Promise<void>;
}

/** A due attempt starts within milliseconds; what is late by more may have lost its workflow. */
const graceMs = 3_000;
/** Outcomes gather for seconds before they are told, and failures that go on before they are stored: the longer they last, the longer. */
const outcomesGrace = { graceMs: 12_000, longestGraceMs: 45_000 };
/**
 * A workflow that is behind is told in every sweep, and keeps all of it in its history. From the last it sees how many are missing, which it
 * then looks up.
 */
const mostToldOutcomes = 50;
/** A change of a list waits a second for others. */
const listGraceMs = 1_000 + graceMs;
/** For the users of a table that gets a partition, who wait meanwhile. */
const patienceMs = 500;
const mostPerSweep = 1_000;
/** Longer than from one run of the sweep to the next. */
const lateMs = 30 * 60_000;
/** By so much a change may be seen late: by clocks that differ, and a transaction that took long. */
const overlapMs = 2 * 60_000;
/** As many starts under way at once as do not keep others from Temporal. */
const mostAtOnce = 10;

export function createSweepActivities({
  db,
  starter,
  healthStarter,
  recoveryStarter,
  failures,
  lanes,
  groupWindowMs,
}: {
  db: Database;
  starter: Pick<WorkflowStarter, 'startDeliverEvents' | 'startAnnounceInbox' | 'tellToLookAgain'>;
  healthStarter: Pick<HealthStarter, 'startHealth' | 'tellOutcomes' | 'tellChanged' | 'tellDeleted'>;
  recoveryStarter: Pick<RecoveryStarter, 'ensureRecovery'>;
  failures: Pick<FailureTeller, 'tellOverdue'>;
  lanes: Pick<Lanes, 'advanceEnded'>;
  /** For how long a workflow may take in events before it is started. */
  groupWindowMs: number;
}): SweepActivities {
  let restoredTo: LaneKey | null = null;
  /** Up to when this process has told of all changes, in ms since 1970. */
  let changesToldTo = Number.NEGATIVE_INFINITY;

  async function tellUncountedOutcomes() {
    const options = { now: new Date(), ...outcomesGrace, limit: mostPerSweep };
    for (const { counted, ...webhook } of await findUncountedWebhooks(db, options)) {
      const outcomes = await findOutcomesAfter(db, webhook.id, counted);
      const last = outcomes.slice(mostToldOutcomes).slice(-1);
      await healthStarter.tellOutcomes(webhook, [...outcomes.slice(0, mostToldOutcomes), ...last]);
    }
  }

  return {
    async startOverdueWorkflows() {
      const overdue = await findOverdueWorkflows(db, {
        now: new Date(),
        graceMs: graceMs + groupWindowMs,
        limit: mostPerSweep,
      });
      let started = 0;
      const startNext = async () => {
        for (let next = overdue.shift(); next !== undefined; next = overdue.shift()) {
          if ((await starter.startDeliverEvents(next)) === 'started') started += 1;
          else if (next.unnoticed.length > 0) await starter.tellToLookAgain(next.workflow_id, next.unnoticed);
        }
      };
      await Promise.all(Array.from({ length: mostAtOnce }, startNext));
      const limits = { now: new Date(), graceMs: listGraceMs, limit: mostPerSweep };
      for (const list of await findOverdueLists(db, limits)) {
        if ((await starter.startAnnounceInbox(list)) === 'started') started += 1;
      }
      restoredTo = await restoreLanes(db, restoredTo);
      await unblockForgotten(db);
      await lanes.advanceEnded();
      await holdAllBehind(db, null);
      started += await sendLeftBehind({ db, starter: recoveryStarter });
      await tellUncountedOutcomes();
      await failures.tellOverdue();
      return started;
    },

    async startHealthWorkflows() {
      for (const webhook of await findUnhealthyWebhooks(db, mostPerSweep)) {
        await healthStarter.startHealth(webhook);
      }
      const now = Date.now();
      const since = new Date(Math.max(now - lateMs, Math.min(now, changesToldTo) - overlapMs));
      const changed = await findChangedWebhooks(db, since, mostPerSweep);
      for (const { is_deleted, ...webhook } of changed) {
        await (is_deleted ? healthStarter.tellDeleted(webhook) : healthStarter.tellChanged(webhook));
      }
      if (changed.length < mostPerSweep) changesToldTo = now;
    },

    async makeComingPartitions() {
      try {
        await ensurePartitions(db, new Date(), patienceMs);
      } catch (error) {
        // Somebody reads for long. There are those of the next three days, and others that make more.
        if (!(error instanceof DatabaseUnavailable)) throw error;
      }
    },
  };
}
