import { Plus } from 'lucide-react';
import { useState } from 'react';
import { useEventTypes } from '../../api/events.ts';
import { fieldOfMoment, momentOfField } from '../../format/time.ts';
import { useCanWrite } from '../../layout/session-context.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { FilterBar, FilterInput, FilterSelect, SearchBox } from '../../ui/filter-bar.tsx';
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
        <FilterSelect label="Event type" value={filter.type ?? ''} onChange={(value) => set('type', value)}>
          <option value="">Any event type</option>
          {(types.data ?? []).map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </FilterSelect>
        <FilterInput
          label="Channel"
          size={14}
          value={channel}
          onChange={(event) => setChannel(event.target.value)}
        />
        <FilterInput
          label="From"
          type="datetime-local"
          value={fieldOfMoment(filter.since)}
          onChange={(event) => set('since', momentOfField(event.target.value))}
        />
        <FilterInput
          label="To"
          type="datetime-local"
          value={fieldOfMoment(filter.until)}
          onChange={(event) => set('until', momentOfField(event.target.value))}
        />
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
