import { createHash } from 'node:crypto';
import { type AccountId, newId, timeOf, type WebhookId } from '../db/ids.ts';
import type { Intake } from './intake.ts';

/** Something that happened here and that an account may want to be told. */
export interface OperationalEvent {
  account_id: AccountId;
  type: 'webhook.disabled' | 'webhook.enabled' | 'webhook.failing' | 'delivery.failed';
  /** The endpoint it is about: it is told to the account's other webhooks. */
  about_webhook: WebhookId;
  data: Record<string, unknown>;
  /** What happened, once: telling it again under the same key is one event. */
  key: string;
}

/**
 * Delivers an operational event like any other, to the webhooks of its account that name its type.
 * @throws DatabaseUnavailable when it was not stored
 */
export async function tellOperationalEvent(
  intake: Pick<Intake, 'accept'>,
  { account_id, type, about_webhook, data, key }: OperationalEvent,
): Promise<void> {
  const id = newId('evt');
  await intake.accept({
    id,
    account_id,
    client_id: null,
    type,
    channel: null,
    data: JSON.stringify(data),
    is_test: false,
    created_at: timeOf(id),
    only_webhook: null,
    about_webhook,
    idempotency_keys: [`operational:${key}`],
    request_hash: createHash('sha256').update(key).digest('hex'),
  });
}
