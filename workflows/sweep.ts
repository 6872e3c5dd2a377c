import { patched, proxyLocalActivities, sleep } from '@temporalio/workflow';
import type { SweepActivities } from '../activities/sweep-activities.ts';

const { startOverdueWorkflows, startHealthWorkflows, makeComingPartitions } =
  proxyLocalActivities<SweepActivities>({
    startToCloseTimeout: '1 minute',
    retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '5s' },
  });

/** Often enough that what lost its workflow goes out within 15 s. */
const pauseMs = 5_000;
/** Ten minutes: the schedule starts the next run when this one has ended. */
const rounds = 120;

/**
 * Started by a schedule: starts, under their own ids, the workflows whose deliveries are overdue, so that a crash between
 * commit and start, or the loss of Temporal's database, delays a delivery and loses none. One run does so many times, so
 * that the list of workflows is not full of sweeps. Answers how many it started.
 */
export async function sweep(): Promise<number> {
  await makeComingPartitions();
  if (patched('health-workflows')) await startHealthWorkflows();
  let started = 0;
  for (let round = 0; round < rounds; round += 1) {
    started += await startOverdueWorkflows();
    await sleep(pauseMs);
  }
  return started;
}
