import { getExternalWorkflowHandle, proxyLocalActivities } from '@temporalio/workflow';
import type { DeliveryActivities } from '../activities/delivery-activities.ts';
import { deliveryEnded } from './deliver-events.ts';

const { attemptManually } = proxyLocalActivities<DeliveryActivities>({
  startToCloseTimeout: '1 day',
  retry: { initialInterval: '1s', backoffCoefficient: 2, maximumInterval: '10s' },
});

/**
 * One attempt of a delivery, asked for by a person: whatever the delivery's status, outside its schedule, never repeated.
 * When it succeeds, the workflow that still waits to attempt the delivery is told.
 */
export async function attemptOnce(input: { delivery_id: string; attempt_id: string }): Promise<string> {
  const { status, owner } = await attemptManually(input.delivery_id, input.attempt_id);
  if (status === 'succeeded' && owner !== null) {
    await getExternalWorkflowHandle(owner)
      .signal(deliveryEnded, input.delivery_id)
      .catch(() => {
        // The owner has ended by itself: there is nobody left to tell.
      });
  }
  return status;
}
