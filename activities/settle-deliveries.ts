import type { Database } from '../db/database.ts';
import { cancelForDeletedWebhook } from '../db/deliveries.ts';
import { type LoadedDelivery, loadDeliveriesById, loadPendingDeliveries } from '../db/due-deliveries.ts';
import { takeHeadStarts } from '../db/head-starts.ts';
import { holdDeliveries } from '../db/held-deliveries.ts';
import type { DeliveryId, WebhookId } from '../db/ids.ts';
import { findStandings } from '../db/waiting-deliveries.ts';
import type { LimitedWebhook } from '../delivery/endpoint-limiter.ts';
import type { HeadStartOutcome, HeadStarts, UnderWay } from '../delivery/head-start.ts';
import { awaitElsewhere } from '../delivery/head-start-elsewhere.ts';
import { lookSlackMs, type PuttingOff } from '../delivery/putting-off.ts';
import { waitsBeforeAttempt } from '../delivery/wait-before-attempt.ts';
import { waitingReason } from '../webhook/endpoint-limits.ts';
import { attemptUnderWay, gatherStandings, type Settling, type Told } from './gather-standings.ts';
import { type Standing, type Unsettled, unsettled } from './settlement.ts';

/** Settles what a workflow owns: makes the attempts that are due, joins those under way, and tells what has to wait. */
export interface Settler {
  /** All that the workflow has pending. */
  settleAll(owner: Owner): Promise<Standing[]>;
  /** These of its deliveries. */
  settle(ids: readonly DeliveryId[], owner: Owner): Promise<Standing[]>;
}

/** The workflow that asks. */
export interface Owner {
  workflowId: string;
  /** How long attempts under way are waited for, in ms: then they go on, and it asks again. */
  patienceMs: number;
  /** Whether a timer of Temporal's said that they are due. */
  hasWaited: boolean;
}

/** Someone else is at it: asked after again, in ms. */
const askAgainMs = 1_000;
/** Another process makes its attempt, which may go on until the endpoint's timeout. */
const underWayElsewhereMs = 2_000;
/** It is sent when its turn comes (delivery/waiting-sender.ts), whoever looks. */
const inItsTurn = { isInHand: true, slackMs: lookSlackMs };
/** No attempt is begun here, since the process stops. */
const elsewhereMs = 1_000;

