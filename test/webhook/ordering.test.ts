import fc from 'fast-check';
import { describe, expect, it, test } from 'vitest';
import { laneFinder, type OrderedEvent, pointerTokens, valueAt } from '../../webhook/ordering.ts';

/** RFC 6901, section 5. */
const document = {
  foo: ['bar', 'baz'],
  '': 0,
  'a/b': 1,
  'c%d': 2,
  'e^f': 3,
  'g|h': 4,
  'i\\j': 5,
  'k"l': 6,
  ' ': 7,
  'm~n': 8,
};

const find = (value: unknown, pointer: string) => valueAt(value, pointerTokens(pointer) ?? ['none']);

describe('a JSON Pointer', () => {
  test.each([
    ['', document],
    ['/foo', ['bar', 'baz']],
    ['/foo/0', 'bar'],
    ['/', 0],
    ['/a~1b', 1],
    ['/c%d', 2],
    ['/e^f', 3],
    ['/g|h', 4],
    ['/i\\j', 5],
    ['/k"l', 6],
    ['/ ', 7],
    ['/m~0n', 8],
  ])('%j is where the RFC says', (pointer, value) => {
    expect(find(document, pointer)).toEqual(value);
  });

  test.each(['foo', 'foo/bar', '/a~', '/a~2b', '#/foo'])('%j is none', (text) => {
    expect(pointerTokens(text)).toBeNull();
  });

  test.each([
    '/foo/2',
    '/foo/00',
    '/foo/-',
    '/foo/length',
    '/foo/0/0',
    '/bar',
    '/constructor',
    '/toString/name',
  ])('%j is nowhere in the document', (pointer) => {
    expect(find(document, pointer)).toBeUndefined();
  });

  it('finds what is at any path', () => {
    fc.assert(
      fc.property(fc.array(fc.string(), { minLength: 1, maxLength: 5 }), fc.jsonValue(), (path, value) => {
        const nested = path.reduceRight<unknown>((inner, name) => Object.fromEntries([[name, inner]]), value);
        const escaped = path.map((name) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
        expect(find(nested, escaped)).toEqual(value);
      }),
    );
  });
});

describe('the lane of an event', () => {
  const laneOf = laneFinder();
  const event = (data: unknown): OrderedEvent => ({
    ...{ id: 'evt_1', client_id: null, type: 'message.read', channel: 'whatsapp-1' },
    data: JSON.stringify(data),
  });
  const by = (pointer: string, data: unknown) => laneOf({ fifo_by: pointer }, event(data));

  it('is that of all events with the same value, and of no other', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const same = JSON.stringify(one) === JSON.stringify(other);
        expect(by('/data/a', { a: one, b: 1 }) === by('/data/a', { b: 2, a: other })).toBe(same);
      }),
    );
  });

  it('tells a number from its text, and lanes by one pointer from those by another', () => {
    expect(by('/data/a', { a: 1 })).not.toBe(by('/data/a', { a: '1' }));
    expect(by('/data/a', { a: 1 })).not.toBe(by('/data/b', { b: 1 }));
    expect(by('/channel', {})).not.toBe(by('/type', {}));
  });

  it('knows an event by the id that its producer gave it', () => {
    const one = { ...event({}), client_id: 'order-1' };
    expect(laneOf({ fifo_by: '/id' }, one)).toBe(laneOf({ fifo_by: '/id' }, { ...one, id: 'evt_2' }));
    expect(laneOf({ fifo_by: '/id' }, one)).not.toBe(by('/id', {}));
  });

  it('is one for all that have no value there', () => {
    expect(by('/data/a', {})).toBe(by('/data/a', { a: null }));
    expect(by('/data/a', {})).not.toBe(by('/data/a', { a: '' }));
  });

  it('is short, and tells nothing of the value', () => {
    expect(by('/data/a', { a: 'somebody@example.com'.repeat(100) })).toMatch(/^[\w-]{22}$/);
    expect(laneOf('fifo', event({}))).toBe(laneOf('fifo', event({ a: 1 })));
  });
});
