import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPace } from '../../delivery/pace.ts';

/** A clock that stands still but while someone waits. */
function fakeClock() {
  let ms = 1_000_000;
  return {
    now: () => ms,
    wait: async (waited: number) => {
      ms += waited;
    },
    pass: (passed: number) => {
      ms += passed;
    },
  };
}

describe('a pace', () => {
  it('lets the first through at once, and the others evenly', async () => {
    const clock = fakeClock();
    const begin = clock.now();
    const pace = createPace(clock);
    const turns: number[] = [];
    for (let index = 0; index < 5; index += 1) {
      await pace.turn(20);
      turns.push(clock.now() - begin);
    }
    expect(turns).toEqual([0, 50, 100, 150, 200]);
    await pace.over();
    expect(clock.now() - begin).toBe(250);
  });

  it('takes a new rate with the turn after', async () => {
    const clock = fakeClock();
    const begin = clock.now();
    const pace = createPace(clock);
    await pace.turn(1);
    await pace.turn(100);
    expect(clock.now() - begin).toBe(1_000);
    await pace.turn(100);
    expect(clock.now() - begin).toBe(1_010);
  });

  it('lets no more than a tenth above the rate through in any second, however late its callers are', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 10, max: 500 }),
        fc.array(fc.integer({ min: 0, max: 3_000 }), { minLength: 50, maxLength: 200 }),
        fc.integer({ min: 2, max: 20 }),
        async (rate, delays, often) => {
          const clock = fakeClock();
          const pace = createPace(clock);
          const turns: number[] = [];
          for (const [index, late] of delays.entries()) {
            if (index % often === 0) clock.pass(late);
            await pace.turn(rate);
            turns.push(clock.now());
          }
          for (const [index, from] of turns.entries()) {
            const within = turns.slice(index).filter((turn) => turn < from + 1_000).length;
            // What came up to 0.1 s late is caught up on, and one stands on either edge.
            expect(within).toBeLessThanOrEqual(rate * 1.1 + 2);
          }
        },
      ),
    );
  });
});
