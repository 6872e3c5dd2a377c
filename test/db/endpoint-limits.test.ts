import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { OpenDatabase } from '../../db/database.ts';
import {
  askForLimits,
  giveSharesBack,
  type LimitDemand,
  type LimitGrant,
  shareLeaseMs,
} from '../../db/endpoint-limits.ts';
import { newId } from '../../db/ids.ts';
import { givenLimits } from '../delivery/given-limits.ts';
import { openTestDatabase } from '../setup/database.ts';

let database: OpenDatabase;
beforeAll(async () => {
  database = await openTestDatabase();
});
afterAll(() => database.close());

const nothing = { rate_limit: null, turns: 0, ahead: 0, max_in_flight: null, keep: 0, wanted: 0 };
const demandOf = (changes: Partial<LimitDemand>): LimitDemand => ({
  webhook_id: newId('wh'),
  ...nothing,
  ...changes,
});
const start = 1_800_000_000_000;
const ask = async (process: string, demand: LimitDemand, at: number): Promise<LimitGrant> =>
  (await askForLimits(database.db, process, [demand], { nowMs: start + at }))[0]!;
const rounded = (grant: object) =>
  Object.fromEntries(
    Object.entries(grant).map(([name, value]) => [
      name,
      typeof value === 'number' ? Math.round(value * 10) : value,
    ]),
  );

describe('what is asked of an endpoint’s limits', () => {
  it('is given as the model of it says, which the limits are proved with', async () => {
    const question = fc.record({
      process: fc.constantFrom('a', 'b', 'c'),
      laterMs: fc.oneof(fc.integer({ min: 0, max: 400 }), fc.integer({ min: -9_000, max: 9_000 })),
      turns: fc.integer({ min: 0, max: 30 }),
      ahead: fc.integer({ min: 0, max: 30 }),
      keep: fc.integer({ min: 0, max: 4 }),
      wanted: fc.integer({ min: 0, max: 8 }),
    });
    const limits = fc.record({
      rate_limit: fc.option(fc.double({ min: 0.1, max: 1_000, noNaN: true })),
      max_in_flight: fc.option(fc.integer({ min: 1, max: 8 })),
    });
    await fc.assert(
      fc.asyncProperty(
        limits,
        fc.array(question, { minLength: 5, maxLength: 30 }),
        async (limit, questions) => {
          const model = givenLimits();
          const webhook_id = newId('wh');
          // Where the table's times are all of the past, as now.
          let now = start;
          for (const { process, laterMs, ...rest } of questions) {
            now += laterMs;
            const demand = { webhook_id, ...limit, ...rest };
            const { webhook_id: _, has_waiting, ...grant } = await ask(process, demand, now - start);
            expect(rounded(grant)).toEqual(rounded(model(process, demand, now)));
            expect(has_waiting).toBe(false);
          }
        },
      ),
      { numRuns: 25 },
    );
  }, 60_000);

  it('is given once, however many ask in the same moment', async () => {
    const demand = demandOf({ rate_limit: 100, turns: 4, max_in_flight: 7, wanted: 3 });
    const grants = await Promise.all(Array.from({ length: 12 }, (_, n) => ask(`p${n}`, demand, 0)));
    const turns = grants.flatMap(({ turns, first_ms, every_ms }) =>
      Array.from({ length: turns }, (_, n) => Math.round(first_ms + n * every_ms)),
    );
    // From 0.2 s ago to 0.3 s ahead; twelve ask for 48.
    expect(turns.sort((a, b) => a - b)).toEqual(Array.from({ length: 48 }, (_, n) => n * 10 - 200));
    expect(grants.reduce((sum, { held }) => sum + held, 0)).toBe(7);
  });

  it('is given by the database’s own clock otherwise', async () => {
    const demand = demandOf({ rate_limit: 20, turns: 100 });
    const [first] = await askForLimits(database.db, 'a', [demand]);
    expect(first).toMatchObject({ turns: 11, every_ms: 50, first_ms: -200 });
    const [second] = await askForLimits(database.db, 'b', [demand], { timeoutMs: 5_000 });
    expect(second!.first_ms).toBeGreaterThan(0);
    expect(second!.turns).toBeLessThanOrEqual(first!.turns);
  });

  it('of many webhooks at once is given to each by its own limits', async () => {
    const rate = demandOf({ rate_limit: 10, turns: 2 });
    const share = demandOf({ max_in_flight: 3, wanted: 5 });
    await ask('other', share, 0);
    const grants = await askForLimits(database.db, 'a', [rate, share, demandOf({})], { nowMs: start + 10 });
    const byId = new Map(grants.map((grant) => [grant.webhook_id, grant]));
    expect(byId.get(rate.webhook_id)).toMatchObject({ turns: 2, held: 0 });
    expect(byId.get(share.webhook_id)).toMatchObject({ turns: 0, held: 0, others_wait: true });
    expect(grants).toHaveLength(3);
  });

  it('comes back from a process that says nothing for some seconds, and at once from one that stops', async () => {
    const demand = demandOf({ max_in_flight: 4, wanted: 4 });
    expect(await ask('dies', demand, 0)).toMatchObject({ held: 4, share: 4 });
    expect(await ask('lives', demand, shareLeaseMs - 1)).toMatchObject({ held: 0, others_wait: false });
    expect(await ask('lives', demand, shareLeaseMs + 1)).toMatchObject({ held: 4 });
    await giveSharesBack(database.db, 'lives', [demand.webhook_id]);
    expect(await ask('third', demand, shareLeaseMs + 2)).toMatchObject({ held: 4 });
  });
});
