/** npm passes on a signal that the terminal or the supervisor has sent to this process as well: that is one signal. */
const sameSignalMs = 1_000;

/** Resolves at the first SIGINT or SIGTERM. `onSecond` hears of another one that is not the same once more. */
export function firstStopSignal(onSecond: () => void): Promise<void> {
  return new Promise((resolve) => {
    let firstAt: number | undefined;
    const hear = () => {
      firstAt ??= Date.now();
      if (Date.now() - firstAt > sameSignalMs) onSecond();
      resolve();
    };
    process.on('SIGINT', hear).on('SIGTERM', hear);
  });
}
