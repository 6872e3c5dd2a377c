import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type DeliveryId, newId } from '../../db/ids.ts';
import { idInCursor } from '../../db/paging.ts';
import { type SearchLimits, type Stretch, searchPage } from '../../db/search-page.ts';

/** A list in memory, newest first, of which some fit. */
function listOf(fits: readonly boolean[]) {
  const rows = fits.map((isFitting) => ({ id: newId('dlv'), isFitting })).reverse();
  let mostAtOnce = 0;
  let lookedAt = 0;
  const look = async ({ before, rows: count, wanted }: Stretch<'dlv'>) => {
    const from = before === undefined ? 0 : rows.findIndex(({ id }) => id === before) + 1;
    const stretch = rows.slice(from, from + count);
    mostAtOnce = Math.max(mostAtOnce, stretch.length);
    lookedAt += stretch.length;
    const found = stretch.filter(({ isFitting }) => isFitting).map(({ id }) => id);
    return { looked_at: stretch.length, last: stretch.at(-1)?.id, found: found.slice(0, wanted) };
  };
  return {
    look,
    fitting: rows.filter(({ isFitting }) => isFitting).map(({ id }) => id),
    lookedAt: () => lookedAt,
    mostAtOnce: () => mostAtOnce,
  };
}

describe('a searched list', () => {
  test('shows what fits exactly once, newest first, whatever fits and however far one request looks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.boolean(), { maxLength: 120 }),
        fc.integer({ min: 1, max: 10 }),
        fc.record({
          mostRows: fc.integer({ min: 1, max: 60 }),
          mostRowsAtOnce: fc.integer({ min: 1, max: 30 }),
          mostMs: fc.constantFrom(0, 10_000),
        }),
        async (fits, limit, limits: SearchLimits) => {
          const list = listOf(fits);
          const shown: DeliveryId[] = [];
          let before: DeliveryId | undefined;
          for (;;) {
            const lookedBefore = list.lookedAt();
            const page = await searchPage({ limit, before }, limits, list.look);
            expect(page.data.length).toBeLessThanOrEqual(limit);
            expect(list.lookedAt() - lookedBefore).toBeLessThanOrEqual(limits.mostRows);
            shown.push(...page.data);
            if (page.searched_until !== undefined) expect(page.next_cursor).not.toBeNull();
            if (page.next_cursor === null) break;
            before = idInCursor('dlv', page.next_cursor);
          }
          expect(shown).toEqual(list.fitting);
        },
      ),
      { numRuns: 300 },
    );
  });

  test('is looked at a page’s length only where everything fits', async () => {
    const list = listOf(Array.from({ length: 1_000 }, () => true));
    const limits = { mostRows: 1_000, mostRowsAtOnce: 1_000, mostMs: 1_000 };
    const page = await searchPage({ limit: 20, before: undefined }, limits, list.look);
    expect(page.searched_until).toBeUndefined();
    expect([page.data.length, list.lookedAt()]).toEqual([20, 21]);
  });

  test('lets others have their turn between two stretches: the embedded database works in their thread', async () => {
    const list = listOf(Array.from({ length: 200 }, () => false));
    let stretches = 0;
    let turns = 0;
    let goesOn = true;
    const others = () => {
      turns += 1;
      if (goesOn) setImmediate(others);
    };
    setImmediate(others);
    await searchPage(
      { limit: 9, before: undefined },
      { mostRows: 1_000, mostRowsAtOnce: 10, mostMs: 10_000 },
      (stretch: Stretch<'dlv'>) => {
        stretches += 1;
        return list.look(stretch);
      },
    );
    goesOn = false;
    expect(stretches).toBe(21);
    expect(turns).toBeGreaterThanOrEqual(stretches - 1);
  });

  test('is searched no further once whoever asked has left', async () => {
    const list = listOf(Array.from({ length: 200 }, () => false));
    const limits = { mostRows: 1_000, mostRowsAtOnce: 10, mostMs: 10_000 };
    const hasLeft = () => list.lookedAt() >= 30;
    const page = await searchPage({ limit: 9, before: undefined }, { ...limits, hasLeft }, list.look);
    expect(list.lookedAt()).toBe(30);
    expect(page.searched_until).toBeDefined();
  });
});
