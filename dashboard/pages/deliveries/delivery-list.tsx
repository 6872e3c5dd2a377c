import { Send } from 'lucide-react';
import { type DeliveryFilter, useDeliveries } from '../../api/deliveries.ts';
import { SearchedList } from '../../ui/searched-list.tsx';
import { EmptyState } from '../../ui/states.tsx';
import { DeliveryRow, deliveryColumns, deliveryNarrowColumns } from './delivery-row.tsx';

/** The deliveries that fit the filter, newest first, however many. */
export function DeliveryList({
  filter,
  isNarrowed,
  onClear,
}: {
  filter: DeliveryFilter;
  isNarrowed: boolean;
  onClear: () => void;
}) {
  return (
    <SearchedList
      label="Deliveries"
      columns={deliveryColumns}
      narrow={deliveryNarrowColumns}
      list={useDeliveries(filter)}
      isNarrowed={isNarrowed}
      onClear={onClear}
      noneLike="No delivery is like that"
      noneYet={
        <EmptyState icon={Send} title="No deliveries yet">
          Each event makes one delivery for every webhook that subscribed to it.
        </EmptyState>
      }
    >
      {(delivery) => <DeliveryRow delivery={delivery} />}
    </SearchedList>
  );
}
