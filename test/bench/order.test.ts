import fc from 'fast-check';
import { expect, it } from 'vitest';
import { oneToOne } from '../../bench/layout.ts';
import { countOutOfOrder, laneOf } from '../../bench/order.ts';

const moments = fc.integer({ min: 0, max: 200 });

it('counts what arrived before something of its lane that was acknowledged before it was sent', () => {
  const layout = { ...oneToOne, lanes: 3 };
  fc.assert(
    fc.property(
      fc.nat(5),
      fc.array(
        fc.record({ sentAt: moments, ackMs: moments, arrivedAt: fc.option(moments, { nil: Number.NaN }) }),
      ),
      (first, events) => {
        const sent = {
          first,
          intendedAt: Float64Array.from(events, ({ sentAt }) => sentAt),
          answeredAt: Float64Array.from(events, ({ sentAt, ackMs }) => sentAt + ackMs),
          status: Uint16Array.from(events, () => 202),
        };
        const before = Array<number>(first).fill(Number.NaN);
        const at = Float64Array.from([...before, ...events.map(({ arrivedAt }) => arrivedAt)]);
        const arrivals = { at, times: Uint16Array.from(at, () => 1) };
        const expected = events.filter((one, n) =>
          events.some(
            (other, m) =>
              laneOf(layout, first + n) === laneOf(layout, first + m) &&
              other.sentAt + other.ackMs < one.sentAt &&
              one.arrivedAt < other.arrivedAt,
          ),
        );
        expect(countOutOfOrder(layout, sent, arrivals)).toBe(expected.length);
        expect(countOutOfOrder(oneToOne, sent, arrivals)).toBe(0);
      },
    ),
  );
});
