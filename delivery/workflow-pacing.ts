import type { EventId, WebhookId } from '../db/ids.ts';
import { deliverWorkflowId } from '../temporal/workflow-ids.ts';

export interface PacingLimits {
  /** The most events that share a workflow: under a steady load up to `mostEvents`. */
  eventsPerWorkflow: number;
  /** How far apart workflows start that are not full, in ms: under a steady load as far as `longestWindowMs`. */
  windowMs: number;
}

/** A workflow that has not started yet, with what it will own. */
export interface Group {
  readonly workflow_id: string;
  readonly events: ReadonlySet<EventId>;
  readonly webhooks: ReadonlySet<WebhookId>;
  readonly deliveries: number;
  /** When it starts, in ms: nothing joins it after that. */
  readonly startsAt: number;
}

/** A group that still takes events in. */
interface OpenGroup extends Group {
  readonly events: Set<EventId>;
  readonly webhooks: Set<WebhookId>;
  deliveries: number;
  startsAt: number;
  readonly mostEvents: number;
}

/** The most deliveries of a workflow: Temporal takes no more than 2,000 activities that wait in one. */
export const mostDeliveries = 500;
/** Of those that share a workflow, each is found by its search attributes, which hold about sixty ids. */
export const mostSharedWebhooks = 60;

/** How far apart workflows start under a steady load, in ms: a start costs as much as some twenty deliveries. */
export function longestWindowMs(windowMs: number): number {
  return Math.max(windowMs, Math.min(10 * windowMs, 1_000));
}

/** How many events share a workflow at most under a steady load: none where each is to have its own. */
export function mostEvents(eventsPerWorkflow: number): number {
  return eventsPerWorkflow === 1 ? 1 : Math.min(10 * eventsPerWorkflow, mostDeliveries);
}

/** A load is steady when workflows have been shared without a pause for so long, in ms: longer than a burst. */
const steadyMs = 1_000;

/** A pause that ends one, in ms: what the transactions of a busy machine take, and more. */
const mostApartMs = 1_500;

/** Says which events share a workflow. */
export interface Pacing {
  /**
   * The groups that take in what an event owes, `mostDeliveries` of its webhooks each: one group but for the widest
   * fan-out. `now` is in ms, of a clock that never goes back.
   */
  place(event: EventId, owed: readonly WebhookId[], now: number): Group[];
  /** Lets nothing more join the group that is open: it starts now. */
  close(now: number): void;
}

/**
 * When the last start is longer ago than the window, an event's workflow starts at once. Otherwise it starts when the window
 * ends, and takes in what comes until then; or before, when it is full. So a lone event has a workflow of its own, started
 * at once, and a burst shares workflows. The window doubles, within bounds, with each group that was shared, and halves with
 * each that was not. Once a load is steady, workflows take in more events too.
 */
export function createPacing(
  { eventsPerWorkflow, windowMs }: PacingLimits,
  workflowIdOf: (firstEvent: EventId) => string = deliverWorkflowId,
): Pacing {
  let lastStartsAt = Number.NEGATIVE_INFINITY;
  let open: OpenGroup | undefined;
  /** Whether the last group took in more than one event. */
  let wasShared = false;
  let currentMs = windowMs;
  /** Since when one shared workflow has followed the other. */
  let sharedSince = Number.POSITIVE_INFINITY;

  function begin(event: EventId, now: number, part = 1): OpenGroup {
    const first = workflowIdOf(event);
    // Groups that are shared one after the other are a steady load: of large ones the transactions are far apart.
    const hasPaused = now > lastStartsAt + (wasShared ? mostApartMs : currentMs);
    if (hasPaused || !wasShared) sharedSince = now;
    currentMs = hasPaused ? windowMs : nextWindowMs();
    lastStartsAt = Math.max(now, lastStartsAt + currentMs);
    wasShared = false;
    return {
      workflow_id: part === 1 ? first : `${first}/${part}`,
      events: new Set<EventId>(),
      webhooks: new Set<WebhookId>(),
      deliveries: 0,
      startsAt: lastStartsAt,
      mostEvents: now - sharedSince > steadyMs ? mostEvents(eventsPerWorkflow) : eventsPerWorkflow,
    };
  }

  function nextWindowMs(): number {
    return wasShared ? Math.min(currentMs * 2, longestWindowMs(windowMs)) : Math.max(currentMs / 2, windowMs);
  }

  function close(now: number) {
    if (open === undefined) return;
    open.startsAt = Math.min(open.startsAt, now);
    lastStartsAt = open.startsAt;
    open = undefined;
  }

  function takesIn(group: OpenGroup, owed: readonly WebhookId[], now: number): boolean {
    return (
      now <= group.startsAt &&
      group.events.size < group.mostEvents &&
      group.deliveries + owed.length <= mostDeliveries &&
      group.webhooks.size + owed.filter((id) => !group.webhooks.has(id)).length <= mostSharedWebhooks
    );
  }

  return {
    place(event, owed, now) {
      if (open !== undefined && now > open.startsAt) open = undefined;
      if (open !== undefined && !takesIn(open, owed, now)) close(now);
      const groups: Group[] = [];
      for (let done = 0; done < owed.length; done += mostDeliveries) {
        if (done > 0) close(now);
        open ??= begin(event, now, groups.length + 1);
        const part = owed.slice(done, done + mostDeliveries);
        open.events.add(event);
        wasShared = open.events.size > 1;
        for (const id of part) open.webhooks.add(id);
        open.deliveries += part.length;
        groups.push(open);
      }
      if (open !== undefined && isFull(open)) close(now);
      return groups;
    },
    close,
  };

  function isFull(group: OpenGroup): boolean {
    return (
      group.events.size >= group.mostEvents ||
      group.webhooks.size >= mostSharedWebhooks ||
      group.deliveries >= mostDeliveries
    );
  }
}
