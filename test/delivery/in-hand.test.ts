import { getHeapSpaceStatistics } from 'node:v8';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { createInHand } from '../../delivery/in-hand.ts';

it('what is in hand is as in a map, whatever comes and goes', () => {
  const steps = fc.array(
    fc.record({ key: fc.constantFrom('a', 'b', '__proto__', 'constructor', '7', '3'), comes: fc.boolean() }),
  );
  fc.assert(
    fc.property(steps, (all) => {
      const inHand = createInHand<string, { step: number }>();
      const map = new Map<string, { step: number }>();
      all.forEach(({ key, comes }, step) => {
        if (comes) {
          inHand.set(key, { step });
          map.set(key, { step });
        } else expect(inHand.delete(key)).toBe(map.delete(key));
        expect(inHand.size).toBe(map.size);
        expect(inHand.has(key)).toBe(map.has(key));
        expect(inHand.get(key)).toEqual(map.get(key));
      });
      const sorted = (values: Iterable<{ step: number }>) => [...values].map(({ step }) => step).sort();
      expect(sorted(inHand.values())).toEqual(sorted(map.values()));
    }),
  );
});

it('what has a number, or a word, comes in the order in which it came', () => {
  const byNumber = createInHand<number, { n: number }>();
  const byWord = createInHand<string, { n: number }>();
  for (let n = 0; n < 5_000; n += 1) {
    byNumber.set(n, { n });
    byWord.set(`dlv_${n % 2 === 0 ? n : 10_000 - n}`, { n });
    if (n % 3 === 0) byNumber.delete(n);
  }
  const numbers = byNumber.values().map(({ n }) => n);
  expect(numbers).toEqual(numbers.toSorted((a, b) => a - b));
  expect(numbers).toHaveLength(3_333);
  expect(byWord.values().map(({ n }) => n)).toEqual(Array.from({ length: 5_000 }, (_, n) => n));
});

it('what has gone does not grow old with what comes after it', () => {
  const inHand = createInHand<string, object>();
  const piece = (n: number) => Array.from({ length: 100 }, () => n);
  const oldBytes = () =>
    getHeapSpaceStatistics().find(({ space_name }) => space_name === 'old_space')?.space_used_size ?? 0;
  // Some are there for so long that they grow old.
  for (let n = -40; n < 0; n += 1) inHand.set(`dlv_${n}`, piece(n));
  let junk: number[] = [];
  for (let n = 0; n < 100_000; n += 1) junk = piece(n);
  expect(junk).toHaveLength(100);
  let grown = 0;
  let before = oldBytes();
  // 160 MB come and go, 32 KB at a time: through a Map, 43 MB of them and more grow old.
  for (let n = 0; n < 200_000; n += 1) {
    inHand.set(`dlv_${n}`, piece(n));
    inHand.delete(`dlv_${n - 40}`);
    if (n % 1_000 > 0) continue;
    const now = oldBytes();
    // It is less after a collection.
    grown += Math.max(0, now - before);
    before = now;
  }
  expect(inHand.size).toBe(40);
  expect(grown / 1_000_000).toBeLessThan(20);
});
