import { setTimeout as delay, setImmediate as nextTurn } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import { type LoadedDelivery, loadDeliveriesById } from '../db/due-deliveries.ts';
import { DatabaseUnavailable } from '../db/errors.ts';
import { leaveHeadStarts } from '../db/head-starts.ts';
import type { WebhookId } from '../db/ids.ts';
import { advanceLanes, endedLanesAPage, findEndedLanes, type LaneKey } from '../db/lanes.ts';
import { cancelInLanesOfDeleted } from '../db/stalled-lanes.ts';
import { laneWorkflowId } from '../temporal/workflow-ids.ts';
import { TemporalUnavailable, type WorkflowStarter } from '../temporal/workflow-starter.ts';
import type { HeadStarts } from './head-start.ts';

/**
 * Goes on in lanes of webhooks whose events are in order: when a delivery has ended, the next of its lane is attempted at once,
 * in this process and without a workflow. One is started for what has to be attempted again. Should this process die, the
 * sweep finds lanes that stand still, and deliveries that are overdue.
 */
export interface Lanes {
  /**
   * A delivery of the lane has ended. Resolves once the next is on its way, or it is not known whether it is: then the sweep
   * sees to it. Never rejects.
   */
  advance(lane: LaneKey): Promise<void>;
  /** A delivery that went out without a workflow has failed, and has to be attempted again: starts the workflow. */
  tryAgain(delivery: LoadedDelivery): void;
  /**
   * Goes on in all lanes that stand still, or those of a webhook. What it has not come to after ten seconds is left to the sweep.
   * @throws DatabaseUnavailable
   */
  advanceEnded(webhook?: WebhookId): Promise<void>;
  /** Resolves once nothing is under way. */
  close(): Promise<void>;
}

interface Waiting {
  lane: LaneKey;
  resolve: () => void;
}

const mostPerStatement = 500;
const leaveTimeoutMs = 2_000;
/** Of the database, for an answer: other lanes do not wait longer for one that hangs. */
const patienceMs = 10_000;
const advanceForMs = 10_000;
/** As many starts under way at once as do not keep others from Temporal. */
const mostStartsAtOnce = 10;
/** What waits to be started when the process ends, beyond these, is left to the sweep. */
const mostStartsAtClose = 500;
/** What is being written at this moment is written by then. */
const againMs = 50;

