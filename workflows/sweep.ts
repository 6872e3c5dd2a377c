import { proxyActivities } from '@temporalio/workflow';
import type { SweepActivities } from '../activities/sweep-activities.ts';

const { startOverdueWorkflows, makeComingPartitions } = proxyActivities<SweepActivities>({
  startToCloseTimeout: '1 minute',
  retry: { maximumAttempts: 3 },
});

/**
 * Run by a schedule: starts, under their own ids, the workflows whose deliveries are overdue, so that a crash between
 * commit and start, or the loss of Temporal's database, delays a delivery and loses none. Answers how many it started.
 */
export async function sweep(): Promise<number> {
  const started = await startOverdueWorkflows();
  await makeComingPartitions();
  return started;
}
