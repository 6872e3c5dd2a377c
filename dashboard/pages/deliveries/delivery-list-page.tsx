import { useState } from 'react';
import { useLocation } from 'wouter';
import { useEventTypes } from '../../api/events.ts';
import { useWebhooks } from '../../api/webhooks.ts';
import { Button } from '../../ui/button.tsx';
import { Card } from '../../ui/card.tsx';
import { FilterBar, FilterInput, FilterSelect } from '../../ui/filter-bar.tsx';
import { ChannelFilter, EventTypeFilter, MoreFilters, TimeFilter } from '../../ui/list-filters.tsx';
import { PageHeader } from '../../ui/page-header.tsx';
import { useTyped } from '../../ui/use-typed.ts';
import { nameOf } from '../webhooks/webhook-name.ts';
import { useDeliveryFilter } from './delivery-filter.ts';
import { PayloadSearch, StatusFilter } from './delivery-filters.tsx';
import { DeliveryList } from './delivery-list.tsx';

export function DeliveryListPage() {
  const { filter, isNarrowed, set, clear } = useDeliveryFilter();
  const webhooks = useWebhooks();
  const types = useEventTypes();
  const [, go] = useLocation();
  const [text, setText] = useTyped(filter.q ?? '', (value) => {
    const id = value.trim();
    if (isIdOf('dlv', id)) return go(`/deliveries/${id}`);
    if (!isIdOf('evt', id)) return set('q', value);
    set('event_id', id);
    setText('');
  });
  const [channel, setChannel] = useTyped(filter.channel ?? '', (value) => set('channel', value));
  const [eventId, setEventId] = useTyped(filter.event_id ?? '', (value) => set('event_id', value.trim()));
  const [wantsMore, setWantsMore] = useState(false);
  const { since, until } = filter;
  const showsMore = wantsMore || [filter.channel, filter.event_id, since, until].some(Boolean);
  return (
    <>
      <PageHeader title="Deliveries" note="What went out, what waits, and what came back" />
      <FilterBar>
        <PayloadSearch placeholder="Text in the payload, or an id" value={text} onChange={setText} />
        <StatusFilter value={filter.status} onChange={(value) => set('status', value)} />
        <FilterSelect
          label="Webhook"
          value={filter.webhook_id ?? ''}
          onChange={(value) => set('webhook_id', value)}
        >
          <option value="">Any webhook</option>
          {filter.webhook_id !== undefined && !webhooks.data?.some(({ id }) => id === filter.webhook_id) && (
            <option value={filter.webhook_id}>{filter.webhook_id}</option>
          )}
          {(webhooks.data ?? []).map((webhook) => (
            <option key={webhook.id} value={webhook.id}>
              {nameOf(webhook)}
            </option>
          ))}
        </FilterSelect>
        <EventTypeFilter
          value={filter.type}
          types={types.data ?? []}
          onChange={(value) => set('type', value)}
        />
        <MoreFilters isShown={showsMore} onChange={setWantsMore} />
        {showsMore && (
          <>
            <ChannelFilter value={channel} onChange={setChannel} />
            <FilterInput
              label="Event id"
              size={16}
              value={eventId}
              onChange={(event) => setEventId(event.target.value)}
            />
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
        <DeliveryList filter={filter} isNarrowed={isNarrowed} onClear={clear} />
      </Card>
    </>
  );
}

/** What is looked for is often an id that was copied: nobody means the payloads that it stands in. */
function isIdOf(kind: 'dlv' | 'evt', text: string): boolean {
  return new RegExp(`^${kind}_[0-9a-z]{26}$`).test(text);
}
