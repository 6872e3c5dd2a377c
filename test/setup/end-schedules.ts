import { Client, Connection, ScheduleNotFoundError, WorkflowNotFoundError } from '@temporalio/client';
import { retentionId, sweepId } from '../../temporal/workflow-ids.ts';

/**
 * Ends what would go on in the shared Temporal server for a Postrider that is gone: three hundred pairs of schedules that nobody answers take
 * a sixth of a processor.
 */
export async function endSchedules(address: string, taskQueue: string): Promise<void> {
  const connection = await Connection.connect({ address });
  const { schedule, workflow } = new Client({ connection });
  const ids = [sweepId(taskQueue), retentionId(taskQueue)];
  const unlessNone = (error: unknown) => {
    if (!(error instanceof ScheduleNotFoundError || error instanceof WorkflowNotFoundError)) throw error;
  };
  try {
    await Promise.all(ids.map((id) => schedule.getHandle(id).delete().catch(unlessNone)));
    await workflow.getHandle(sweepId(taskQueue)).terminate().catch(unlessNone);
  } finally {
    await connection.close();
  }
}
