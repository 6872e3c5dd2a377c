import { SearchX, Send } from 'lucide-react';
import { type DeliveryFilter, useDeliveries } from '../../api/deliveries.ts';
import { exactTime } from '../../format/time.ts';
import { Button } from '../../ui/button.tsx';
import { EndlessList } from '../../ui/endless-list.tsx';
import { EmptyState, ErrorState, LoadingRows } from '../../ui/states.tsx';
import { DeliveryRow, deliveryColumns, deliveryNarrowColumns } from './delivery-row.tsx';

const rowHeight = 60;

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
  const list = useDeliveries(filter);
  if (list.isPending) return <LoadingRows rows={8} />;
  if (list.isError) return <ErrorState error={list.error} onRetry={() => void list.refetch()} />;
  const deliveries = list.data.pages.flatMap((page) => page.data);
  const searchedUntil = list.data.pages.at(-1)?.searched_until;
  const searched = searchedUntil === undefined ? undefined : `Searched back to ${exactTime(searchedUntil)}.`;
  if (deliveries.length === 0 && !list.hasNextPage) {
    return isNarrowed ? (
      <EmptyState
        icon={SearchX}
        title="No delivery is like that"
        action={<Button onClick={onClear}>Show all</Button>}
      >
        {searched}
      </EmptyState>
    ) : (
      <EmptyState icon={Send} title="No deliveries yet">
        Each event makes one delivery for every webhook that subscribed to it.
      </EmptyState>
    );
  }
  return (
    <EndlessList
      label="Deliveries"
      columns={deliveryColumns}
      narrow={deliveryNarrowColumns}
      items={deliveries}
      keyOf={({ id }) => id}
      rowHeight={rowHeight}
      hasMore={list.hasNextPage}
      isLoadingMore={list.isFetchingNextPage}
      onMore={() => void list.fetchNextPage()}
      note={searched}
    >
      {(delivery) => <DeliveryRow delivery={delivery} />}
    </EndlessList>
  );
}
