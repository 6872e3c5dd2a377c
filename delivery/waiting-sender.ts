import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import { type LoadedDelivery, loadDeliveriesById } from '../db/due-deliveries.ts';
import { leaveHeadStarts, silentAfterMs } from '../db/head-starts.ts';
import type { WebhookId } from '../db/ids.ts';
import { endPlan, findAwaitedWebhooks, findForsaken, takeWaiting } from '../db/waiting-deliveries.ts';
import type { WorkflowStarter } from '../temporal/workflow-starter.ts';
import { isLimited } from '../webhook/endpoint-limits.ts';
import type { EndpointLimiter, LimitedWebhook } from './endpoint-limiter.ts';
import type { EndpointSlots } from './endpoint-slots.ts';
import type { HeadStartOutcome, HeadStarts } from './head-start.ts';
import { awaitElsewhere } from './head-start-elsewhere.ts';
import { noteWaiting, waitingKnownMs } from './note-waiting.ts';
import { lookSlackMs } from './putting-off.ts';

/**
 * Sends what waits in the database for its endpoint's limits, or for an endpoint that is slow, oldest first, as fast as these allow. Any number of processes do so
 * together. What it takes up is a head start: should this process die, others take it up again.
 */
export interface WaitingSender {
  /** Something waits for this webhook's endpoint. It is noticed without this as well, within some seconds. */
  lookAt(webhook: LimitedWebhook): void;
  /** Takes nothing more up. */
  close(): Promise<void>;
}

const lookForForsakenEveryMs = 5_000;
/** What other processes put off, or have left behind, is looked for so often. */
const lookAroundEveryMs = 5_000;
const mostForsaken = 100;
/** Slow endpoints, and a database that is away, are asked again after so long, in ms. */
const pauseMs = 500;
const slotPauseMs = 50;
const leaveTimeoutMs = 2_000;

interface Sending {
  webhook: LimitedWebhook;
  isToldAgain: boolean;
  looksForForsakenAt: number;
  done: Promise<void>;
}

export function createWaitingSender({
  db,
  limiter,
  slots,
  headStarts,
  starter,
  log,
}: {
  db: Database;
  limiter: Pick<EndpointLimiter, 'room' | 'roomChanges' | 'noteWaiting'>;
  slots: Pick<EndpointSlots, 'isSlow' | 'room' | 'noteWaiting'>;
  headStarts: Pick<HeadStarts, 'takeUp'>;
  starter: Pick<WorkflowStarter, 'tellToLookAgain'>;
  log: Logger;
}): WaitingSender {
  const underWay = new Map<WebhookId, Sending>();
  let isClosed = false;

  async function send(one: Sending) {
    while (!isClosed) {
      const { webhook } = one;
      const isOfLimits = isLimited(webhook);
      noteWaiting({ limiter, slots }, webhook, waitingKnownMs);
      one.isToldAgain = false;
      try {
        lookForForsaken(one);
        const room = isOfLimits ? limiter.room(webhook) : slots.room(webhook.id);
        if (slots.isSlow(webhook.id)) await delay(pauseMs);
        else if (room === 0) await (isOfLimits ? limiter.roomChanges(webhook) : delay(slotPauseMs));
        else if (!(await takeUp(one, room))) {
          await endPlan(db, webhook.id);
          if (one.isToldAgain) continue;
          noteWaiting({ limiter, slots }, webhook, 0);
          return;
        }
      } catch (error) {
        warn(webhook.id, error);
        await delay(pauseMs);
      }
    }
  }

  /** Answers whether anything waited. */
  async function takeUp(one: Sending, most: number): Promise<boolean> {
    const ids = await takeWaiting(db, one.webhook.id, most);
    if (ids.length === 0) return false;
    const refused: typeof ids = [];
    for (const delivery of await loadDeliveriesById(db, ids)) {
      one.webhook = delivery.webhook;
      const outcome = isClosed ? undefined : headStarts.takeUp(delivery);
      if (outcome === undefined) refused.push(delivery.id);
      else tellWhenFailed(delivery, outcome);
    }
    if (refused.length > 0) {
      await leaveHeadStarts(db, refused, leaveTimeoutMs);
      if (!isClosed) await delay(pauseMs);
    }
    return true;
  }

  /** A workflow that would look later than the next step of the schedule is due looks now. */
  function tellWhenFailed(delivery: LoadedDelivery, outcome: Promise<HeadStartOutcome>) {
    const looksInMs = (delivery.next_attempt_at?.getTime() ?? 0) - Date.now() + lookSlackMs;
    const looksAt = performance.now() + looksInMs;
    outcome
      .then(async (result) => {
        if (result === 'left' || result.status !== 'pending' || (result.due_at ?? looksAt) >= looksAt) return;
        await starter.tellToLookAgain(delivery.workflow_id, [delivery.id]);
      })
      .catch(() => {
        // Told where the attempt was made.
      });
  }

  /** What a process took up that has died waits again. It is waited for beside the others. */
  function lookForForsaken(one: Sending) {
    const now = performance.now();
    if (now < one.looksForForsakenAt) return;
    one.looksForForsakenAt = now + lookForForsakenEveryMs;
    const { id } = one.webhook;
    const takeBack = async () => {
      const ids = await findForsaken(db, id, silentAfterMs, mostForsaken);
      if (ids.length === 0) return;
      await awaitElsewhere(db, await loadDeliveriesById(db, ids));
      lookAt(one.webhook);
    };
    takeBack().catch((error: unknown) => warn(id, error));
  }

  function warn(webhookId: WebhookId, error: unknown) {
    const kind = error instanceof Error ? error.name : 'Error';
    log.warn({ webhook_id: webhookId, reason: kind }, 'what waits for an endpoint’s limits was not sent');
  }

  function lookAt(webhook: LimitedWebhook) {
    const known = underWay.get(webhook.id);
    if (known !== undefined) known.isToldAgain = true;
    if (known !== undefined || isClosed) return;
    const one: Sending = { webhook, isToldAgain: false, looksForForsakenAt: 0, done: Promise.resolve() };
    underWay.set(webhook.id, one);
    one.done = send(one).finally(() => {
      underWay.delete(webhook.id);
      if (one.isToldAgain) lookAt(one.webhook);
    });
  }

  async function lookAround() {
    try {
      for (const webhook of await findAwaitedWebhooks(db)) lookAt(webhook);
    } catch {
      // The database is away: soon again.
    }
    if (!isClosed) timer = setTimeout(() => (looking = lookAround()), lookAroundEveryMs).unref();
  }

  let timer: NodeJS.Timeout | undefined;
  let looking = lookAround();

  return {
    lookAt,

    async close() {
      isClosed = true;
      clearTimeout(timer);
      await looking;
      await Promise.all([...underWay.values()].map(({ done }) => done));
    },
  };
}
