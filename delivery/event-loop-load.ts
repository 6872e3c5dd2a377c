/** Whether this process is busy. */
export interface EventLoopLoad {
  /** Its event loop has had something to do in more than half of the last moments. */
  isBusy(): boolean;
}

const measureEveryMs = 200;
/** Other processes, and the database, may keep the rest of the machine's time from it. */
const busyShare = 0.5;

export function createEventLoopLoad(): EventLoopLoad {
  let measured = performance.eventLoopUtilization();
  let measuredAt = performance.now();
  let share = 0;
  return {
    isBusy() {
      const now = performance.now();
      if (now - measuredAt >= measureEveryMs) {
        const current = performance.eventLoopUtilization();
        share = performance.eventLoopUtilization(current, measured).utilization;
        measured = current;
        measuredAt = now;
      }
      return share > busyShare;
    },
  };
}
