import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import { type LoadedDelivery, loadPendingDeliveries } from '../db/due-deliveries.ts';
import type { WebhookId } from '../db/ids.ts';
import { findRecovery, takeHeld } from '../db/recoveries.ts';
import { recoveredWorkflowId } from '../temporal/workflow-ids.ts';
import { TemporalUnavailable, type WorkflowStarter } from '../temporal/workflow-starter.ts';
import type { Attempter } from './attempter.ts';
import { type EndpointLimiter, keepsLimits } from './endpoint-limiter.ts';
import type { EndpointSlots, Release } from './endpoint-slots.ts';
import { createLeases } from './leases.ts';
import { createPace } from './pace.ts';

/** What became of held deliveries that were sent. */
export interface SentCounts {
  sent: number;
  succeeded: number;
  /** Ended otherwise. The rest of those sent wait for the next attempt of their schedule. */
  failed: number;
}

/**
 * Why a page ended: its time was up, the endpoint is disabled, nothing is held any more whose turn is near, or the webhook is
 * deleted.
 */
export type PageEnd = 'more' | 'paused' | 'done' | 'gone';

/** Sends held deliveries, oldest first, at their webhook's recovery rate. */
export interface RecoverySender {
  /**
   * Sends for ten seconds at most, or until it is stopped, and resolves once what it sent has come back. What it takes in
   * one go has a workflow id of its own, and that workflow is started when something of it has to be attempted again. Counts
   * into `counts` as it goes. One page of a webhook at a time: a second call is the same page once more, ends the first,
   * and goes on with its counts.
   */
  sendPage(webhookId: WebhookId, counts: SentCounts, stopped: AbortSignal): Promise<PageEnd>;
  /** Ends the pages under way, and further ones at once: the process is about to stop. */
  stop(): void;
}

/** So that progress shows, and a worker that is to stop is not kept waiting. */
const pageMs = 10_000;
/** Taken in one go: what goes out in half a second, so that disabling the endpoint is soon noticed. */
const takenMs = 500;
const mostTaken = 50;
/** Half of what an endpoint may have: the rest is for new events. */
const mostInFlight = 32;
/** An endpoint that has its share of attempts, and what waits in a lane for another, are looked at again after so long, in ms. */
const pauseMs = 250;
/** A turn that comes within so long, in ms, is waited for. What waits longer the sweep finds when its turn has come. */
const nearMs = 10_000;
/** Its limits are waited for so long at a time, in ms. */
const turnPatienceMs = 1_000;

