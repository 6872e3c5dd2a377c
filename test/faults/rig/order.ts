import { type Layout, placeOf } from '../../../bench/layout.ts';
import { isAcknowledged, type Sent } from '../../../bench/ledger.ts';
import { laneOf } from '../../../bench/order.ts';
import { lanePointer } from '../../../bench/payload.ts';
import { form } from './form.ts';
import type { Arrival } from './receiver.ts';
import { layout } from './steady-load.ts';

/** A lane of the second endpoint gets so many events a second: a fifth of them are refused, and hold it up for the better part of a second. */
const perSecondInLane = 1.5;
const lanesOfEach = Math.ceil(form.perSecond / 2 / perSecondInLane);

/** What is sent says in which of its lanes it is: half of them are of the second endpoint. Those that are refused are spread over all. */
export const layoutInLanes: Layout = {
  ...layout,
  lanes: 2 * (lanesOfEach % 5 === 0 ? lanesOfEach + 1 : lanesOfEach),
};

/** Of the second endpoint, some of whose events are refused once, where what it gets is to be in order. */
export const settingsInOrder = [{}, { ordering: { fifo_by: lanePointer } }];

/**
 * Events of the second endpoint of which a request came before the last one of an event of their lane that was acknowledged before
 * they were sent: in words.
 */
export function findOutOfOrder(
  { first, intendedAt, answeredAt, status }: Sent,
  arrivals: readonly Arrival[],
): string[] {
  const requests = new Map<number, { firstAt: number; lastAt: number }>();
  for (const { seq, at } of arrivals) {
    const known = requests.get(seq) ?? { firstAt: at, lastAt: at };
    requests.set(seq, { firstAt: Math.min(known.firstAt, at), lastAt: Math.max(known.lastAt, at) });
  }
  const lanes = new Map<number, number[]>();
  for (let event = 0; event < status.length; event += 1) {
    const seq = first + event;
    if (placeOf(layoutInLanes, seq).type !== 1 || !isAcknowledged(status[event] as number)) continue;
    const lane = laneOf(layoutInLanes, seq);
    lanes.set(lane, [...(lanes.get(lane) ?? []), seq]);
  }
  const found: string[] = [];
  for (const seqs of lanes.values()) {
    for (const seq of seqs) {
      const sentAt = intendedAt[seq - first] as number;
      const before = seqs.filter((other) => (answeredAt[other - first] as number) < sentAt);
      const late = before.find(
        (other) =>
          (requests.get(other)?.lastAt ?? 0) > (requests.get(seq)?.firstAt ?? Number.POSITIVE_INFINITY),
      );
      if (late !== undefined) found.push(`event ${seq} came before event ${late} of its lane had ended`);
    }
  }
  return found;
}
