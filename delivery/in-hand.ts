/** What a process has in hand, by a key of each: thousands come and go in a second, and few are there at a time. */
export interface InHand<Key extends string | number, Value> {
  readonly size: number;
  get(key: Key): Value | undefined;
  has(key: Key): boolean;
  set(key: Key, value: Value): void;
  /** Whether it was there. */
  delete(key: Key): boolean;
  /** In the order in which they came, or of their numbers. */
  values(): Value[];
}

/**
 * Not a Map, nor a Set: when V8 gives one a new table, for it is full of what has gone, the table before keeps all that was in it, and the next table too. Once
 * one such table has grown old, all that passes grows old with those that follow, and is kept until the whole heap is collected: half of what was, when events,
 * with the requests that brought them, were in Sets (docs/performance.md). An object without a prototype is a dictionary that keeps nothing.
 */
export function createInHand<Key extends string | number, Value extends object>(): InHand<Key, Value> {
  const entries: Record<string | number, Value | undefined> = Object.create(null);
  let size = 0;
  return {
    get size() {
      return size;
    },
    get: (key) => entries[key],
    has: (key) => entries[key] !== undefined,
    set(key, value) {
      if (entries[key] === undefined) size += 1;
      entries[key] = value;
    },
    delete(key) {
      if (entries[key] === undefined) return false;
      delete entries[key];
      size -= 1;
      return true;
    },
    values: () => Object.values(entries) as Value[],
  };
}
