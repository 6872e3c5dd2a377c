/** How busy this process is. */
export interface EventLoopLoad {
  /** The share of the last moments in which its event loop had something to do: 0 … 1. */
  share(): number;
}

const measureEveryMs = 200;

export function createEventLoopLoad(): EventLoopLoad {
  let measured = performance.eventLoopUtilization();
  let measuredAt = performance.now();
  let share = 0;
  return {
    share() {
      const now = performance.now();
      if (now - measuredAt >= measureEveryMs) {
        const current = performance.eventLoopUtilization();
        share = performance.eventLoopUtilization(current, measured).utilization;
        measured = current;
        measuredAt = now;
      }
      return share;
    },
  };
}
