import { and, asc, desc, eq, lt, sql } from 'drizzle-orm';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import type { AccountId, AttemptId, DeliveryId, WebhookId } from './ids.ts';
import { type Page, type PageRequest, toPage } from './paging.ts';
import { type AttemptTrigger, attempts, deliveries, events } from './schema.ts';

export interface Attempt {
  id: AttemptId;
  delivery_id: DeliveryId;
  webhook_id: WebhookId;
  number: number;
  trigger: AttemptTrigger;
  started_at: Date;
  duration_ms: number;
  /** Null where it was pulled. */
  url: string | null;
  request_headers: Record<string, string>;
  succeeded: boolean;
  reason: string | null;
  detail: string | null;
  response_status: number | null;
  response_headers: Record<string, string> | null;
  response_body: string | null;
  response_truncated: boolean;
}

/** An attempt of a delivery. */
export interface ShownAttempt extends Attempt {
  /** As it was sent, where a transformation made it. */
  request_body: string | null;
}

/** An attempt among those of other deliveries. */
export interface LoggedAttempt extends Attempt {
  /** As the receiver knows the event; null, like its type, once the event is no longer kept. */
  event_id: string | null;
  event_type: string | null;
}

/** How much of a response's body a log shows; the delivery shows all that was kept. */
export const loggedBodyCharacters = 2_048;

const columns = {
  id: attempts.id,
  delivery_id: attempts.delivery_id,
  webhook_id: attempts.webhook_id,
  number: attempts.number,
  trigger: attempts.trigger,
  started_at: attempts.started_at,
  duration_ms: attempts.duration_ms,
  url: attempts.url,
  request_headers: attempts.request_headers,
  succeeded: attempts.succeeded,
  reason: attempts.reason,
  detail: attempts.detail,
  response_status: attempts.response_status,
  response_headers: attempts.response_headers,
  response_body: attempts.response_body,
  response_truncated: attempts.response_truncated,
};

/** A delivery's attempts, first to last. */
export const listAttemptsOfDelivery = query(
  (db: Database, accountId: AccountId, deliveryId: DeliveryId): Promise<ShownAttempt[]> =>
    db
      .select({ ...columns, request_body: attempts.request_body })
      .from(attempts)
      .where(and(eq(attempts.delivery_id, deliveryId), eq(attempts.account_id, accountId)))
      .orderBy(asc(attempts.number)),
);

/** What was sent to a webhook, newest first, with the beginning of what came back. */
export const listAttemptsOfWebhook = query(
  async (
    db: Database,
    accountId: AccountId,
    webhookId: WebhookId,
    page: PageRequest<'att'>,
  ): Promise<Page<LoggedAttempt>> => {
    const isCut = sql`length(${attempts.response_body}) > ${loggedBodyCharacters}`;
    const rows = await db
      .select({
        ...columns,
        response_body: sql<string | null>`left(${attempts.response_body}, ${loggedBodyCharacters})`,
        response_truncated: sql<boolean>`${attempts.response_truncated} or coalesce(${isCut}, false)`,
        internal_event_id: events.id,
        client_id: events.client_id,
        event_type: events.type,
      })
      .from(attempts)
      .leftJoin(deliveries, eq(deliveries.id, attempts.delivery_id))
      .leftJoin(events, eq(events.id, deliveries.event_id))
      .where(
        and(
          eq(attempts.webhook_id, webhookId),
          eq(attempts.account_id, accountId),
          page.before === undefined ? undefined : lt(attempts.id, page.before),
        ),
      )
      .orderBy(desc(attempts.id))
      .limit(page.limit + 1);
    return toPage(
      rows.map(({ internal_event_id, client_id, ...attempt }) => ({
        ...attempt,
        event_id: client_id ?? internal_event_id,
      })),
      page.limit,
    );
  },
);
