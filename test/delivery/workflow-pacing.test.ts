import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { type EventId, newId, type WebhookId } from '../../db/ids.ts';
import {
  createPacing,
  type Group,
  longestWindowMs,
  mostDeliveries,
  mostEvents,
  mostSharedWebhooks,
} from '../../delivery/workflow-pacing.ts';

const webhooks = Array.from({ length: 1_200 }, () => newId('wh'));
const limits = { eventsPerWorkflow: 50, windowMs: 50 };

describe('an event', () => {
  it('has a workflow of its own, started at once and named after it, when the last start is longer ago than the window', () => {
    const pacing = createPacing(limits);
    for (const now of [1_000, 1_050, 1_100.1]) {
      const event = newId('evt');
      const groups = pacing.place(event, [webhooks[0]!], now);
      expect(groups).toMatchObject([{ workflow_id: `deliver/${event}`, startsAt: now, deliveries: 1 }]);
    }
  });

  it('that comes within the window shares the workflow that starts when the window ends', () => {
    const pacing = createPacing(limits);
    const place = (now: number) => pacing.place(newId('evt'), [webhooks[0]!], now)[0]!;
    const first = place(1_000);
    const second = place(1_010);
    const third = place(1_049);
    expect(second).not.toBe(first);
    expect(third).toBe(second);
    expect(second.startsAt).toBe(1_050);
    expect(place(1_051).startsAt).toBe(1_150);
  });

  it('of one moment shares the workflow that starts at once', () => {
    const pacing = createPacing(limits);
    const groups = [1, 2, 3].map(() => pacing.place(newId('evt'), [webhooks[0]!], 1_000)[0]);
    expect(new Set(groups).size).toBe(1);
  });

  it('with the widest fan-out has several workflows, each bounded', () => {
    const event = newId('evt');
    const groups = createPacing(limits).place(event, webhooks, 1_000);
    expect(groups.map(({ workflow_id }) => workflow_id)).toEqual([
      `deliver/${event}`,
      `deliver/${event}/2`,
      `deliver/${event}/3`,
    ]);
    expect(groups.map(({ deliveries }) => deliveries)).toEqual([mostDeliveries, mostDeliveries, 200]);
    expect(groups.map(({ startsAt }) => startsAt)).toEqual([1_000, 1_000, 1_000]);
  });
});

test('a closed group takes in nothing more, though its window goes on', () => {
  const pacing = createPacing(limits);
  pacing.place(newId('evt'), [webhooks[0]!], 1_000);
  const [open] = pacing.place(newId('evt'), [webhooks[0]!], 1_001);
  pacing.close(1_010);
  expect(open?.startsAt).toBe(1_010);
  expect(pacing.place(newId('evt'), [webhooks[0]!], 1_011)[0]).not.toBe(open);
});

/** Events a few ms apart, each owed to some of a few webhooks, or to a great many. */
const arrivals = fc.array(
  fc.record({
    gapMs: fc.oneof({ weight: 5, arbitrary: fc.nat(5) }, { weight: 1, arbitrary: fc.nat(200) }),
    owed: fc.oneof(
      { weight: 10, arbitrary: fc.record({ from: fc.nat(30), count: fc.integer({ min: 1, max: 5 }) }) },
      { weight: 1, arbitrary: fc.record({ from: fc.nat(100), count: fc.integer({ min: 1, max: 1_100 }) }) },
    ),
  }),
  { maxLength: 300 },
);

test('whatever comes when, workflows are bounded, no event waits longer than the longest window, and what has been started takes in nothing more', () => {
  fc.assert(
    fc.property(
      arrivals,
      fc.integer({ min: 1, max: 60 }),
      fc.nat(100),
      (events, eventsPerWorkflow, windowMs) => {
        const pacing = createPacing({ eventsPerWorkflow, windowMs });
        const owedBy = new Map<Group, Map<EventId, WebhookId[]>>();
        let now = 1_000;
        for (const { gapMs, owed } of events) {
          now += gapMs;
          const event = newId('evt');
          const ids = webhooks.slice(owed.from, owed.from + owed.count);
          const groups = pacing.place(event, ids, now);
          groups.forEach((group, part) => {
            // Nobody joins a workflow that may have been started.
            expect(group.startsAt).toBeGreaterThanOrEqual(now);
            expect(group.startsAt).toBeLessThanOrEqual(now + longestWindowMs(windowMs));
            const owed = owedBy.get(group) ?? new Map();
            owed.set(event, ids.slice(part * mostDeliveries, (part + 1) * mostDeliveries));
            owedBy.set(group, owed);
          });
          expect(groups).toHaveLength(Math.ceil(ids.length / mostDeliveries));
        }

        expect(new Set([...owedBy.keys()].map((group) => group.workflow_id)).size).toBe(owedBy.size);
        for (const [group, owed] of owedBy) {
          const all = [...owed.values()].flat();
          expect([...group.events]).toEqual([...owed.keys()]);
          expect(group.deliveries).toBe(all.length);
          expect(group.events.size).toBeLessThanOrEqual(mostEvents(eventsPerWorkflow));
          expect(all.length).toBeLessThanOrEqual(mostDeliveries);
          if (group.events.size > 1) expect(new Set(all).size).toBeLessThanOrEqual(mostSharedWebhooks);
        }
        const starts = [...owedBy.keys()].map(({ startsAt }) => startsAt);
        expect(starts).toEqual([...starts].sort((a, b) => a - b));
      },
    ),
    { numRuns: 300 },
  );
});

