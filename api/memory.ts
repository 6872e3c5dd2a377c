/** Remembers what was looked up, for a while. */
export interface Memory<Value> {
  /** What was looked up under the key, or what `lookUp` says; undefined is not remembered. */
  recall(key: string, lookUp: () => Promise<Value | undefined>): Promise<Value | undefined>;
  /** What is remembered under the key, without looking anything up. */
  peek(key: string): Value | undefined;
  /** Replaces what is remembered of the key; what is not remembered stays unknown. */
  correct(key: string, value: Value): void;
  /** Looks everything up afresh from now on. */
  forget(): void;
}

interface Remembered<Value> {
  value: Value;
  until: number;
  /** From then on it is looked up again, beside the answer, so that nobody who asks often waits for that. */
  refreshAt: number;
}

/**
 * A memory that holds what is asked for at least every few seconds without anyone's waiting, and never anything older, though the
 * clock is set back.
 */
export function createMemory<Value>({
  rememberedMs,
  most,
  now,
}: {
  /** How long what has changed elsewhere may go unnoticed. */
  rememberedMs: number;
  most: number;
  now: () => Date;
}): Memory<Value> {
  let remembered = new Map<string, Remembered<Value>>();

  function held(key: string, at: number): Remembered<Value> | undefined {
    const known = remembered.get(key);
    return known !== undefined && known.until > at && known.until <= at + rememberedMs ? known : undefined;
  }

  async function lookUpAfresh(key: string, lookUp: () => Promise<Value | undefined>) {
    // Forgotten meanwhile, what is found may hold no longer, and goes into a map that nobody reads.
    const into = remembered;
    const at = now().getTime();
    const value = await lookUp();
    if (value === undefined) into.delete(key);
    else {
      if (into.size >= most) into.clear();
      into.set(key, { value, until: at + rememberedMs, refreshAt: at + rememberedMs / 2 });
    }
    return value;
  }

  return {
    async recall(key, lookUp) {
      const at = now().getTime();
      const known = held(key, at);
      if (known === undefined) return lookUpAfresh(key, lookUp);
      if (known.refreshAt <= at) {
        known.refreshAt = known.until;
        lookUpAfresh(key, lookUp).catch(() => {
          // What is remembered holds until its time is up.
        });
      }
      return known.value;
    },
    peek: (key) => held(key, now().getTime())?.value,
    correct(key, value) {
      const known = remembered.get(key);
      if (known !== undefined) known.value = value;
    },
    forget() {
      remembered = new Map();
    },
  };
}
