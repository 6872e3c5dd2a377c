import { proxyActivities, setCurrentDetails, sleep } from '@temporalio/workflow';
import type { Deleted, RetentionActivities, RetentionStep } from '../activities/retention-activities.ts';

const { makeDays, deleteExpired } = proxyActivities<RetentionActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '1 minute' },
});

/** A step takes two seconds at most; so many fit a history, and the schedule's next run goes on with what is left. */
const mostSteps = 1_000;
/** So that nobody notices. */
const pauseMs = 1_000;

/**
 * Started by a schedule: makes the daily partitions of the coming days, and deletes what was kept for long enough. Answers how much.
 */
export async function retention(): Promise<Deleted> {
  await makeDays();
  const all: Deleted = { deliveries: 0, events: 0, attempts: 0, keys: 0, partitions: 0 };
  let step: RetentionStep | null = { stage: 'accounts', after: null };
  for (let steps = 0; step !== null && steps < mostSteps; steps += 1) {
    if (steps > 0) await sleep(pauseMs);
    const { deleted, next }: Awaited<ReturnType<typeof deleteExpired>> = await deleteExpired(step);
    for (const kind of Object.keys(all) as (keyof Deleted)[]) all[kind] += deleted[kind];
    step = next;
    setCurrentDetails(JSON.stringify(all));
  }
  return all;
}
