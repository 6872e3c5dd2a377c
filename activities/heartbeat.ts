import { Context } from '@temporalio/activity';

/** Well within the heartbeat time-out that the workflows set. */
const heartbeatEveryMs = 2_000;

/** Does the work of an activity while Temporal hears that its worker is alive. */
export async function whileHeartbeating<T>(work: () => Promise<T>): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(), heartbeatEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
