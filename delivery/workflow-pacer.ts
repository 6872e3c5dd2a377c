import type { Logger } from 'pino';
import type { AccountId, EventId, WebhookId } from '../db/ids.ts';
import { slowWorkflowId } from '../temporal/workflow-ids.ts';
import { TemporalUnavailable, type WorkflowStarter } from '../temporal/workflow-starter.ts';
import {
  createPacing,
  type Group,
  mostDeliveries,
  mostEvents,
  type Pacing,
  type PacingLimits,
} from './workflow-pacing.ts';

/** What a workflow is started for. */
export interface StoredDelivery {
  workflow_id: string;
  event_id: EventId;
  webhook_id: WebhookId;
  account_id: AccountId;
}

interface OwedWebhook {
  readonly id: WebhookId;
}

/** A transaction's share in the workflows that are about to start. */
export interface Joining {
  /** The id of the workflow that will own what the event owes to the webhook; `owed` is all that the event owes. */
  workflowIdOf(event: EventId, webhook: OwedWebhook, owed: readonly OwedWebhook[]): string;
  /** Called once when the transaction has ended, with what it has stored: nothing where it failed. */
  settle(stored: readonly StoredDelivery[]): void;
}

/** Names the workflows that own deliveries before these are stored, and starts them once they are. */
export interface WorkflowPacer {
  join(): Joining;
  /** Starts what has gathered, and resolves once everything was started. After the last `settle`. */
  close(): Promise<void>;
}

/** What has gathered for one workflow. */
interface Gathering {
  group: Group;
  /** Transactions that may still store something. */
  joinings: number;
  stored: StoredDelivery[];
}

/** What an event owes, or that of it which endpoints that are slow are to get, with the workflows that own it. */
interface Placed {
  owed: readonly OwedWebhook[];
  groups: Group[];
}

/**
 * How far apart workflows start for endpoints that are slow, in ms: each of them waits, and asks Temporal several times for what it waits for, however
 * much that is. No longer than it takes until such an attempt has failed and may be due again.
 */
const slowWindowMs = 2_000;

/** While Temporal does not answer, more starts than these are left to the sweep. */
const mostStarting = 200;

/**
 * A pacer that starts workflows beside the answers to those who posted, as pacing says, each once all transactions that
 * store something for it have ended. What endpoints are to get that are slow already has workflows of its own, which are fewer and larger. What cannot
 * be started the sweep starts, from the database.
 */
export function createWorkflowPacer({
  starter,
  isSlow,
  log,
  ...limits
}: PacingLimits & {
  starter: Pick<WorkflowStarter, 'startDeliverEvents'>;
  isSlow: (webhook: WebhookId) => boolean;
  log: Logger;
}): WorkflowPacer {
  const { eventsPerWorkflow } = limits;
  const pacing = createPacing(limits);
  const slowPacing = createPacing(
    { eventsPerWorkflow: mostEvents(eventsPerWorkflow), windowMs: slowWindowMs },
    slowWorkflowId,
  );
  const gatherings = new Map<Group, Gathering>();
  const starting = new Set<Promise<void>>();
  let timer: NodeJS.Timeout | undefined;

  /** Starts what is due and whose transactions have ended; comes back when the next one is due. */
  function startDue() {
    clearTimeout(timer);
    timer = undefined;
    const now = performance.now();
    let nextAt = Number.POSITIVE_INFINITY;
    for (const gathering of gatherings.values()) {
      const { group, joinings, stored } = gathering;
      if (joinings > 0) continue;
      // Not at that very moment: until then something may still join.
      if (group.startsAt >= now) nextAt = Math.min(nextAt, group.startsAt);
      else {
        gatherings.delete(group);
        if (stored.length > 0) start(group.workflow_id, stored);
      }
    }
    if (nextAt < Number.POSITIVE_INFINITY) timer = setTimeout(startDue, Math.floor(nextAt - now) + 1);
  }

  function start(workflow_id: string, stored: readonly StoredDelivery[]) {
    if (starting.size >= mostStarting) {
      log.warn({ workflow_id }, 'too many workflows wait to be started: the sweep will start it');
      return;
    }
    const started = starter
      .startDeliverEvents({
        workflow_id,
        event_ids: unique(stored.map(({ event_id }) => event_id)),
        webhook_ids: unique(stored.map(({ webhook_id }) => webhook_id)),
        account_ids: unique(stored.map(({ account_id }) => account_id)),
      })
      .then(
        () => {},
        (error: unknown) => {
          const reason = error instanceof TemporalUnavailable ? 'Temporal is not available' : String(error);
          log.warn({ workflow_id, reason }, 'the workflow was not started: the sweep will start it');
        },
      )
      .finally(() => starting.delete(started));
    starting.add(started);
  }

  /** One moment for all events of a transaction, so that they share what starts at once. */
  function place(event: EventId, owed: readonly OwedWebhook[], now: number): Placed[] {
    const placeIn = (one: Pacing, part: readonly OwedWebhook[]) => ({
      owed: part,
      groups: one.place(
        event,
        part.map(({ id }) => id),
        now,
      ),
    });
    // Where each event has a workflow of its own, it has one.
    const isApart = eventsPerWorkflow > 1;
    const slow: OwedWebhook[] = [];
    const others: OwedWebhook[] = [];
    for (const one of owed) (isApart && isSlow(one.id) ? slow : others).push(one);
    return [
      ...(slow.length === 0 ? [] : [placeIn(slowPacing, slow)]),
      ...(others.length === 0 ? [] : [placeIn(pacing, others)]),
    ];
  }

  return {
    join() {
      const joined = new Map<string, Gathering>();
      let last: { event: EventId; placed: Placed[] } | undefined;
      let now: number | undefined;

      function take(group: Group) {
        if (joined.has(group.workflow_id)) return;
        const gathering = gatherings.get(group) ?? { group, joinings: 0, stored: [] };
        gathering.joinings += 1;
        gatherings.set(group, gathering);
        joined.set(group.workflow_id, gathering);
      }

      return {
        workflowIdOf(event, webhook, owed) {
          if (last?.event !== event) {
            now ??= performance.now();
            last = { event, placed: place(event, owed, now) };
            for (const { groups } of last.placed) groups.forEach(take);
          }
          return workflowIdIn(last.placed, webhook);
        },

        settle(stored) {
          for (const delivery of stored) joined.get(delivery.workflow_id)?.stored.push(delivery);
          for (const gathering of joined.values()) gathering.joinings -= 1;
          startDue();
        },
      };
    },

    async close() {
      for (const one of [pacing, slowPacing]) one.close(performance.now() - 1);
      startDue();
      await Promise.all(starting);
    },
  };
}

function workflowIdIn(placed: readonly Placed[], webhook: OwedWebhook): string {
  const { owed, groups } = placed.find((one) => placed.length === 1 || one.owed.includes(webhook)) as Placed;
  const part = groups.length === 1 ? 0 : Math.floor(owed.indexOf(webhook) / mostDeliveries);
  return (groups[part] as Group).workflow_id;
}

function unique<T>(items: readonly T[]): T[] {
  return [...new Set(items)];
}
