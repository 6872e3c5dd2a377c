import fc from 'fast-check';
import { expect, it } from 'vitest';
import { behaviourOf, firstEndpointOf, type Layout, oneToOne } from '../../bench/layout.ts';
import { arrivalsPerSecond, closeLedger, type Sent } from '../../bench/ledger.ts';
import { createSentLog } from '../../bench/load/sent-log.ts';
import { createArrivalLog } from '../../bench/sink/arrival-log.ts';
import { layouts } from './arbitraries.ts';

interface Event {
  /** 0 where no answer came. */
  status: number;
  ackMs: number;
  /** For each of its endpoints, when each request arrived after it was sent, in ms. */
  arrivals: number[][];
}

const moments = fc.integer({ min: 0, max: 5_000 });

/** A layout with what became of events numbered from `first` on, one sent every ms. */
const histories = layouts.chain((layout) =>
  fc.record({
    layout: fc.constant(layout),
    first: fc.nat(50),
    events: fc.array(
      fc.record({
        status: fc.constantFrom(0, 202, 202, 202, 200, 503, 400),
        ackMs: moments,
        arrivals: fc.array(fc.array(moments, { maxLength: 3 }), {
          minLength: layout.fanOut,
          maxLength: layout.fanOut,
        }),
      }),
      { maxLength: 30 },
    ),
  }),
);

/** As load generator and sink would have kept it. */
function keep(layout: Layout, first: number, events: readonly Event[]) {
  const sentLog = createSentLog(first);
  const arrivalLog = createArrivalLog(layout);
  const requests: { seq: number; endpoint: number; at: number }[] = [];
  events.forEach(({ status, ackMs, arrivals }, index) => {
    const seq = sentLog.take(1, index);
    sentLog.answer(seq, index + ackMs, status);
    arrivals.forEach((times, place) => {
      for (const time of times)
        requests.push({ seq, endpoint: firstEndpointOf(layout, seq) + place, at: index + time });
    });
  });
  requests.sort((a, b) => a.at - b.at);
  for (const { seq, endpoint, at } of requests) arrivalLog.add(seq, endpoint, at);
  return { sentLog, arrivalLog };
}

it('counts every delivery once, as what it is', () => {
  fc.assert(
    fc.property(histories, ({ layout, first, events }) => {
      const { sentLog, arrivalLog } = keep(layout, first, events);
      const ledger = closeLedger(layout, sentLog.sent(), arrivalLog.arrivals());

      const deliveries = events.flatMap(({ status, arrivals }, index) =>
        arrivals.map((times, place) => ({
          isAcknowledged: status === 200 || status === 202,
          isHealthy: behaviourOf(layout, firstEndpointOf(layout, first + index) + place) === 'ok',
          times: times.length,
        })),
      );
      const due = deliveries.filter(({ isAcknowledged, isHealthy }) => isAcknowledged && isHealthy);
      const ill = deliveries.filter(({ isAcknowledged, isHealthy }) => isAcknowledged && !isHealthy);
      expect(ledger).toMatchObject({
        sent: events.length,
        acknowledged: events.filter(({ status }) => status === 200 || status === 202).length,
        refused: events.filter(({ status }) => status >= 300).length,
        unanswered: events.filter(({ status }) => status === 0).length,
        due: due.length,
        arrived: due.filter(({ times }) => times > 0).length,
        arrivedTwice: due.filter(({ times }) => times > 1).length,
        lost: due.filter(({ times }) => times === 0).length,
        unexpected: deliveries.filter(({ isAcknowledged, times }) => !isAcknowledged && times > 0).length,
        dueAtFailing: ill.length,
        triedAtFailing: ill.filter(({ times }) => times > 0).length,
      });
    }),
  );
});

it('counts latencies from the intended sending to the answer and to the first arrival', () => {
  const { sentLog, arrivalLog } = keep(oneToOne, 7, [
    { status: 202, ackMs: 5, arrivals: [[40, 10]] },
    { status: 202, ackMs: 3, arrivals: [[20]] },
    { status: 503, ackMs: 900, arrivals: [[800]] },
  ]);
  const ledger = closeLedger(oneToOne, sentLog.sent(), arrivalLog.arrivals());
  expect(ledger.ack).toMatchObject({ count: 2, p50: 3, max: 5 });
  expect(ledger.arrival).toMatchObject({ count: 2, p50: 10, max: 20 });
  // The second was sent 1 ms after the first.
  expect(ledger.deliveringMs).toBe(21);
  expect(ledger.answeringMs).toBe(5);
});

it('arrivals per second are all that arrived, each in its second', () => {
  fc.assert(
    fc.property(histories, ({ layout, first, events }) => {
      const { sentLog, arrivalLog } = keep(layout, first, events);
      const sent: Sent = sentLog.sent();
      const perSecond = arrivalsPerSecond(layout, sent, arrivalLog.arrivals());
      const times = events.flatMap(({ arrivals }, index) =>
        arrivals.flatMap((list, place) =>
          list.length > 0 && behaviourOf(layout, firstEndpointOf(layout, first + index) + place) === 'ok'
            ? [index + Math.min(...list)]
            : [],
        ),
      );
      const expected = perSecond.map(
        (_, second) => times.filter((time) => Math.floor(time / 1_000) === second).length,
      );
      expect(perSecond).toEqual(expected);
      expect(perSecond.reduce((sum, count) => sum + count, 0)).toBe(times.length);
    }),
  );
});

it('the sink counts as it goes what the ledger finds at the end', () => {
  fc.assert(
    fc.property(histories, ({ layout, first, events }) => {
      const acknowledged = events.map((event) => ({ ...event, status: 202 }));
      const { sentLog, arrivalLog } = keep(layout, first, acknowledged);
      const ledger = closeLedger(layout, sentLog.sent(), arrivalLog.arrivals());
      const { arrived, repeats, atFailing, unreadable } = arrivalLog.counts();
      const requests = acknowledged.flatMap(({ arrivals }) => arrivals.flat()).length;
      expect(arrived).toBe(ledger.arrived);
      expect(arrived + repeats + atFailing).toBe(requests);
      expect(unreadable).toBe(0);
    }),
  );
});

it('what belongs to a warm-up is kept but no longer counted', () => {
  const log = createArrivalLog(oneToOne);
  log.add(0, 0, 10);
  log.countFrom(2);
  log.add(1, 0, 20);
  log.add(2, 0, 30);
  log.add(undefined, 0, 40);
  expect(log.counts()).toEqual({ arrived: 1, repeats: 0, atFailing: 0, unreadable: 1 });
  expect([...log.arrivals().at]).toEqual([10, 20, 30]);
});

it('keeps any number of events', () => {
  const log = createSentLog(100);
  for (let batch = 0; batch < 300; batch++) {
    const seq = log.take(100, batch);
    for (let index = 0; index < 100; index++) log.answer(seq + index, batch + 0.5, 202);
  }
  const { first, intendedAt, answeredAt, status } = log.sent();
  expect(first).toBe(100);
  expect(status).toHaveLength(30_000);
  expect(status.every((one) => one === 202)).toBe(true);
  expect(answeredAt.every((at, index) => at === (intendedAt[index] as number) + 0.5)).toBe(true);
  expect(log.counts()).toEqual({ sent: 30_000, acknowledged: 30_000, failed: 0 });
});
