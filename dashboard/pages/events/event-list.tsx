import { SquareTerminal } from 'lucide-react';
import { type EventFilter, useEvents } from '../../api/events.ts';
import type { EventSummary } from '../../api/types.ts';
import { Badge, Chip } from '../../ui/badge.tsx';
import { Cell, type Column, Row, RowLink, rowStyles } from '../../ui/rows.tsx';
import { SearchedList } from '../../ui/searched-list.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';
import { ScheduleBadge } from './schedule-badge.tsx';

const columns: Column[] = [
  { name: 'Type', width: 'minmax(0, 1.4fr)' },
  { name: 'Id', width: 'minmax(0, 1.6fr)' },
  { name: 'Channel', width: 'minmax(0, 1.2fr)' },
  { name: 'Posted', width: '110px', isEnd: true },
];

export function EventList({
  filter,
  isNarrowed,
  onClear,
}: {
  filter: EventFilter;
  isNarrowed: boolean;
  onClear: () => void;
}) {
  return (
    <SearchedList
      label="Events"
      columns={columns}
      list={useEvents(filter)}
      isNarrowed={isNarrowed}
      onClear={onClear}
      noneLike="No event is like that"
      noneYet={
        <EmptyState icon={SquareTerminal} title="No events yet">
          Producers post them to /v1/events. You can post one here.
        </EmptyState>
      }
    >
      {(event) => <EventRow event={event} />}
    </SearchedList>
  );
}

function EventRow({ event }: { event: EventSummary }) {
  return (
    <Row>
      <Cell>
        <RowLink to={`/events/${encodeURIComponent(event.id)}`}>{event.type}</RowLink>
        {event.is_test && <Badge tone="idle">Test</Badge>}
        <ScheduleBadge event={event} />
      </Cell>
      <Cell narrowOrder={2}>
        <code className={rowStyles.line}>{event.id}</code>
      </Cell>
      <Cell isWideOnly>{event.channel !== null && <Chip>{event.channel}</Chip>}</Cell>
      <Cell isEnd narrowOrder={1}>
        <span className={rowStyles.note}>
          <Time at={event.created_at} />
        </span>
      </Cell>
    </Row>
  );
}