export function createLanes({
  db,
  headStarts,
  starter,
  log,
}: {
  db: Database;
  headStarts: Pick<HeadStarts, 'reserve'>;
  starter: Pick<WorkflowStarter, 'startDeliverEvents'>;
  log: Logger;
}): Lanes {
  let waiting: Waiting[] = [];
  let advancing: Promise<void> | undefined;
  const toStart: Parameters<typeof starter.startDeliverEvents>[0][] = [];
  const starting = new Set<Promise<void>>();
  let advancingAll: Promise<void> | undefined;
  let nextOfAll: Promise<void> | undefined;
  let isClosed = false;

  /** What comes while a statement is under way goes together with the next. */
  async function advanceWaiting() {
    await nextTurn();
    while (waiting.length > 0) {
      const group = waiting.slice(0, mostPerStatement);
      waiting = waiting.slice(group.length);
      await advanceGroup(uniqueLanes(group.map(({ lane }) => lane)));
      for (const { resolve } of group) resolve();
    }
    advancing = undefined;
  }

  async function advanceGroup(lanes: readonly LaneKey[]) {
    try {
      const { opened, again } = await withinPatience(advanceLanes(db, lanes));
      if (again.length > 0) void delay(againMs).then(() => Promise.all(again.map(advance)));
      if (opened.length > 0) await begin(await loadDeliveriesById(db, opened));
    } catch (error) {
      const reason = error instanceof Error ? error.name : 'Error';
      log.warn(
        { lanes: lanes.length, reason },
        'lanes were not gone on with: the sweep will go on with them',
      );
    }
  }

  async function begin(deliveries: readonly LoadedDelivery[]) {
    const left: LoadedDelivery[] = [];
    for (const delivery of deliveries) {
      if (delivery.webhook.is_deleted) continue;
      const reservation = headStarts.reserve(delivery.webhook, delivery.event.data.length);
      if (reservation === null) left.push(delivery);
      // Where it waits for its endpoint it is sent from the database (delivery/waiting-sender.ts).
      else
        void reservation.begin(delivery).outcome.then(
          (outcome) => (outcome === 'left' ? start(delivery) : undefined),
          // Its workflow attempts it again, and shows the fault.
          () => start(delivery),
        );
    }
    if (left.length > 0) {
      await leaveHeadStarts(
        db,
        left.map(({ id }) => id),
        leaveTimeoutMs,
      );
    }
    for (const delivery of left) start(delivery);
    await cancelDeleted(deliveries.filter(({ webhook }) => webhook.is_deleted));
  }

  async function cancelDeleted(deliveries: readonly LoadedDelivery[]) {
    for (const webhook_id of new Set(deliveries.map(({ webhook }) => webhook.id))) {
      try {
        await cancelInLanesOfDeleted(db, webhook_id);
      } catch (error) {
        const reason = error instanceof Error ? error.name : 'Error';
        log.warn(
          { webhook_id, reason },
          'the lanes of a deleted webhook were not ended: the sweep will see to them',
        );
      }
    }
  }

  function start({ workflow_id, event, webhook, account_id }: LoadedDelivery) {
    toStart.push({
      workflow_id,
      event_ids: [event.id],
      webhook_ids: [webhook.id],
      account_ids: [account_id],
    });
    startWaiting();
  }

  function startWaiting() {
    if (toStart.length === 0 || starting.size >= mostStartsAtOnce) return;
    const started = startAll().finally(() => {
      starting.delete(started);
      startWaiting();
    });
    starting.add(started);
  }

  async function startAll() {
    for (let next = toStart.shift(); next !== undefined; next = toStart.shift()) {
      try {
        await starter.startDeliverEvents(next);
      } catch (error) {
        const reason = error instanceof TemporalUnavailable ? 'Temporal is not available' : String(error);
        const { workflow_id } = next;
        log.warn({ workflow_id, reason }, 'the workflow was not started: the sweep will start it');
      }
    }
  }

  function advance(lane: LaneKey): Promise<void> {
    return new Promise((resolve) => {
      waiting.push({ lane, resolve });
      advancing ??= advanceWaiting();
    });
  }

  async function advancePages(webhook: WebhookId | null) {
    const endsAt = performance.now() + advanceForMs;
    for (let after: LaneKey | null = null; ; ) {
      const page: LaneKey[] = await findEndedLanes(db, webhook, after);
      await Promise.all(page.map(advance));
      if (page.length < endedLanesAPage || isClosed || performance.now() > endsAt) return;
      after = page.at(-1) ?? null;
    }
  }

  /** Who asks while a run is under way, which may have passed what they mean, shares the next one with all who do. */
  function advanceAll(): Promise<void> {
    if (advancingAll !== undefined) {
      nextOfAll ??= advancingAll
        .catch(() => {})
        .then(() => {
          nextOfAll = undefined;
          return advanceAll();
        });
      return nextOfAll;
    }
    advancingAll = advancePages(null).finally(() => {
      advancingAll = undefined;
    });
    return advancingAll;
  }

  return {
    advance,

    tryAgain(delivery) {
      const { id, workflow_id, scheduled_attempts } = delivery;
      if (scheduled_attempts === 0 && workflow_id.startsWith(laneWorkflowId(id))) start(delivery);
    },

    advanceEnded: (webhook) => (webhook === undefined ? advanceAll() : advancePages(webhook)),

    async close() {
      isClosed = true;
      while (advancing !== undefined) await advancing;
      toStart.splice(mostStartsAtClose);
      while (starting.size > 0) await Promise.all(starting);
    },
  };
}

/** What is answered later is left to the sweep. */
async function withinPatience<T>(answer: Promise<T>): Promise<T> {
  const inTime = new AbortController();
  const late = delay(patienceMs, undefined, { signal: inTime.signal }).then(() => {
    throw new DatabaseUnavailable('lanes: no answer in time');
  });
  try {
    return await Promise.race([answer, late]);
  } finally {
    inTime.abort();
  }
}

function uniqueLanes(lanes: readonly LaneKey[]): LaneKey[] {
  return [...new Map(lanes.map((one) => [`${one.webhook_id} ${one.lane}`, one])).values()];
}
