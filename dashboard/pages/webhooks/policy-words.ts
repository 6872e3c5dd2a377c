import type { Webhook, WebhookHealth } from '../../api/types.ts';
import { counted } from '../../format/numbers.ts';
import { duration } from '../../format/time.ts';

/** "6 attempts: at once, then after 30 s, 2 min, …". */
export function scheduleInWords(schedule: Webhook['retry_schedule']): string {
  if (schedule === null) return 'As in the profile';
  if ('delays_ms' in schedule) {
    const delays = schedule.delays_ms.map((ms) => (ms === 0 ? 'at once' : `after ${duration(ms)}`));
    return `${counted(delays.length, 'attempt', 'attempts')}: ${delays.join(', ')}`;
  }
  const { attempts, initial_ms, factor, max_ms } = schedule;
  return `${counted(attempts, 'attempt', 'attempts')}: the second after ${duration(initial_ms)}, then each wait ${factor} times as long, at most ${duration(max_ms)}`;
}

/** Which deliveries wait for each other; undefined where none does. */
export function orderInWords({
  ordering,
  on_failure,
}: Pick<Webhook, 'ordering' | 'on_failure'>): string | undefined {
  if (ordering === null) return undefined;
  const which = ordering === 'fifo' ? 'All in one order' : `In order by ${ordering.fifo_by}`;
  return `${which}; ${on_failure === 'skip' ? 'goes on behind' : 'stops at'} what fails for good`;
}

/** When the endpoint is disabled, and how it is enabled again. */
export function healthInWords({
  count,
  failures,
  min_failing_ms,
  reenable,
}: WebhookHealth['policy']): string {
  const what =
    count === 'attempts'
      ? counted(failures, 'failed attempt', 'failed attempts')
      : counted(failures, 'delivery', 'deliveries that failed for good');
  const span = min_failing_ms > 0 ? `, within at least ${duration(min_failing_ms)}` : '';
  const back =
    reenable === 'manual'
      ? 'enabled again by hand'
      : `probed after ${duration(reenable.after_ms)}, later at most every ${duration(reenable.max_ms)}`;
  return `Disabled after ${what} in a row${span}; ${back}`;
}
