import type { Database } from '../db/database.ts';
import {
  type ChangedList,
  findDueList,
  listAvailableMessages,
  markListAnnounced,
} from '../db/inbox-lists.ts';
import { inboxListEvent } from '../delivery/inbox-list-event.ts';
import type { Intake } from '../delivery/intake.ts';
import type { WorkflowStarter } from '../temporal/workflow-starter.ts';

export interface InboxActivities {
  /**
   * Hands the latest list to the intake when it waits to be announced; answers the event, null when there was nothing to
   * announce, and whether the list has changed meanwhile. Twice for the same version of a list makes one event.
   */
  announceList(list: {
    account_id: string;
    contact_hash: string;
  }): Promise<{ event_id: string | null; is_due: boolean }>;
}

export function createInboxActivities({
  db,
  intake,
  starter,
}: {
  db: Database;
  intake: Pick<Intake, 'accept'>;
  starter: Pick<WorkflowStarter, 'tellDeliveryEnded'>;
}): InboxActivities {
  return {
    async announceList(list) {
      // The version before the messages: a change in between is then announced once more, and none is missed.
      const due = await findDueList(db, list as ChangedList);
      if (due === undefined) return { event_id: null, is_due: false };
      const messages = await listAvailableMessages(db, due.account_id, due.external_customer_id);
      const acceptance = await intake.accept(inboxListEvent(due, messages));
      if (acceptance.outcome === 'conflict') throw new Error('the key of a list was used for something else');
      const { is_due, cancelled } = await markListAnnounced(db, due, acceptance.event_id, new Date());
      for (const { id, workflow_id } of cancelled) await starter.tellDeliveryEnded(workflow_id, id);
      return { event_id: acceptance.event_id, is_due };
    },
  };
}
