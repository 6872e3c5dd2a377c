import { expect, test } from 'vitest';
import { createOriginSlots } from '../../delivery/origin-slots.ts';

test('slots are given up to the bound, then in the order in which they were asked for', async () => {
  const slots = createOriginSlots(2);
  const first = await slots.acquire('http://a', 1_000);
  await slots.acquire('http://a', 1_000);
  const turns: string[] = [];
  const third = slots.acquire('http://a', 1_000).then((release) => turns.push('third') > 0 && release);
  const fourth = slots.acquire('http://a', 1_000).then((release) => turns.push('fourth') > 0 && release);
  await Promise.resolve();
  expect(turns).toEqual([]);
  first?.();
  const releaseThird = await third;
  expect(turns).toEqual(['third']);
  if (releaseThird) releaseThird();
  await fourth;
  expect(turns).toEqual(['third', 'fourth']);
});

test('who has waited in vain gets null and keeps no place in the queue', async () => {
  const slots = createOriginSlots(1);
  const release = await slots.acquire('http://a', 1_000);
  expect(await slots.acquire('http://a', 20)).toBeNull();
  const next = slots.acquire('http://a', 1_000);
  release?.();
  expect(await next).not.toBeNull();
});

test('each origin has its own', async () => {
  const slots = createOriginSlots(1);
  await slots.acquire('http://a', 20);
  expect(await slots.acquire('http://b', 20)).not.toBeNull();
  expect(await slots.acquire('http://a', 20)).toBeNull();
});
