/** Where the benchmark says what it does. */
export interface Screen {
  /** Stays. */
  line(text: string): void;
  /** How far it is: on a terminal in one line that the next one replaces; elsewhere a line every five seconds. */
  status(text: string): void;
}

const everyMs = 5_000;

export function createScreen(output: NodeJS.WriteStream): Screen {
  let isStatusShown = false;
  let lastAt = Number.NEGATIVE_INFINITY;
  const clear = () => {
    if (isStatusShown) output.write('\r\x1b[K');
    isStatusShown = false;
  };
  return {
    line(text) {
      clear();
      output.write(`${text}\n`);
    },
    status(text) {
      if (output.isTTY) {
        clear();
        output.write(text.slice(0, output.columns - 1));
        isStatusShown = true;
      } else if (performance.now() - lastAt >= everyMs) {
        lastAt = performance.now();
        output.write(`${text}\n`);
      }
    },
  };
}
