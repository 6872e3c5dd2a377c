import { RotateCw } from 'lucide-react';
import { useState } from 'react';
import { useCancelDelivery, useRetryDelivery } from '../../api/deliveries.ts';
import type { Delivery } from '../../api/types.ts';
import { Button } from '../../ui/button.tsx';
import { ConfirmDialog } from '../../ui/confirm-dialog.tsx';
import { useSay } from '../../ui/toasts.tsx';

/** Retry at any time but while another of its lane goes first; cancel while it waits. */
export function DeliveryActions({ delivery }: { delivery: Delivery }) {
  const retry = useRetryDelivery(delivery.id);
  const cancel = useCancelDelivery(delivery.id);
  const say = useSay();
  const [isAsking, setIsAsking] = useState(false);
  // The API refuses it by then.
  const hasExpired = delivery.expires_at !== null && Date.parse(delivery.expires_at) <= Date.now();
  const waits = ['pending', 'held', 'queued'].includes(delivery.status);
  const retryNow = () =>
    retry.mutate(undefined, {
      onSuccess: () =>
        say.done(
          delivery.webhook_url === null
            ? 'It is queued to be pulled once more'
            : 'One more attempt is on its way',
        ),
      onError: say.failed,
    });
  return (
    <>
      {waits && <Button onClick={() => setIsAsking(true)}>Cancel delivery</Button>}
      {!hasExpired && delivery.waits_for === null && (
        <Button kind="primary" isBusy={retry.isPending} onClick={retryNow}>
          <RotateCw aria-hidden />
          Retry now
        </Button>
      )}
      {isAsking && (
        <ConfirmDialog
          title="Cancel this delivery?"
          confirm="Cancel delivery"
          isBusy={cancel.isPending}
          error={cancel.error}
          onClose={() => setIsAsking(false)}
          onConfirm={() =>
            cancel.mutate(undefined, {
              onSuccess: () => {
                setIsAsking(false);
                say.done('The delivery is cancelled');
              },
            })
          }
        >
          No further attempt is made. An attempt that is under way is not called back.
        </ConfirmDialog>
      )}
    </>
  );
}