test('EVENTS_PER_WORKFLOW=1 is one workflow an event, each started at once', () => {
  fc.assert(
    fc.property(fc.array(fc.nat(60), { maxLength: 100 }), fc.nat(100), (gaps, windowMs) => {
      const pacing = createPacing({ eventsPerWorkflow: 1, windowMs });
      let now = 0;
      for (const gap of gaps) {
        now += gap;
        const event = newId('evt');
        expect(pacing.place(event, [webhooks[0]!], now)).toMatchObject([
          { workflow_id: `deliver/${event}`, startsAt: now },
        ]);
      }
    }),
  );
});

test('a steady stream soon starts a workflow in ten windows, and no more but those that are full', () => {
  fc.assert(
    fc.property(fc.integer({ min: 2, max: 60 }), fc.integer({ min: 10, max: 100 }), (perWindow, windowMs) => {
      const pacing = createPacing({ eventsPerWorkflow: 50, windowMs });
      const groups = new Set<Group>();
      const windows = 200;
      for (let n = 0; n < windows * perWindow; n += 1) {
        groups.add(pacing.place(newId('evt'), [webhooks[0]!], (n * windowMs) / perWindow)[0]!);
      }
      const full = [...groups].filter(({ events }) => events.size >= 50).length;
      expect(groups.size - full).toBeLessThanOrEqual(windows / 10 + 5);
    }),
    { numRuns: 30 },
  );
});

test('a burst shares workflows of no more than 50 events; a load that lasts longer than a second, of 500', () => {
  const pacing = createPacing(limits);
  const groups = new Set<Group>();
  const from = 1_000;
  for (let n = 0; n < 4_000; n += 1) groups.add(pacing.place(newId('evt'), [webhooks[0]!], from + n)[0]!);
  const sizes = [...groups].map(({ startsAt, events }) => ({ at: startsAt - from, size: events.size }));
  const [early, late] = [sizes.filter(({ at }) => at <= 1_000), sizes.filter(({ at }) => at > 2_000)];
  expect(Math.max(...early.map(({ size }) => size))).toBe(50);
  // One a millisecond, and the longest window is half a second.
  expect(late.slice(0, -1).map(({ size }) => size)).toEqual(late.slice(1).map(() => 500));
  const [afterAPause] = pacing.place(newId('evt'), [webhooks[0]!], from + 10_000);
  for (let n = 0; n < 49; n += 1) pacing.place(newId('evt'), [webhooks[0]!], from + 10_000);
  expect(afterAPause?.events.size).toBe(50);
  expect(pacing.place(newId('evt'), [webhooks[0]!], from + 10_000)[0]).not.toBe(afterAPause);
});

test('large transactions a second apart are a load that lasts', () => {
  const pacing = createPacing(limits);
  const groups = new Map<Group, number>();
  for (let transaction = 0; transaction < 10; transaction += 1) {
    const now = transaction * 1_000;
    for (let n = 0; n < 400; n += 1) groups.set(pacing.place(newId('evt'), [webhooks[0]!], now)[0]!, now);
  }
  const late = [...groups].filter(([, now]) => now >= 3_000).map(([{ events }]) => events.size);
  expect(Math.min(...late)).toBeGreaterThanOrEqual(400);
});

test('when the stream has ebbed, events have workflows of their own again', () => {
  const pacing = createPacing(limits);
  const place = (now: number) => pacing.place(newId('evt'), [webhooks[0]!], now)[0]!;
  for (let now = 0; now < 5_000; now += 10) place(now);
  const alone = Array.from({ length: 10 }, (_, n) => place(5_000 + n * 300));
  expect(new Set(alone.slice(4)).size).toBe(6);
  expect(alone.at(-1)?.startsAt).toBe(5_000 + 9 * 300);
});
