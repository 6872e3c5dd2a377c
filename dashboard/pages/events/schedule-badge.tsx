import type { EventSummary } from '../../api/types.ts';
import { eventWords } from '../../format/words.ts';
import { Badge } from '../../ui/badge.tsx';
import { Time } from '../../ui/time.tsx';

/** That an event waits for its time, or was called off; nothing for others. */
export function ScheduleBadge({ event }: { event: Pick<EventSummary, 'status' | 'deliver_at'> }) {
  if (event.status === 'cancelled') return <Badge tone="idle">{eventWords.cancelled}</Badge>;
  if (event.status !== 'scheduled') return null;
  return (
    <Badge tone="wait">
      {eventWords.scheduled} {event.deliver_at && <Time at={event.deliver_at} />}
    </Badge>
  );
}
