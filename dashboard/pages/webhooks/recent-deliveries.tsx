import { Send } from 'lucide-react';
import { Link } from 'wouter';
import { useDeliveries } from '../../api/deliveries.ts';
import { Card } from '../../ui/card.tsx';
import { Rows } from '../../ui/rows.tsx';
import { EmptyState, ErrorState, LoadingRows } from '../../ui/states.tsx';
import { DeliveryRow, deliveryColumns, deliveryNarrowColumns } from '../deliveries/delivery-row.tsx';

const shown = 8;

export function RecentDeliveries({ webhookId }: { webhookId: string }) {
  const list = useDeliveries({ webhook_id: webhookId });
  const deliveries = list.data?.pages[0]?.data.slice(0, shown) ?? [];
  return (
    <Card
      title="Latest deliveries"
      isFlush
      action={deliveries.length > 0 && <Link href={`/webhooks/${webhookId}/deliveries`}>All deliveries</Link>}
    >
      {list.isPending ? (
        <LoadingRows rows={4} />
      ) : list.isLoadingError ? (
        <ErrorState error={list.error} onRetry={() => void list.refetch()} />
      ) : deliveries.length === 0 ? (
        <EmptyState icon={Send} title="Nothing was sent yet">
          Send a test event, and watch it arrive.
        </EmptyState>
      ) : (
        <Rows label="Latest deliveries" columns={deliveryColumns} narrow={deliveryNarrowColumns}>
          {deliveries.map((delivery) => (
            <DeliveryRow key={delivery.id} delivery={delivery} />
          ))}
        </Rows>
      )}
    </Card>
  );
}
