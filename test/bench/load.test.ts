import { setTimeout as delay } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { nowMs } from '../../bench/clock.ts';
import { type Layout, oneToOne, placeOf } from '../../bench/layout.ts';
import { isAcknowledged } from '../../bench/ledger.ts';
import { runClosedLoop } from '../../bench/load/closed-loop.ts';
import { intendedTimes, runOpenLoop } from '../../bench/load/open-loop.ts';
import { createProducer, statusesOf } from '../../bench/load/producer.ts';
import { createSentLog } from '../../bench/load/sent-log.ts';
import { seqIn } from '../../bench/payload.ts';
import { listen, response } from '../../bench/sink/http-server.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

const accepted = response(202, '{}');

/** An API that answers every request at once. */
async function startApi(answer: (path: string) => Buffer = () => accepted) {
  const got: { path: string; body: Buffer }[] = [];
  const { port, close } = await listen((path, body) => {
    got.push({ path, body: Buffer.from(body) });
    return answer(path);
  });
  closers.push(close);
  return { got, origin: `http://127.0.0.1:${port}` };
}

const target = { layout: oneToOne, keys: ['key'], batch: 1 };

describe('an open loop', () => {
  it('is to send evenly, so many a second for so long', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 0, max: 1e9, noNaN: true }),
        (perSecond, seconds, start) => {
          const times = intendedTimes(start, perSecond, seconds);
          expect(times).toHaveLength(perSecond * seconds);
          times.forEach((time, index) => {
            expect(time).toBeCloseTo(start + (index * 1_000) / perSecond, 3);
          });
        },
      ),
      { numRuns: 30 },
    );
  });

  it('counts a stall for every request that was to be sent in it', async () => {
    const { origin, got } = await startApi();
    const log = createSentLog(0);
    const stallMs = 300;
    // All beats come after the stall, as they do when the machine stands still.
    const late = await runOpenLoop(
      createProducer({ ...target, origin }, log),
      { origin, perSecond: 100, seconds: 1 },
      async (times, onBeat) => {
        const last = times.at(-1) as number;
        while (nowMs() < last + stallMs) await delay(10);
        for (const index of times.keys()) onBeat(index);
      },
    );
    const { intendedAt, answeredAt, status } = log.sent();
    expect(got).toHaveLength(100);
    expect(status.every(isAcknowledged)).toBe(true);
    intendedAt.forEach((intended, index) => {
      const stalledMs = (intendedAt[99] as number) - intended + stallMs;
      expect((answeredAt[index] as number) - intended).toBeGreaterThanOrEqual(stalledMs);
    });
    expect(late?.max).toBeGreaterThanOrEqual(990 + stallMs);
  });
});

describe('a closed loop', () => {
  it('has one request under way on each connection, and waits for the last answer', async () => {
    let under = 0;
    let most = 0;
    const log = createSentLog(0);
    await runClosedLoop(
      {
        async send(_, intendedAt) {
          const seq = log.take(1, intendedAt);
          under += 1;
          most = Math.max(most, under);
          await delay(5);
          under -= 1;
          log.answer(seq, nowMs(), 202);
          return 202;
        },
      },
      { origin: 'http://127.0.0.1:9', connections: 7, seconds: 0.2 },
    );
    expect(most).toBe(7);
    expect(under).toBe(0);
    expect(log.sent().status.every((status) => status === 202)).toBe(true);
    expect(log.sent().status.length).toBeGreaterThan(7);
  });

  it('ends at once when the API has no such route', async () => {
    const { origin, got } = await startApi(() => response(404, '{}'));
    const log = createSentLog(0);
    await runClosedLoop(createProducer({ ...target, origin, batch: 100 }, log), {
      origin,
      connections: 3,
      seconds: 60,
    });
    expect(got).toHaveLength(3);
    expect(log.counts()).toEqual({ sent: 300, acknowledged: 0, failed: 300 });
  });
});

describe('a producer', () => {
  it('posts each event to its account, under its type, with its number', async () => {
    const { origin, got } = await startApi();
    const layout: Layout = { ...oneToOne, accounts: 3, typesPerAccount: 2 };
    const log = createSentLog(40);
    const producer = createProducer({ origin, layout, keys: ['a', 'b', 'c'], batch: 1 }, log);
    await runOpenLoop(producer, { origin, perSecond: 1_000, seconds: 0.012 }, async (times, onBeat) => {
      for (const index of times.keys()) onBeat(index);
    });
    const seqs = got.map(({ body }) => seqIn(body) as number).sort((a, b) => a - b);
    expect(seqs).toEqual(Array.from({ length: 12 }, (_, index) => 40 + index));
    for (const { path, body } of got) {
      expect(path).toBe('/v1/events');
      expect(JSON.parse(body.toString()).type).toBe(`bench.t${placeOf(layout, seqIn(body) as number).type}`);
    }
  });

  it('has no answer where the connection is refused', async () => {
    const { origin } = await startApi();
    await closers.pop()?.();
    const log = createSentLog(0);
    await runOpenLoop(
      createProducer({ ...target, origin }, log),
      { origin, perSecond: 10, seconds: 0.1 },
      async (_, onBeat) => onBeat(0),
    );
    expect([...log.sent().status]).toEqual([0]);
    expect([...log.sent().answeredAt]).toEqual([Number.NaN]);
  });

  it('takes an event of a batch for acknowledged when its result says so', () => {
    const body = (results: unknown) => JSON.stringify({ results });
    const accepted = { status: 'accepted', id: 'evt_…' };
    expect(statusesOf(200, body([accepted, { status: 'repeated' }]), 2)).toEqual([200, 200]);
    expect(statusesOf(200, body([accepted, { status: 'refused', problem: { status: 409 } }]), 2)).toEqual([
      200, 409,
    ]);
    expect(statusesOf(200, body([accepted]), 2)).toEqual([200, 0]);
    expect(statusesOf(503, '{}', 2)).toEqual([503, 503]);
    expect(statusesOf(200, 'not JSON', 2)).toEqual([0, 0]);
  });
});
