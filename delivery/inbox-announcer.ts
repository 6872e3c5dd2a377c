import type { Logger } from 'pino';
import { type ContactList, TemporalUnavailable, type WorkflowStarter } from '../temporal/workflow-starter.ts';

/** Sees to it that changed lists of contacts are announced soon. */
export interface InboxAnnouncer {
  /** Starts what announces them, beside the answer: where it cannot be started, the sweep does it later. */
  announce(lists: readonly ContactList[]): void;
  /** Resolves once everything was started. */
  close(): Promise<void>;
}

/** As many starts under way at once as do not keep others from Temporal. */
const mostAtOnce = 20;

export function createInboxAnnouncer({
  starter,
  log,
}: {
  starter: Pick<WorkflowStarter, 'tellListChanged'>;
  log: Logger;
}): InboxAnnouncer {
  const waiting: ContactList[] = [];
  const workers = new Set<Promise<void>>();

  async function tellAll() {
    for (let list = waiting.shift(); list !== undefined; list = waiting.shift()) {
      const { account_id } = list;
      await starter.tellListChanged(list).catch((error: unknown) => {
        const reason = error instanceof TemporalUnavailable ? 'Temporal is not available' : String(error);
        log.warn({ account_id, reason }, 'a changed list was not announced: the sweep will announce it');
      });
    }
  }

  return {
    announce(lists) {
      waiting.push(...lists);
      while (workers.size < mostAtOnce && waiting.length > 0) {
        const worker = tellAll().finally(() => workers.delete(worker));
        workers.add(worker);
      }
    },

    async close() {
      await Promise.all(workers);
    },
  };
}
