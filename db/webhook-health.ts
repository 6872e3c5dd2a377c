import { and, eq, sql } from 'drizzle-orm';
import type { HealthPolicy } from '../webhook/health-policy.ts';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import type { AccountId, WebhookId } from './ids.ts';
import { deliveries, type EndpointState, webhooks } from './schema.ts';
import { isLiveWebhook } from './webhooks.ts';

/** How a webhook's endpoint is, as its health workflow wrote it last. */
export interface WebhookHealth {
  state: EndpointState;
  consecutive_failures: number;
  /** Since when it is in this state. */
  since: Date;
  last_failure: { at: string; reason: string } | null;
  next_probe_at: Date | null;
  /** Why it is in this state, in words. */
  reason: string | null;
  /** Deliveries that wait for it to be enabled. */
  held: number;
  url: string | null;
  profile: string;
  /** What the webhook says otherwise than its profile's policy. */
  own_policy: Partial<HealthPolicy> | null;
}

/** Undefined when there is no such webhook. */
export const findWebhookHealth = query(
  async (db: Database, accountId: AccountId, id: WebhookId): Promise<WebhookHealth | undefined> => {
    const [row] = await db
      .select({
        state: webhooks.endpoint_state,
        consecutive_failures: webhooks.consecutive_failures,
        since: webhooks.state_since,
        last_failure: webhooks.last_failure,
        next_probe_at: webhooks.next_probe_at,
        reason: webhooks.state_reason,
        held: sql<number>`(select count(*)::int from ${deliveries}
          where ${and(eq(deliveries.webhook_id, webhooks.id), eq(deliveries.status, 'held'))})`,
        url: webhooks.url,
        profile: webhooks.profile,
        own_policy: webhooks.health_policy,
      })
      .from(webhooks)
      .where(isLiveWebhook(accountId, id));
    return row && { ...row, own_policy: row.own_policy as Partial<HealthPolicy> | null };
  },
);
