import type { Webhook } from '../../api/types.ts';
import { Card } from '../../ui/card.tsx';
import { FilterBar } from '../../ui/filter-bar.tsx';
import { useTyped } from '../../ui/use-typed.ts';
import { useDeliveryFilter } from '../deliveries/delivery-filter.ts';
import { PayloadSearch, StatusFilter } from '../deliveries/delivery-filters.tsx';
import { DeliveryList } from '../deliveries/delivery-list.tsx';

/** All deliveries of one webhook. */
export function WebhookDeliveries({ webhook }: { webhook: Webhook }) {
  const { filter, isNarrowed, set, clear } = useDeliveryFilter();
  const [text, setText] = useTyped(filter.q ?? '', (value) => set('q', value));
  return (
    <div>
      <FilterBar>
        <PayloadSearch value={text} onChange={setText} />
        <StatusFilter value={filter.status} onChange={(value) => set('status', value)} />
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
