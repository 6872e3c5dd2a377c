import type { Logger } from 'pino';
import { type Acceptance, acceptEvents, type NewEvent, type Subscription } from '../db/accept-events.ts';
import type { Database } from '../db/database.ts';
import { deliverWorkflowId } from '../temporal/workflow-ids.ts';
import { TemporalUnavailable, type WorkflowStarter } from '../temporal/workflow-starter.ts';
import { isProfileName, profiles } from '../webhook/profiles.ts';
import { subscribes } from '../webhook/subscriptions.ts';

/** Where events come in: stores them in groups and starts the workflows that own their deliveries. */
export interface Intake {
  /**
   * Stores the event with its deliveries; resolves once that is committed. A repeat and a conflict are answers, not
   * errors.
   * @throws DatabaseUnavailable when it was not stored
   */
  accept(event: NewEvent): Promise<Acceptance>;
  /** Takes no more events, and resolves once all that were accepted have had their workflow started. */
  close(): Promise<void>;
}

interface Waiting {
  event: NewEvent;
  resolve: (acceptance: Acceptance) => void;
  reject: (error: unknown) => void;
}

const mostPerTransaction = 500;

/**
 * An intake that stores, in one transaction, whatever requests are waiting when its last transaction has committed. A
 * lone request is a group of one and waits for nobody. The workflow starts beside the answer: when it cannot be started,
 * the sweep does it later.
 */
export function createIntake({
  db,
  starter,
  log,
}: {
  db: Database;
  starter: Pick<WorkflowStarter, 'startDeliverEvents'>;
  log: Logger;
}): Intake {
  let waiting: Waiting[] = [];
  let storing: Promise<void> | undefined;
  const starting = new Set<Promise<void>>();

  async function storeAll() {
    while (waiting.length > 0) {
      await storeGroup(takeGroup());
    }
    storing = undefined;
  }

  /** An event with two keys is stored alone, as `acceptEvents` asks. */
  function takeGroup(): Waiting[] {
    const firstAlone = waiting.findIndex(({ event }) => event.idempotency_keys.length > 1);
    const size =
      firstAlone === -1 ? mostPerTransaction : Math.max(1, Math.min(firstAlone, mostPerTransaction));
    const group = waiting.slice(0, size);
    waiting = waiting.slice(size);
    return group;
  }

  async function storeGroup(group: readonly Waiting[]) {
    try {
      const acceptances = await acceptEvents(
        db,
        group.map(({ event }) => event),
        isOwed,
        (event) => deliverWorkflowId(event.id),
      );
      group.forEach(({ event, resolve }, index) => {
        const acceptance = acceptances[index] as Acceptance;
        resolve(acceptance);
        if (acceptance.outcome === 'accepted') startWorkflow(event, acceptance.deliveries);
      });
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  function startWorkflow(event: NewEvent, deliveries: (Acceptance & { outcome: 'accepted' })['deliveries']) {
    const pending = deliveries.filter(({ status }) => status === 'pending');
    if (pending.length === 0) return;
    const start = starter
      .startDeliverEvents({
        workflow_id: deliverWorkflowId(event.id),
        event_ids: [event.id],
        webhook_ids: pending.map((delivery) => delivery.webhook_id),
        account_ids: [event.account_id],
      })
      .then(
        () => {},
        (error: unknown) => {
          const reason = error instanceof TemporalUnavailable ? 'Temporal is not available' : String(error);
          log.warn({ event_id: event.id, reason }, 'the workflow was not started: the sweep will start it');
        },
      )
      .finally(() => starting.delete(start));
    starting.add(start);
  }

  return {
    accept: (event) =>
      new Promise((resolve, reject) => {
        waiting.push({ event, resolve, reject });
        storing ??= storeAll();
      }),

    async close() {
      await storing;
      await Promise.all(starting);
    },
  };
}

function isOwed({ id, events, channels, profile }: Subscription, event: NewEvent): boolean {
  if (!isProfileName(profile) || id === event.about_webhook) return false;
  const isOperational = event.about_webhook !== null;
  return subscribes({ eventTypes: events, channels, profile: profiles[profile] }, { ...event, isOperational });
}