export function createRecoverySender({
  db,
  attempter,
  slots,
  limiter,
  starter,
  log,
}: {
  db: Database;
  attempter: Pick<Attempter, 'attempt'>;
  slots: Pick<EndpointSlots, 'tryTake' | 'isSlow'>;
  limiter: Pick<EndpointLimiter, 'take'>;
  starter: Pick<WorkflowStarter, 'startDeliverEvents'>;
  log: Logger;
}): RecoverySender {
  const underWay = new Map<WebhookId, { counts: SentCounts; end: () => void; ended: Promise<unknown> }>();
  let isStopping = false;

  async function send(webhookId: WebhookId, counts: SentCounts, isStopped: () => boolean): Promise<PageEnd> {
    const endsAt = performance.now() + pageMs;
    const pace = createPace();
    const leases = createLeases(db, log);
    const inFlight = new Set<Promise<unknown>>();
    const batches: Promise<void>[] = [];

    const somethingEnds = () => Promise.race([...inFlight, delay(pauseMs)]);

    async function slotOf(delivery: LoadedDelivery): Promise<Release | null> {
      for (;;) {
        const release = keepsLimits(delivery)
          ? await limiter.take(delivery.webhook, { patienceMs: turnPatienceMs, isNew: false })
          : slots.tryTake(webhookId);
        if (release !== null || isStopped()) return release;
        await somethingEnds();
      }
    }

    async function sendOne(delivery: LoadedDelivery, release: Release | null): Promise<'pending' | 'ended'> {
      try {
        // Without its lease the sweep may have given it to its workflow.
        if (release === null || !leases.holds(delivery.id)) return 'pending';
        counts.sent += 1;
        const { status } = await attempter.attempt(delivery);
        if (status === 'pending') return 'pending';
        if (status === 'expired') counts.sent -= 1;
        else counts[status === 'succeeded' ? 'succeeded' : 'failed'] += 1;
        return 'ended';
      } catch {
        // The workflow makes the attempt again, and shows the fault.
        return 'pending';
      } finally {
        release?.();
        leases.end(delivery.id);
      }
    }

    async function sendBatch(batch: readonly LoadedDelivery[], rate: number) {
      const attempts: Promise<'pending' | 'ended'>[] = [];
      for (const delivery of batch) {
        await pace.turn(rate);
        const slot = slotOf(delivery);
        // Those that wait for the endpoint's limits wait side by side, so that none of its turns is lost.
        if (!keepsLimits(delivery)) await slot;
        const attempt = slot.then((release) => sendOne(delivery, release));
        attempts.push(attempt);
        const settled = attempt.finally(() => inFlight.delete(settled));
        inFlight.add(settled);
      }
      batches.push(
        Promise.all(attempts).then(async (ends) => {
          if (ends.includes('pending')) await startWorkflow(batch);
        }),
      );
    }

    async function sendUntilOver(): Promise<PageEnd> {
      while (!isStopped() && performance.now() < endsAt) {
        // What ends makes way for the next of its lane.
        const isSending = inFlight.size > 0;
        const recovery = await findRecovery(db, webhookId, new Date(Date.now() + nearMs));
        if (recovery === undefined || recovery.is_webhook_deleted) return 'gone';
        const isPaused = recovery.endpoint_state === 'disabled' || recovery.endpoint_state === 'probing';
        if (recovery.oldest === null && !isSending && (isPaused || !recovery.is_turn_near)) return 'done';
        if (isPaused) return 'paused';
        const limited = recovery.rate_limit ?? Number.POSITIVE_INFINITY;
        const free = Math.min(mostInFlight, Math.max(2, Math.ceil(limited))) - inFlight.size;
        if (recovery.oldest === null || free <= 0 || slots.isSlow(webhookId)) {
          await somethingEnds();
          continue;
        }
        const rate = recovery.recovery_rate;
        const now = new Date();
        const workflowId = recoveredWorkflowId(recovery.oldest, now);
        const leasedUntil = leases.endOf(now);
        const taken = await takeHeld(db, {
          webhook_id: webhookId,
          workflow_id: workflowId,
          limit: Math.min(
            free,
            mostTaken,
            Math.max(1, Math.round((Math.min(rate, limited) * takenMs) / 1_000)),
          ),
          leased_until: leasedUntil,
        });
        if (taken === 0) {
          await pace.turn(rate);
          continue;
        }
        const batch = await loadPendingDeliveries(db, workflowId);
        leases.begin(batch, leasedUntil);
        await sendBatch(batch, rate);
      }
      return 'more';
    }

    const sentBefore = counts.sent;
    try {
      return await sendUntilOver();
    } catch (error) {
      // What was sent is to be counted: if the fault stays, the next page meets it at once.
      if (counts.sent === sentBefore) throw error;
      return 'more';
    } finally {
      await Promise.all(batches);
      leases.close();
      await pace.over();
    }
  }

  async function startWorkflow(batch: readonly LoadedDelivery[]) {
    const [first] = batch;
    if (first === undefined) return;
    try {
      await starter.startDeliverEvents({
        workflow_id: first.workflow_id,
        event_ids: batch.map(({ event }) => event.id),
        webhook_ids: [first.webhook.id],
        account_ids: [first.account_id],
      });
    } catch (error) {
      const reason = error instanceof TemporalUnavailable ? 'Temporal is not available' : String(error);
      log.warn(
        { workflow_id: first.workflow_id, reason },
        'the workflow was not started: the sweep will start it',
      );
    }
  }

  return {
    async sendPage(webhookId, counts, stopped) {
      const before = underWay.get(webhookId);
      before?.end();
      await before?.ended;
      Object.assign(counts, before?.counts);
      let isEnded = false;
      const page = send(webhookId, counts, () => isEnded || isStopping || stopped.aborted);
      const one = {
        counts,
        end: () => {
          isEnded = true;
        },
        ended: page.catch(() => {
          // Told to whoever asked for that page.
        }),
      };
      underWay.set(webhookId, one);
      try {
        return await page;
      } finally {
        if (underWay.get(webhookId) === one) underWay.delete(webhookId);
      }
    },
    stop() {
      isStopping = true;
    },
  };
}
