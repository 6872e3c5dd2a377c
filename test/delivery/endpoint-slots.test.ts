import { describe, expect, it } from 'vitest';
import { newId } from '../../db/ids.ts';
import { createEndpointSlots, type Release } from '../../delivery/endpoint-slots.ts';

/** Slots on a clock of the test's own, and the waits before attempts, each with its end. */
function newSlots() {
  const clock = { now: 0 };
  const waits: { ms: number; end: () => void }[] = [];
  const wait = (ms: number) => new Promise<void>((end) => waits.push({ ms, end }));
  const slots = createEndpointSlots({ now: () => clock.now, wait, random: () => 0.5 });
  return { clock, waits, slots, webhook: newId('wh') };
}

/** As many as there are to be had. */
function takeAll(take: () => Release | null): Release[] {
  const taken: Release[] = [];
  for (let slot = take(); slot !== null; slot = take()) taken.push(slot);
  return taken;
}

describe('an endpoint', () => {
  it('has 64 attempts under way at most, and the next in its turn', async () => {
    const { slots, webhook } = newSlots();
    const taken = takeAll(() => slots.tryTake(webhook));
    expect(taken).toHaveLength(64);
    const turns: string[] = [];
    const first = slots.take(webhook).then((slot) => {
      turns.push('first');
      return slot;
    });
    const second = slots.take(webhook).then(() => turns.push('second'));
    taken[0]!();
    // Given back twice is given back once.
    taken[0]!();
    const release = await first;
    expect(turns).toEqual(['first']);
    release?.();
    await second;
    expect(turns).toEqual(['first', 'second']);
  });

  it('leaves the others theirs', () => {
    const { slots, webhook } = newSlots();
    takeAll(() => slots.tryTake(webhook));
    expect(slots.tryTake(newId('wh'))).not.toBeNull();
  });

  it('that is slow gets no more while 16 attempts have taken longer than a second', () => {
    const { slots, clock, webhook } = newSlots();
    const taken = Array.from({ length: 16 }, () => slots.tryTake(webhook)!);
    expect(slots.isSlow(webhook)).toBe(false);
    clock.now = 1_001;
    expect(slots.isSlow(webhook)).toBe(true);
    expect(slots.tryTake(webhook)).toBeNull();
    taken[0]!();
    expect(slots.tryTake(webhook)).not.toBeNull();
  });

  it('takes long from when an attempt has, until one is quick, or for a minute', () => {
    const { slots, clock, webhook } = newSlots();
    const first = slots.tryTake(webhook)!;
    expect(slots.takesLong(webhook)).toBe(false);
    clock.now = 1_001;
    expect(slots.takesLong(webhook)).toBe(true);
    first();
    clock.now = 61_000;
    expect(slots.takesLong(webhook)).toBe(true);
    slots.tryTake(webhook)!();
    expect(slots.takesLong(webhook)).toBe(false);
    const second = slots.tryTake(webhook)!;
    clock.now = 63_000;
    second();
    clock.now = 123_001;
    slots.sendAway('slow');
    expect(slots.takesLong(webhook)).toBe(false);
  });

  it('takes as long as it did when a slot is given back for which no attempt was made', () => {
    const { slots, clock, webhook } = newSlots();
    const attempt = slots.tryTake(webhook)!;
    clock.now = 1_001;
    attempt();
    slots.tryTake(webhook)!('unused');
    expect(slots.takesLong(webhook)).toBe(true);
    expect(slots.room(webhook)).toBe(64);
  });

  it('begins an attempt somewhat later where many take long, so that not all end together', async () => {
    const { slots, clock, waits, webhook } = newSlots();
    const [first, second, ...others] = Array.from({ length: 10 }, () => slots.tryTake(webhook)!);
    clock.now = 10_000;
    first?.();
    const coming = slots.take(webhook);
    expect(waits.map(({ ms }) => ms)).toEqual([1_000]);
    expect(slots.room(webhook)).toBe(64 - 10);
    clock.now = 11_000;
    waits[0]?.end();
    const begun = await coming;
    second?.();
    expect(slots.takesLong(webhook)).toBe(true);
    clock.now = 11_500;
    for (const end of others) end();
    begun?.();
    expect(slots.takesLong(webhook)).toBe(false);
    expect(slots.room(webhook)).toBe(64);
  });

  it('begins an attempt at once where few are under way, or none takes long', async () => {
    const { slots, clock, waits, webhook } = newSlots();
    const attempts = await Promise.all(Array.from({ length: 30 }, () => slots.take(webhook)));
    for (const end of attempts.splice(8)) end?.();
    clock.now = 10_000;
    attempts.pop()?.();
    expect(slots.takesLong(webhook)).toBe(true);
    expect(await slots.take(webhook)).not.toBeNull();
    expect(waits).toEqual([]);
  });

  it('that turns out to be slow sends away who waits for it', async () => {
    const { slots, clock, webhook } = newSlots();
    takeAll(() => slots.tryTake(webhook));
    const waiting = slots.take(webhook);
    slots.sendAway('slow');
    clock.now = 1_001;
    slots.sendAway('slow');
    expect(await waiting).toBeNull();
    expect(await slots.take(webhook)).toBeNull();
  });

  it('has a smaller share of slow attempts when there are a thousand of all endpoints', () => {
    const { slots, clock, webhook } = newSlots();
    for (let n = 0; n < 70; n += 1) {
      const other = newId('wh');
      for (let m = 0; m < 16; m += 1) slots.tryTake(other);
    }
    slots.tryTake(webhook);
    slots.tryTake(webhook);
    clock.now = 1_001;
    expect(slots.tryTake(webhook)).not.toBeNull();
    slots.sendAway('slow');
    expect(slots.tryTake(webhook)).toBeNull();
  });

  it('ends its line when the process stops', async () => {
    const { slots, webhook } = newSlots();
    takeAll(() => slots.tryTake(webhook));
    const waiting = Array.from({ length: 100 }, () => slots.take(webhook));
    slots.sendAway('all');
    expect(await Promise.all(waiting)).toEqual(waiting.map(() => null));
  });
});
