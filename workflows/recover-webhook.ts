import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';

/** Which ended deliveries are to be sent again. Plain enough to type by hand; what makes no sense is left out. */
export interface RecoverRequest {
  /** What ended from then on; ISO 8601. */
  since: string;
  /** What ended until then; until the moment of the request if absent, and never after that. */
  until?: string;
  /** How it had ended; `failed` if absent. */
  status?: 'failed' | 'cancelled';
  /** The moment of the request; when the workflow hears of it if absent. */
  asked_at?: string;
}

/** How far a recovery has come. */
export interface RecoveryProgress {
  /** `paused`: the endpoint is disabled, and the recovery goes on when it is enabled. */
  state: 'running' | 'paused' | 'done' | 'cancelled';
  /** Since when it is under way; ISO 8601. */
  since: string;
  /** Ended deliveries that are to be sent again. */
  marked: number;
  /** Marked ones that were given their former status back before they were sent. */
  taken_back: number;
  /** Deliveries of which an attempt was made. */
  sent: number;
  succeeded: number;
  /** Of those sent, how many ended as failed with it. */
  failed: number;
  /** Of those sent, how many wait for the next attempt of their schedule. */
  retrying: number;
  /** Deliveries that were still held when it last looked. */
  left: number;
}

/** Go on: the endpoint is enabled again. */
export const goOn = defineSignal('goOn');
/** Send again what has ended. */
export const recover = defineSignal<[RecoverRequest?]>('recover');
/** Take back what was marked and is not yet sent; answers how many. What is held for another reason still goes out. */
export const cancelRecovery = defineUpdate<number>('cancelRecovery');
export const progress = defineQuery<RecoveryProgress>('progress');

export async function recoverWebhook(_input: { webhook_id: string; account_id: string }): Promise<void> {}
