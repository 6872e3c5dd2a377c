import type { Layout } from './layout.ts';
import type { Arrivals, Sent } from './ledger.ts';

/** The lane of the event with that number, where events are in order. */
export function laneOf({ lanes }: Pick<Layout, 'lanes'>, seq: number): number {
  return seq % lanes;
}

/**
 * How many deliveries arrived, for the first time, before one of their lane whose event was acknowledged before theirs was
 * sent. What was on its way at the same time may come in either order. 0 where nothing is in order; of one endpoint an event.
 */
export function countOutOfOrder(
  layout: Layout,
  { first, intendedAt, answeredAt }: Sent,
  arrivals: Arrivals,
): number {
  if (layout.lanes === 0) return 0;
  const lanes = new Map<number, { arrivedAt: number; sentAt: number; answeredAt: number }[]>();
  for (let event = 0; event < intendedAt.length; event++) {
    const arrivedAt = arrivals.at[first + event];
    const answered = answeredAt[event] as number;
    if (arrivedAt === undefined || Number.isNaN(arrivedAt) || Number.isNaN(answered)) continue;
    const lane = laneOf(layout, first + event);
    const known = lanes.get(lane) ?? [];
    known.push({ arrivedAt, sentAt: intendedAt[event] as number, answeredAt: answered });
    lanes.set(lane, known);
  }
  let count = 0;
  for (const one of lanes.values()) {
    one.sort((a, b) => b.arrivedAt - a.arrivedAt);
    // Latest first. Of those that came later: when the first was acknowledged.
    let acknowledgedAt = Number.POSITIVE_INFINITY;
    let next = 0;
    for (const { sentAt, arrivedAt } of one) {
      for (let later = one[next]; later !== undefined && later.arrivedAt > arrivedAt; later = one[next]) {
        acknowledgedAt = Math.min(acknowledgedAt, later.answeredAt);
        next += 1;
      }
      if (acknowledgedAt < sentAt) count += 1;
    }
  }
  return count;
}
