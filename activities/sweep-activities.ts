import type { Database } from '../db/database.ts';
import { findOverdueLists } from '../db/inbox-lists.ts';
import { findOverdueWorkflows } from '../db/overdue-workflows.ts';
import { ensurePartitions } from '../db/partitions.ts';
import type { WorkflowStarter } from '../temporal/workflow-starter.ts';

export interface SweepActivities {
  /**
   * Starts each workflow that is not running and whose deliveries, or whose contact's list, are overdue; answers how many
   * it started.
   */
  startOverdueWorkflows(): Promise<number>;
  makeComingPartitions(): Promise<void>;
}

/** A due attempt starts within milliseconds; what is late by more may have lost its workflow. */
const graceMs = 3_000;
/** A change of a list waits a second for others. */
const listGraceMs = 1_000 + graceMs;
const mostPerSweep = 1_000;

export function createSweepActivities({
  db,
  starter,
}: {
  db: Database;
  starter: Pick<WorkflowStarter, 'startDeliverEvents' | 'startAnnounceInbox'>;
}): SweepActivities {
  return {
    async startOverdueWorkflows() {
      const overdue = await findOverdueWorkflows(db, { now: new Date(), graceMs, limit: mostPerSweep });
      let started = 0;
      for (const workflow of overdue) {
        if ((await starter.startDeliverEvents(workflow)) === 'started') started += 1;
      }
      const limits = { now: new Date(), graceMs: listGraceMs, limit: mostPerSweep };
      for (const list of await findOverdueLists(db, limits)) {
        if ((await starter.startAnnounceInbox(list)) === 'started') started += 1;
      }
      return started;
    },

    makeComingPartitions: () => ensurePartitions(db, new Date()),
  };
}
