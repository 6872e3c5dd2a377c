import { useEffect, useState } from 'react';
import { exactTime, relativeTime } from '../format/time.ts';

const tickMs = 5_000;

/** When something was or will be, as a distance that keeps up with the clock; the exact time is its title. */
export function Time({ at }: { at: string }) {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), tickMs);
    return () => clearInterval(timer);
  }, []);
  // What has just come from the server is not in the future because clocks differ a little.
  const isAhead = Date.parse(at) - now;
  const shown = isAhead > 0 && isAhead < tickMs * 2 ? Date.now() : now;
  return (
    <time dateTime={at} title={exactTime(at)}>
      {relativeTime(at, shown)}
    </time>
  );
}
