import { Context } from '@temporalio/activity';

/** Well within the heartbeat time-out that the workflows set, and no sooner, since Temporal writes each down. */
const heartbeatEveryMs = 4_000;

/** Does the work of an activity while Temporal hears that its worker is alive, and, from `details`, how far it has come. */
export async function whileHeartbeating<T>(work: () => Promise<T>, details?: () => unknown): Promise<T> {
  const context = Context.current();
  const timer = setInterval(() => context.heartbeat(details?.()), heartbeatEveryMs);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