export function createSettler({
  db,
  headStarts,
  puttingOff,
  lookAtWaiting,
}: {
  db: Database;
  headStarts: Pick<HeadStarts, 'take' | 'find' | 'reserve'>;
  puttingOff: PuttingOff;
  /** Has what waits for a webhook's endpoint sent from here, if this is not done yet. */
  lookAtWaiting: (webhook: LimitedWebhook) => void;
}): Settler {
  async function begin(ids: readonly DeliveryId[], owner: Owner): Promise<(Standing | Settling)[]> {
    // Asked before the database: what has ended by then is recorded there.
    const known = new Map(ids.map((id) => [id, headStarts.find(id)]));
    const unknown = ids.filter((id) => known.get(id) === undefined);
    const found = await findStandings(db, unknown);
    const standings: (Standing | Settling)[] = [...known].flatMap(([id, one]) =>
      one === undefined ? [] : [join(id, one)],
    );
    const pending: DeliveryId[] = [];
    for (const id of unknown) {
      const one = found.get(id);
      if (one === undefined) standings.push('ended elsewhere');
      else if (one.status !== 'pending') standings.push(one.status);
      // Held meanwhile, and then sent: another workflow owns it.
      else if (one.workflow_id !== owner.workflowId) standings.push('ended elsewhere');
      else if (one.waits_ms > 0)
        standings.push(unsettled(told(id, one.webhook_id), one.waits_ms, one.reason, inItsTurn));
      else if (one.is_under_way)
        standings.push(attemptUnderWay(told(id, one.webhook_id), underWayElsewhereMs));
      else pending.push(id);
    }
    if (pending.length > 0)
      standings.push(...(await beginLoaded(await loadDeliveriesById(db, pending), owner)));
    return standings;
  }

  /** What another process attempts, or has said that it would, is left to that, if it lives. */
  async function beginLoaded(
    deliveries: readonly LoadedDelivery[],
    owner: Owner,
  ): Promise<(Standing | Settling)[]> {
    const elsewhere = deliveries.filter(({ head_start }) => head_start !== null);
    const here = await beginHere(
      deliveries.filter(({ head_start }) => head_start === null),
      owner,
    );
    if (elsewhere.length === 0) return here;
    return [...here, { deliveries: elsewhere, standings: settleElsewhere(elsewhere, owner) }];
  }

  async function settleElsewhere(deliveries: readonly LoadedDelivery[], owner: Owner): Promise<Standing[]> {
    const { free, ended, underWay } = await awaitElsewhere(db, deliveries);
    return [
      ...ended.map((status) => (status === 'gone' ? 'ended elsewhere' : status)),
      ...underWay.map((delivery) => attemptUnderWay(delivery, underWayElsewhereMs)),
      ...(await gatherStandings(await beginHere(free, owner), owner.patienceMs)),
    ];
  }

  async function beginHere(
    deliveries: readonly LoadedDelivery[],
    owner: Owner,
  ): Promise<(Standing | Settling)[]> {
    const standings: (Standing | Settling)[] = [];
    const toHold: DeliveryId[] = [];
    const toAttempt: LoadedDelivery[] = [];
    const waitsMs = await waitsBeforeAttempt(db, deliveries, owner);
    for (const [index, delivery] of deliveries.entries()) {
      const waitMs = waitsMs[index] ?? 0;
      if (delivery.webhook.is_deleted) standings.push(later(delivery, cancel(delivery.id)));
      else if (waitMs === 0 && isToBeHeld(delivery)) toHold.push(delivery.id);
      else if (delivery.is_waiting) {
        lookAtWaiting(delivery.webhook);
        standings.push(waitMs > 0 ? waits(delivery, waitMs) : later(delivery, putOff(delivery)));
      } else if (waitMs > 0) standings.push(unsettled(delivery, waitMs, reasonOf(delivery)));
      else toAttempt.push(delivery);
    }
    if (toHold.length > 0) standings.push(...(await hold(toHold, owner)));
    if (toAttempt.length > 0) standings.push(...(await attempt(toAttempt)));
    return standings;
  }

  async function cancel(id: DeliveryId): Promise<Standing> {
    return (await cancelForDeletedWebhook(db, id)) ?? 'ended elsewhere';
  }

  async function hold(ids: readonly DeliveryId[], owner: Owner): Promise<(Standing | Settling)[]> {
    const held = await holdDeliveries(db, ids);
    // Just now their endpoint was enabled, or they have ended.
    const others = ids.filter((id) => !held.has(id));
    return [
      ...[...held].map(() => 'held' as const),
      ...(others.length === 0 ? [] : await begin(others, owner)),
    ];
  }

  /** The database is told before: nobody else attempts what has begun here, however late the workflow hears of it. */
  async function attempt(due: readonly LoadedDelivery[]): Promise<(Standing | Settling)[]> {
    const reserved = due.map((delivery) => ({
      delivery,
      reservation: headStarts.reserve(delivery.webhook, delivery.event.data.length),
    }));
    try {
      const ids = reserved.flatMap(({ delivery, reservation }) =>
        reservation === null ? [] : [delivery.id],
      );
      const taken = ids.length === 0 ? new Set() : await takeHeadStarts(db, ids);
      return reserved.map(({ delivery, reservation }) => {
        if (reservation === null) return later(delivery, putOff(delivery));
        return taken.has(delivery.id)
          ? join(delivery.id, reservation.begin(delivery))
          : attemptUnderWay(delivery);
      });
    } finally {
      for (const { reservation } of reserved) reservation?.giveBack();
    }
  }

  async function putOff(delivery: LoadedDelivery): Promise<Standing> {
    const waitMs = await puttingOff.putOff(delivery, { hasHeadStart: false });
    // Null when it was just taken up, or has ended.
    return waits(delivery, waitMs ?? askAgainMs);
  }

  return {
    async settleAll(owner) {
      const known = headStarts.take(owner.workflowId) ?? { byDelivery: new Map(), isWhole: false };
      const joined = [...known.byDelivery].map(([id, one]) => join(id, one));
      const pending = known.isWhole ? [] : await loadPendingDeliveries(db, owner.workflowId);
      const others = pending.filter(({ id }) => !known.byDelivery.has(id));
      return gatherStandings([...joined, ...(await beginLoaded(others, owner))], owner.patienceMs);
    },

    settle: async (ids, owner) => gatherStandings(await begin(ids, owner), owner.patienceMs),
  };
}

function told(id: DeliveryId, webhookId: WebhookId): Told {
  return { id, webhook: { id: webhookId } };
}

/** An attempt of this process. */
function join(id: DeliveryId, { webhook_id, outcome }: UnderWay): Settling {
  const delivery = told(id, webhook_id);
  return later(
    delivery,
    outcome.then((result) => standingAfter(delivery, result)),
  );
}

function standingAfter(delivery: Told, outcome: HeadStartOutcome): Standing {
  if (outcome === 'left') return unsettled(delivery, elsewhereMs, 'waits for another process');
  if (outcome.status !== 'pending' && outcome.status !== 'waits') return outcome.status;
  const inMs = (outcome.due_at ?? 0) - performance.now();
  if (outcome.status === 'waits') return unsettled(delivery, inMs, outcome.reason, inItsTurn);
  return unsettled(delivery, inMs, `attempt ${outcome.number} failed: ${outcome.reason}`);
}

function reasonOf({ attempt_count, reason }: LoadedDelivery): string {
  return reason === null ? 'waits for its next attempt' : `attempt ${attempt_count} failed: ${reason}`;
}

function waits(delivery: LoadedDelivery, inMs: number): Unsettled {
  return unsettled(delivery, inMs, waitingReason(delivery.webhook), inItsTurn);
}

function later(delivery: Told, standing: Promise<Standing>): Settling {
  return { deliveries: [delivery], standings: standing.then((one) => [one]) };
}

/** A test event goes out whatever the endpoint's state. */
function isToBeHeld(delivery: LoadedDelivery): boolean {
  const { endpoint_state } = delivery.webhook;
  return (endpoint_state === 'disabled' || endpoint_state === 'probing') && !delivery.event.is_test;
}
