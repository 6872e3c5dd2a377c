/** Whether this process is busy. */
export interface EventLoopLoad {
  /** Its event loop has had something to do in more than half of the last moments. */
  isBusy(): boolean;
  /** In how much of them, from 0 to 1. */
  busyShare(): number;
}

const measureEveryMs = 200;
/** Other processes, and the database, may keep the rest of the machine's time from it. */
const mostShare = 0.5;

export function createEventLoopLoad(): EventLoopLoad {
  let measured = performance.eventLoopUtilization();
  let measuredAt = performance.now();
  let share = 0;
  function busyShare() {
    const now = performance.now();
    if (now - measuredAt >= measureEveryMs) {
      const current = performance.eventLoopUtilization();
      share = performance.eventLoopUtilization(current, measured).utilization;
      measured = current;
      measuredAt = now;
    }
    return share;
  }
  return { busyShare, isBusy: () => busyShare() > mostShare };
}
