import { type Client, ScheduleAlreadyRunning, ScheduleOverlapPolicy } from '@temporalio/client';
import type { retention } from '../workflows/retention.ts';
import { retentionId } from './workflow-ids.ts';

const everyMs = 3_600_000;
/** After the hour, when a day has surely ended for every process's clock. */
const offsetMs = 300_000;

/** Makes the schedule of the retention when it is not there. Any number of processes may ask at once. */
export async function ensureRetentionSchedule(client: Client, taskQueue: string): Promise<void> {
  try {
    await client.schedule.create({
      scheduleId: retentionId(taskQueue),
      spec: { intervals: [{ every: everyMs, offset: offsetMs }] },
      action: {
        type: 'startWorkflow',
        workflowType: 'retention' satisfies (typeof retention)['name'],
        workflowId: retentionId(taskQueue),
        taskQueue,
        staticSummary: 'makes the partitions of the coming days, and deletes what was kept for long enough',
      },
      policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 hour' },
    });
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
  }
}
