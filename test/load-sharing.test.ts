import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createLoadSharing } from '../load-sharing.ts';

it('the first process has a little load alone, and all have one that is not little until it has been for five seconds', () => {
  const sharing = createLoadSharing();
  const takePart = (busy: [number, number], now: number) =>
    busy.map((share, number) => sharing.takesPart(number, share, now));
  expect(takePart([0.1, 0.01], 0)).toEqual([true, false]);
  expect(takePart([0.7, 0.01], 1_000)).toEqual([true, false]);
  expect(takePart([0.8, 0.01], 2_000)).toEqual([true, true]);
  // Divided it is no less.
  expect(takePart([0.4, 0.3], 3_000)).toEqual([true, true]);
  expect(takePart([0.2, 0.2], 4_000)).toEqual([true, true]);
  expect(takePart([0.2, 0.2], 7_900)).toEqual([true, true]);
  expect(takePart([0.2, 0.2], 9_100)).toEqual([true, false]);
});

it('when the first process has ended, the next one is the first', () => {
  const sharing = createLoadSharing();
  sharing.takesPart(0, 0.1, 0);
  expect(sharing.takesPart(1, 0.1, 0)).toBe(false);
  sharing.forget(0);
  expect(sharing.takesPart(1, 0.1, 1_000)).toBe(true);
  expect(sharing.takesPart(0, 0.1, 2_000)).toBe(true);
  expect(sharing.takesPart(1, 0.1, 2_000)).toBe(false);
});

it('whatever the processes tell, and whichever end, one of those that run takes part', () => {
  const told = fc.record({ number: fc.nat(3), share: fc.double({ min: 0, max: 1, noNaN: true }) });
  const ended = fc.record({ ended: fc.nat(3) });
  fc.assert(
    fc.property(fc.array(fc.oneof(told, ended), { minLength: 1 }), (happens) => {
      const sharing = createLoadSharing();
      const running = new Set<number>();
      happens.forEach((one, index) => {
        if ('ended' in one) {
          sharing.forget(one.ended);
          running.delete(one.ended);
        } else {
          sharing.takesPart(one.number, one.share, index * 1_000);
          running.add(one.number);
        }
      });
      const now = happens.length * 1_000;
      const taking = [...running].filter((number) => sharing.takesPart(number, 0.1, now));
      expect(taking.length > 0).toBe(running.size > 0);
    }),
  );
});
