import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isFirstInHand, nextLookMs, type Unsettled } from '../../activities/settlement.ts';
import { newId } from '../../db/ids.ts';

const due = (inMs: number): Unsettled => ({
  ...{ delivery_id: newId('dlv'), webhook_id: newId('wh'), reason: '', due_at: inMs },
  ...{ slack_ms: 0, is_in_hand: false },
});

describe('when to see to deliveries again', () => {
  it('is when the first is due, and those soon after it: no later than a second or a twentieth of its delay', () => {
    const delays = fc.array(fc.integer({ min: -5_000, max: 8_000_000 }), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(delays, (waits) => {
        const lookMs = nextLookMs(waits.map(due), 0);
        const first = Math.max(0, Math.min(...waits));
        expect(lookMs).toBeGreaterThanOrEqual(Math.max(1, first));
        expect(lookMs).toBeLessThanOrEqual(first + Math.min(Math.max(first / 20, 50), 1_000) + 1);
        // It is one of them, or at once.
        expect([1, ...waits]).toContain(lookMs);
      }),
    );
  });

  it('is later for what may be seen to later, when there is more to see to by then, and not too late for anything', () => {
    const inItsTurn = (inMs: number): Unsettled => ({ ...due(inMs), slack_ms: 4_000 });
    expect(nextLookMs([inItsTurn(1_000)], 0)).toBe(1_000);
    expect(nextLookMs([inItsTurn(1_000), inItsTurn(3_000), inItsTurn(9_000)], 0)).toBe(3_000);
    expect(nextLookMs([inItsTurn(1_000), due(2_000), inItsTurn(3_000)], 0)).toBe(2_000);
  });

  it('takes together what failed in the same second', () => {
    expect(nextLookMs([29_500, 29_700, 30_400, 31_000].map(due), 0)).toBe(30_400);
  });
});

describe('what there is to be done then', () => {
  const failed = due(30_000);
  const inHand = (inMs: number): Unsettled => ({ ...due(inMs), is_in_hand: true });

  it('is to look, while someone else sees to the first', () => {
    expect(isFirstInHand([failed, inHand(2_000), inHand(40_000)])).toBe(true);
  });

  it('is more, where the first is an attempt of the schedule', () => {
    expect(isFirstInHand([failed, inHand(40_000)])).toBe(false);
  });
});
