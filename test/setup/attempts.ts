import { acceptEvents } from '../../db/accept-events.ts';
import type { Database } from '../../db/database.ts';
import { type AccountId, type DeliveryId, newId, type WebhookId } from '../../db/ids.ts';
import { type AttemptRecord, recordAttempts } from '../../db/record-attempts.ts';

/** Stores an event of an account that has one webhook; answers its delivery there. */
export async function storeDelivery(db: Database, account_id: AccountId): Promise<DeliveryId> {
  const event = {
    ...{ id: newId('evt'), account_id, client_id: null, type: 'message.read', channel: null, data: '{}' },
    ...{ is_test: false, created_at: new Date(), only_webhook: null, about_webhook: null },
    ...{ idempotency_keys: [], request_hash: '' },
  };
  const [acceptance] = await acceptEvents(
    db,
    [event],
    () => true,
    () => `deliver/${event.id}`,
  );
  const delivery = acceptance?.outcome === 'accepted' ? acceptance.deliveries[0] : undefined;
  if (delivery === undefined) throw new Error('the event has no delivery');
  return delivery.id;
}

/** Records one attempt of each of so many new deliveries, in one statement. */
export async function recordSome(
  db: Database,
  { account_id, webhook_id }: { account_id: AccountId; webhook_id: WebhookId },
  attempts: readonly Partial<AttemptRecord>[],
): Promise<AttemptRecord[]> {
  const records: AttemptRecord[] = [];
  for (const attempt of attempts) {
    const succeeded = (attempt.reason ?? null) === null;
    records.push({
      ...{ id: newId('att'), delivery_id: await storeDelivery(db, account_id), webhook_id, account_id },
      ...{ trigger: 'schedule', started_at: new Date(), duration_ms: 10, url: 'https://receiver.test/' },
      ...{ request_headers: {}, succeeded, reason: null, detail: succeeded ? null : 'in words' },
      ...{ response_status: succeeded ? 200 : 500, response_headers: {}, response_body: '' },
      ...{ response_truncated: false, next_attempt_at: null },
      ...attempt,
    });
  }
  await recordAttempts(db, records);
  return records;
}
