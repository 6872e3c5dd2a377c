import type { Webhook } from '../../api/types.ts';
import { deliveryWords } from '../../format/words.ts';
import { Card } from '../../ui/card.tsx';
import { FilterBar, FilterSelect, SearchBox } from '../../ui/filter-bar.tsx';
import { useTyped } from '../../ui/use-typed.ts';
import { useDeliveryFilter } from '../deliveries/delivery-filter.ts';
import { DeliveryList } from '../deliveries/delivery-list.tsx';

/** All deliveries of one webhook. */
export function WebhookDeliveries({ webhook }: { webhook: Webhook }) {
  const { filter, isNarrowed, set, clear } = useDeliveryFilter();
  const [text, setText] = useTyped(filter.q ?? '', (value) => set('q', value));
  return (
    <div>
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
      </FilterBar>
      <Card isFlush>
        <DeliveryList
          filter={{ ...filter, webhook_id: webhook.id }}
          isNarrowed={isNarrowed}
          onClear={clear}
        />
      </Card>
    </div>
  );
}
