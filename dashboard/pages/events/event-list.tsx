import { SearchX, SquareTerminal } from 'lucide-react';
import { type EventFilter, useEvents } from '../../api/events.ts';
import type { EventSummary } from '../../api/types.ts';
import { exactTime } from '../../format/time.ts';
import { Badge, Chip } from '../../ui/badge.tsx';
import { Button } from '../../ui/button.tsx';
import { EndlessList } from '../../ui/endless-list.tsx';
import { Cell, type Column, Row, RowLink, rowStyles } from '../../ui/rows.tsx';
import { EmptyState, ErrorState, LoadingRows } from '../../ui/states.tsx';
import { Time } from '../../ui/time.tsx';

const columns: Column[] = [
  { name: 'Type', width: 'minmax(0, 1.4fr)' },
  { name: 'Id', width: 'minmax(0, 1.6fr)' },
  { name: 'Channel', width: 'minmax(0, 1.2fr)' },
  { name: 'Posted', width: '110px', isEnd: true },
];

const rowHeight = 60;

export function EventList({
  filter,
  isNarrowed,
  onClear,
}: {
  filter: EventFilter;
  isNarrowed: boolean;
  onClear: () => void;
}) {
  const list = useEvents(filter);
  if (list.isPending) return <LoadingRows rows={8} />;
  if (list.isError) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  const events = list.data.pages.flatMap((page) => page.data);
  const searchedUntil = list.data.pages.at(-1)?.searched_until;
  const searched = searchedUntil === undefined ? undefined : `Searched back to ${exactTime(searchedUntil)}.`;
  if (events.length === 0 && !list.hasNextPage) {
    return isNarrowed ? (
      <EmptyState
        icon={SearchX}
        title="No event is like that"
        action={<Button onClick={onClear}>Show all</Button>}
      >
        {searched}
      </EmptyState>
    ) : (
      <EmptyState icon={SquareTerminal} title="No events yet">
        Producers post them to /v1/events. You can post one here.
      </EmptyState>
    );
  }
  return (
    <EndlessList
      label="Events"
      columns={columns}
      items={events}
      keyOf={({ id }) => id}
      rowHeight={rowHeight}
      hasMore={list.hasNextPage}
      isLoadingMore={list.isFetchingNextPage}
      onMore={() => void list.fetchNextPage()}
      note={searched}
    >
      {(event) => <EventRow event={event} />}
    </EndlessList>
  );
}

function EventRow({ event }: { event: EventSummary }) {
  return (
    <Row>
      <Cell>
        <RowLink to={`/events/${encodeURIComponent(event.id)}`}>{event.type}</RowLink>
        {event.is_test && <Badge tone="idle">Test</Badge>}
      </Cell>
      <Cell isWideOnly>
        <code className={rowStyles.line}>{event.id}</code>
      </Cell>
      <Cell isWideOnly>{event.channel !== null && <Chip>{event.channel}</Chip>}</Cell>
      <Cell isEnd>
        <span className={rowStyles.note}>
          <Time at={event.created_at} />
        </span>
      </Cell>
    </Row>
  );
}
