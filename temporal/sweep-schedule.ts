import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { sweep } from '../workflows/sweep.ts';
import { sweepId } from './workflow-ids.ts';

/** Often enough that what lost its workflow goes out within 15 s. */
const everyMs = 5_000;

/** Makes the schedule of the sweep when it is not there. Any number of processes may ask at once. */
export async function ensureSweepSchedule(client: Client, taskQueue: string): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: sweepId(taskQueue),
      spec: { intervals: [{ every: everyMs }] },
      action: {
        type: 'startWorkflow',
        workflowType: 'sweep' satisfies (typeof sweep)['name'],
        workflowId: sweepId(taskQueue),
        taskQueue,
        workflowExecutionTimeout: '5 minutes',
        staticSummary: 'starts the workflows of overdue deliveries',
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10s' },
      state: { triggerImmediately: true },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
