import type { Acceptance, NewEvent } from '../db/accept-events.ts';

/** Where events come in: stores them in groups and starts their workflows. */
export interface Intake {
  /**
   * Stores the event with its deliveries; resolves once that is committed. A repeat and a conflict are answers, not
   * errors.
   * @throws DatabaseUnavailable when it was not stored
   */
  accept(event: NewEvent): Promise<Acceptance>;
  /** Takes no more events, and resolves once all that were accepted have had their workflow started. */
  close(): Promise<void>;
}
