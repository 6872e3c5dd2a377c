import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { sweep } from '../workflows/sweep.ts';
import { sweepId } from './workflow-ids.ts';

/** A run takes ten minutes: the next one is always waiting for its end, so that there is no gap between them. */
const everyMs = 60_000;

/**
 * Makes the schedule of the sweep when it is not there. Any number of processes may ask at once. Resolves to whether it was
 * there already.
 */
export async function ensureSweepSchedule(client: Client, taskQueue: string): Promise<boolean> {
  try {
    await client.schedule.create({
      scheduleId: sweepId(taskQueue),
      spec: { intervals: [{ every: everyMs }] },
      action: {
        type: 'startWorkflow',
        workflowType: 'sweep' satisfies (typeof sweep)['name'],
        workflowId: sweepId(taskQueue),
        taskQueue,
        // A worker that died is noticed by it.
        workflowTaskTimeout: '5s',
        staticSummary: 'starts the workflows of overdue deliveries, every 5 s for 10 minutes',
      },
      policies: { overlap: ScheduleOverlapPolicy.BUFFER_ONE, catchupWindow: '1 minute' },
      state: { triggerImmediately: true },
    });
    return false;
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    return true;
  }
}
