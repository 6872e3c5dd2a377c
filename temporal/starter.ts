import type { AttemptId, DeliveryId } from '../db/ids.ts';

/** What the API and the intake ask of Temporal. */
export interface Starter {
  /**
   * Starts the workflow that makes one attempt of a delivery, whatever its status, and never repeats it. Starting it twice
   * with the same attempt is one attempt.
   * @throws TemporalUnavailable
   */
  startManualAttempt(deliveryId: DeliveryId, attemptId: AttemptId): Promise<void>;
  /**
   * Tells the workflow that owns a delivery that it has ended elsewhere (cancelled, or delivered by hand), so that it
   * need not wait for the next attempt to find out. Best effort: never throws.
   */
  tellDeliveryEnded(workflowId: string, deliveryId: DeliveryId): Promise<void>;
}

/** Temporal cannot be reached: the same request may succeed later. */
export class TemporalUnavailable extends Error {
  override readonly name = 'TemporalUnavailable';
}
