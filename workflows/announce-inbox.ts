import {
  continueAsNew,
  defineSignal,
  proxyActivities,
  setHandler,
  sleep,
  workflowInfo,
} from '@temporalio/workflow';
import type { InboxActivities } from '../activities/inbox-activities.ts';

/** The contact's list changed: those who changed it have said so in the database before. */
export const listChanged = defineSignal('listChanged');

/** What changes within a second is announced at once. */
const gatherMs = 1_000;

const { announceList } = proxyActivities<InboxActivities>({
  startToCloseTimeout: '1 minute',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s' },
});

/**
 * Announces a contact's list until nothing of it is unannounced: waits a second, so that a burst of messages is one
 * delivery of the latest list, and hands that to the intake. Knows the contact by a hash. Answers how many events it made.
 */
export async function announceInbox(list: { account_id: string; contact_hash: string }): Promise<number> {
  let isTold = false;
  setHandler(listChanged, () => {
    isTold = true;
  });
  let announced = 0;
  for (;;) {
    await sleep(gatherMs, { summary: 'gathers what changes within a second' });
    // What was told before now, the activity finds in the database.
    isTold = false;
    const { event_id, is_due } = await announceList(list);
    if (event_id !== null) announced += 1;
    if (!is_due && !isTold) return announced;
    if (workflowInfo().continueAsNewSuggested) await continueAsNew<typeof announceInbox>(list);
  }
}
