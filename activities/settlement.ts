import type { DeliveryId, WebhookId } from '../db/ids.ts';
import type { DeliveryStatus } from '../db/schema.ts';

/** How a delivery left its workflow: with a final status, held for its endpoint's recovery, or ended by someone else. */
export type Settlement = Exclude<DeliveryStatus, 'pending'> | 'ended elsewhere';

/** How many deliveries were settled, by how. */
export type SettlementCounts = Partial<Record<Settlement, number>>;

/** A delivery that waits for its next attempt, or whose attempt is under way. */
export interface WaitingDelivery {
  delivery_id: DeliveryId;
  webhook_id: WebhookId;
  /** Why the last attempt failed, or what it waits for, in words. */
  reason: string;
}

/** A delivery that is to be seen to again. */
export interface Unsettled extends WaitingDelivery {
  /** When, in ms of `performance.now()`. */
  due_at: number;
  /** By so much later, in ms, it may be seen to as well, together with others. */
  slack_ms: number;
  /** Whether there is nothing to be done for it then but to look: someone makes its attempt, or sends it in its turn. */
  is_in_hand: boolean;
}

/** Where a delivery stands. */
export type Standing = Settlement | Unsettled;

export function unsettled(
  { id, webhook }: { id: DeliveryId; webhook: { id: WebhookId } },
  inMs: number,
  reason: string,
  { isInHand = false, slackMs = 0 } = {},
): Unsettled {
  const due_at = performance.now() + inMs;
  const ids = { delivery_id: id, webhook_id: webhook.id };
  return { ...ids, due_at, slack_ms: slackMs, reason, is_in_hand: isInHand };
}

export function countSettled(standings: readonly Standing[]): SettlementCounts {
  const counts: SettlementCounts = {};
  for (const one of standings) if (typeof one === 'string') counts[one] = (counts[one] ?? 0) + 1;
  return counts;
}

export function waitingOf(standings: readonly Standing[]): Unsettled[] {
  return standings.filter((one) => typeof one !== 'string');
}

/** What is due within a twentieth of its delay after the first, and within this, in ms, is seen to together with it. */
const together = { share: 1 / 20, leastMs: 50, mostMs: 1_000 };

/** Whether to look again is all that is to be done for the one that is due first. */
export function isFirstInHand(waiting: readonly Unsettled[]): boolean {
  const dueAt = Math.min(...waiting.map(({ due_at }) => due_at));
  return waiting.some(({ due_at, is_in_hand }) => due_at === dueAt && is_in_hand);
}

/** In how many ms to see to them again: when the first is due, at the latest, with those that are due at about the same time. */
export function nextLookMs(waiting: readonly Unsettled[], now = performance.now()): number {
  const delays = waiting.map(({ due_at }) => due_at - now);
  const first = Math.max(0, Math.min(...waiting.map(({ due_at, slack_ms }) => due_at + slack_ms - now)));
  const widthMs = Math.min(Math.max(first * together.share, together.leastMs), together.mostMs);
  return Math.max(1, Math.round(Math.max(...delays.filter((delay) => delay <= first + widthMs))));
}
