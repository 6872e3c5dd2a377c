import { expect, it } from 'vitest';
import { createMemory } from '../../api/memory.ts';

const rememberedMs = 5_000;
const noon = Date.UTC(2026, 0, 1, 12);

function memoryAt(at: { ms: number }) {
  const memory = createMemory<number>({ rememberedMs, most: 10, now: () => new Date(at.ms) });
  let lookUps = 0;
  return () => memory.recall('key', async () => ++lookUps);
}

it('remembers what was looked up for its time, and no longer', async () => {
  const clock = { ms: noon };
  const recall = memoryAt(clock);
  expect(await recall()).toBe(1);
  clock.ms += 2_000;
  expect(await recall()).toBe(1);
  clock.ms += rememberedMs;
  expect(await recall()).toBe(2);
});

it('remembers nothing for longer because the clock is set back by an hour', async () => {
  const clock = { ms: noon };
  const recall = memoryAt(clock);
  expect(await recall()).toBe(1);
  clock.ms -= 3_600_000;
  expect(await recall()).toBe(2);
  clock.ms += rememberedMs;
  expect(await recall()).toBe(3);
});

it('tells what it remembers without looking anything up', async () => {
  const clock = { ms: noon };
  let lookUps = 0;
  const memory = createMemory<number>({ rememberedMs, most: 10, now: () => new Date(clock.ms) });
  expect(memory.peek('key')).toBeUndefined();
  await memory.recall('key', async () => ++lookUps);
  expect(memory.peek('key')).toBe(1);
  clock.ms += rememberedMs;
  expect(memory.peek('key')).toBeUndefined();
  expect(lookUps).toBe(1);
});
