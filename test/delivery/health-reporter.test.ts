import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { newId } from '../../db/ids.ts';
import { createHealthReporter } from '../../delivery/health-reporter.ts';
import type { Outcome } from '../../webhook/endpoint-health.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const failure: Outcome = { succeeded: false };

function newReporter(random = () => 0) {
  const signals: { at: number; outcomes: number }[] = [];
  const startedAt = Date.now();
  const reporter = createHealthReporter({
    starter: {
      async tellOutcomes(_webhook, outcomes) {
        signals.push({ at: Date.now() - startedAt, outcomes: outcomes.length });
      },
    },
    log: pino({ level: 'silent' }),
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
    random,
  });
  const webhook = { webhook_id: newId('wh'), account_id: newId('acct') };
  return { signals, report: (outcome: Outcome) => reporter.report(webhook, outcome) };
}

describe('what is told of an endpoint', () => {
  it('is told at once when it is the first, and gathered for longer while failures go on', async () => {
    const { signals, report } = newReporter();
    for (let tenths = 0; tenths < 280; tenths += 1) {
      report(failure);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(signals).toEqual([
      { at: 0, outcomes: 1 },
      { at: 1_000, outcomes: 9 },
      { at: 2_000, outcomes: 10 },
      { at: 3_000, outcomes: 10 },
      { at: 5_000, outcomes: 20 },
      { at: 8_000, outcomes: 30 },
      { at: 12_000, outcomes: 40 },
      { at: 18_000, outcomes: 60 },
      { at: 27_000, outcomes: 90 },
    ]);
  });

  it('is told within a second while it is one of the first ten in a row, and within half a minute after that', async () => {
    const { signals, report } = newReporter();
    const reportedAt: number[] = [];
    for (let failures = 0; failures < 40; failures += 1) {
      reportedAt.push(failures * 3_300);
      report(failure);
      await vi.advanceTimersByTimeAsync(3_300);
    }
    const toldAt = signals.flatMap(({ at, outcomes }) => Array.from({ length: outcomes }, () => at));
    const lateBy = toldAt.map((at, index) => at - reportedAt[index]!);
    expect(Math.max(...lateBy.slice(0, 10))).toBeLessThanOrEqual(1_000);
    expect(Math.max(...lateBy)).toBeLessThanOrEqual(30_000);
    expect(signals.length).toBeLessThan(18);
  });

  it('is told at other moments than what is told of others that began to fail with it', async () => {
    const [one, other] = [newReporter(() => 0.1), newReporter(() => 0.9)];
    for (let tenths = 0; tenths < 1_500; tenths += 1) {
      for (const { report } of [one, other]) report(failure);
      await vi.advanceTimersByTimeAsync(100);
    }
    const [first, ...later] = one.signals.map(({ at }) => at);
    expect(first).toBe(0);
    for (const at of later)
      for (const { at: otherAt } of other.signals) expect(Math.abs(at - otherAt)).toBeGreaterThan(50);
    for (const { signals } of [one, other]) {
      const pauses = signals.slice(1).map(({ at }, index) => at - signals[index]!.at);
      expect(Math.max(...pauses)).toBeLessThanOrEqual(30_000);
    }
  });

  it('is told before that when as many have gathered as a signal takes', async () => {
    const { signals, report } = newReporter();
    for (let tenths = 0; tenths < 60; tenths += 1) {
      for (let failures = 0; failures < 30; failures += 1) report(failure);
      await vi.advanceTimersByTimeAsync(100);
    }
    const told = signals.reduce((sum, { outcomes }) => sum + outcomes, 0);
    expect(signals.at(-1)?.at).toBeGreaterThanOrEqual(5_000);
    expect(told).toBeGreaterThan(60 * 30 - 1_100);
  });

  it.each([
    ['a success', { succeeded: true }],
    ['a delivery that spent its schedule', { succeeded: false, spent_delivery: true }],
    ['the wish for no more', { succeeded: false, gone: true }],
  ])('is told within a second when it is %s', async (_, outcome) => {
    const { signals, report } = newReporter();
    report(failure);
    await vi.advanceTimersByTimeAsync(500);
    report(failure);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(signals).toHaveLength(2);
    report(outcome);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(signals).toHaveLength(3);
  });

  it('waits for others where attempts that began together fail together, a timeout later', async () => {
    const { signals, report } = newReporter();
    for (let tenths = 0; tenths < 600; tenths += 1) {
      // Ten within a second, every ten seconds.
      if (tenths % 100 < 10) report(failure);
      await vi.advanceTimersByTimeAsync(100);
    }
    expect(signals.slice(-3)).toEqual([
      { at: 11_000, outcomes: 10 },
      { at: 21_000, outcomes: 10 },
      { at: 41_000, outcomes: 20 },
    ]);
  });

  it('is told at once again when nothing has come for some time', async () => {
    const { signals, report } = newReporter();
    for (const seconds of [0, 60, 120]) {
      report(failure);
      await vi.advanceTimersByTimeAsync(60_000);
      expect(signals.at(-1)).toEqual({ at: seconds * 1_000, outcomes: 1 });
    }
  });
});
