import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { idOf, idPrefixes, isId, newId, timeOf } from '../../db/ids.ts';
import { cursorAfter, idInCursor, toPage } from '../../db/paging.ts';

describe('cursors', () => {
  test('stand for the id that they were made from, in lists of its kind only', () => {
    for (const prefix of idPrefixes) {
      const id = newId(prefix);
      for (const other of idPrefixes) {
        expect(idInCursor(other, cursorAfter(id))).toBe(other === prefix ? id : undefined);
      }
    }
  });

  test('are nothing but what was made here', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(idInCursor('evt', text)).toBeUndefined();
      }),
    );
    const cursor = cursorAfter(newId('evt'));
    for (const changed of [`${cursor}=`, `${cursor}A`, ` ${cursor}`, cursor.slice(0, -1)]) {
      expect(idInCursor('evt', changed)).toBeUndefined();
    }
  });
});

describe('toPage', () => {
  test('names a next page exactly when the query found more than the limit', () => {
    const rows = [{ id: newId('evt') }, { id: newId('evt') }, { id: newId('evt') }];
    expect(toPage(rows, 3)).toEqual({ data: rows, next_cursor: null });
    expect(toPage(rows, 2)).toEqual({
      data: rows.slice(0, 2),
      next_cursor: cursorAfter(rows[1]?.id ?? newId('evt')),
    });
    expect(toPage([], 2)).toEqual({ data: [], next_cursor: null });
  });
});

test('an id tells the moment in which it was made', () => {
  const before = Date.now();
  const time = timeOf(newId('evt')).getTime();
  expect(time).toBeGreaterThanOrEqual(before);
  expect(time).toBeLessThanOrEqual(Date.now());
  fc.assert(
    fc.property(fc.uuid({ version: 7 }), (uuid) => {
      const id = idOf('dlv', uuid);
      expect(isId('dlv', id)).toBe(true);
      expect(timeOf(id).getTime()).toBe(Number.parseInt(uuid.replaceAll('-', '').slice(0, 12), 16));
    }),
  );
});
