import { SlidersHorizontal } from 'lucide-react';
import { useState } from 'react';
import { useEventTypes } from '../../api/events.ts';
import { useWebhooks } from '../../api/webhooks.ts';
import { fieldOfMoment, momentOfField } from '../../format/time.ts';
import { deliveryWords } from '../../format/words.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { FilterBar, FilterInput, FilterSelect, SearchBox } from '../../ui/filter-bar.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { useTyped } from '../../ui/use-typed.ts';
import { nameOf } from '../webhooks/webhook-name.ts';
import { useDeliveryFilter } from './delivery-filter.ts';
import { DeliveryList } from './delivery-list.tsx';

export function DeliveryListPage() {
  const { filter, isNarrowed, set, clear } = useDeliveryFilter();
  const webhooks = useWebhooks();
  const types = useEventTypes();
  const [text, setText] = useTyped(filter.q ?? '', (value) => set('q', value));
  const [channel, setChannel] = useTyped(filter.channel ?? '', (value) => set('channel', value));
  const [eventId, setEventId] = useTyped(filter.event_id ?? '', (value) => set('event_id', value.trim()));
  const [wantsMore, setWantsMore] = useState(false);
  const { since, until } = filter;
  const showsMore = wantsMore || [filter.channel, filter.event_id, since, until].some(Boolean);
  return (
    <>
      <PageHeader title="Deliveries" note="What went out, what waits, and what came back" />
      <FilterBar>
        <SearchBox
          label="Text in the payload"
          placeholder="Text in the payload"
          value={text}
          onChange={setText}
        />
        <FilterSelect label="Status" value={filter.status ?? ''} onChange={(value) => set('status', value)}>
          <option value="">Any status</option>
          {Object.entries(deliveryWords).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </FilterSelect>
        <FilterSelect
          label="Webhook"
          value={filter.webhook_id ?? ''}
          onChange={(value) => set('webhook_id', value)}
        >
          <option value="">Any webhook</option>
          {(webhooks.data ?? []).map((webhook) => (
            <option key={webhook.id} value={webhook.id}>
              {nameOf(webhook)}
            </option>
          ))}
        </FilterSelect>
        <FilterSelect label="Event type" value={filter.type ?? ''} onChange={(value) => set('type', value)}>
          <option value="">Any event type</option>
          {(types.data ?? []).map(({ name }) => (
            <option key={name} value={name}>
              {name}
            </option>
          ))}
        </FilterSelect>
        <Button aria-expanded={showsMore} onClick={() => setWantsMore(!showsMore)}>
          <SlidersHorizontal aria-hidden />
          More
        </Button>
        {showsMore && (
          <>
            <FilterInput
              label="Channel"
              size={14}
              value={channel}
              onChange={(event) => setChannel(event.target.value)}
            />
            <FilterInput
              label="Event id"
              size={16}
              value={eventId}
              onChange={(event) => setEventId(event.target.value)}
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
          </>
        )}
        {isNarrowed && (
          <Button kind="ghost" onClick={clear}>
            Clear
          </Button>
        )}
      </FilterBar>
      <Card isFlush>
        <DeliveryList filter={filter} isNarrowed={isNarrowed} onClear={clear} />
      </Card>
    </>
  );
}
