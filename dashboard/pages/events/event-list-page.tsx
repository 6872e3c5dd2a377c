import { Plus } from 'lucide-react';
import { useState } from 'react';
import { useEventTypes } from '../../api/events.ts';
import { eventWords } from '../../format/words.ts';
import { useCanWrite } from '../../layout/session-context.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { FilterBar, FilterSelect, SearchBox } from '../../ui/filter-bar.tsx';
import { ChannelFilter, EventTypeFilter, MoreFilters, TimeFilter } from '../../ui/list-filters.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { useTyped } from '../../ui/use-typed.ts';
import { useEventFilter } from './event-filter.ts';
import { EventList } from './event-list.tsx';
import { PostEventDialog } from './post-event-dialog.tsx';

export function EventListPage() {
  const { filter, isNarrowed, set, clear } = useEventFilter();
  const types = useEventTypes();
  const canWrite = useCanWrite();
  const [isPosting, setIsPosting] = useState(false);
  const [text, setText] = useTyped(filter.q ?? '', (value) => set('q', value));
  const [channel, setChannel] = useTyped(filter.channel ?? '', (value) => set('channel', value));
  const [wantsMore, setWantsMore] = useState(false);
  const { since, until } = filter;
  const showsMore = wantsMore || [filter.channel, since, until].some(Boolean);
  return (
    <>
      <PageHeader
        title="Events"
        note="What producers posted"
        actions={
          canWrite && (
            <Button kind="primary" onClick={() => setIsPosting(true)}>
              <Plus aria-hidden />
              Post event
            </Button>
          )
        }
      />
      <FilterBar>
        <SearchBox label="Text in the data" placeholder="Text in the data" value={text} onChange={setText} />
        <EventTypeFilter
          value={filter.type}
          types={types.data ?? []}
          onChange={(value) => set('type', value)}
        />
        <FilterSelect label="Status" value={filter.status ?? ''} onChange={(value) => set('status', value)}>
          <option value="">Any status</option>
          {Object.entries(eventWords).map(([status, words]) => (
            <option key={status} value={status}>
              {words}
            </option>
          ))}
        </FilterSelect>
        <MoreFilters isShown={showsMore} onChange={setWantsMore} />
        {showsMore && (
          <>
            <ChannelFilter value={channel} onChange={setChannel} />
            <TimeFilter since={since} until={until} onChange={set} />
          </>
        )}
        {isNarrowed && (
          <Button kind="ghost" onClick={clear}>
            Clear
          </Button>
        )}
      </FilterBar>
      <Card isFlush>
        <EventList filter={filter} isNarrowed={isNarrowed} onClear={clear} />
      </Card>
      {isPosting && <PostEventDialog onClose={() => setIsPosting(false)} />}
    </>
  );
}
