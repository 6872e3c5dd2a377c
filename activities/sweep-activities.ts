import type { Database } from '../db/database.ts';
import { findOverdueWorkflows } from '../db/overdue-workflows.ts';
import { ensurePartitions } from '../db/partitions.ts';
import type { WorkflowStarter } from '../temporal/workflow-starter.ts';

export interface SweepActivities {
  /** Starts each workflow whose deliveries are overdue and that is not running; answers how many it started. */
  startOverdueWorkflows(): Promise<number>;
  makeComingPartitions(): Promise<void>;
}

/** A due attempt starts within milliseconds; what is late by more may have lost its workflow. */
const graceMs = 3_000;
const mostPerSweep = 1_000;

export function createSweepActivities({
  db,
  starter,
}: {
  db: Database;
  starter: Pick<WorkflowStarter, 'startDeliverEvents'>;
}): SweepActivities {
  return {
    async startOverdueWorkflows() {
      const overdue = await findOverdueWorkflows(db, { now: new Date(), graceMs, limit: mostPerSweep });
      let started = 0;
      for (const workflow of overdue) {
        if ((await starter.startDeliverEvents(workflow)) === 'started') started += 1;
      }
      return started;
    },

    makeComingPartitions: () => ensurePartitions(db, new Date()),
  };
}
