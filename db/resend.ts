import { and, eq, isNull } from 'drizzle-orm';
import { laneFinder } from '../webhook/ordering.ts';
import type { Database } from './database.ts';
import { isBehind } from './deliveries.ts';
import { query } from './errors.ts';
import { endpointDisabledReason } from './held-deliveries.ts';
import { type AccountId, type DeliveryId, type EventId, newId, type WebhookId } from './ids.ts';
import { behindReason, takeTurn } from './lanes.ts';
import { deliveries, events, webhooks } from './schema.ts';

/** A webhook that an event can be sent to again, with what decides whether it subscribes. */
export interface ResendTarget {
  id: WebhookId;
  /** Null where its deliveries are pulled. */
  url: string | null;
  events: string[];
  channels: string[] | null;
  profile: string;
  /** JSONata; null where it has none. */
  filter: string | null;
  /** Its delivery of the event; null when it has none. */
  delivery_id: DeliveryId | null;
  /** That waits for another of its lane. */
  is_behind: boolean;
}

/** An account's webhooks that are there, each with its delivery of the event. */
export const listResendTargets = query(
  (db: Database, accountId: AccountId, eventId: EventId): Promise<ResendTarget[]> =>
    db
      .select({
        id: webhooks.id,
        url: webhooks.url,
        events: webhooks.events,
        channels: webhooks.channels,
        profile: webhooks.profile,
        filter: webhooks.filter,
        delivery_id: deliveries.id,
        is_behind: isBehind,
      })
      .from(webhooks)
      .leftJoin(deliveries, and(eq(deliveries.webhook_id, webhooks.id), eq(deliveries.event_id, eventId)))
      .where(and(eq(webhooks.account_id, accountId), isNull(webhooks.deleted_at)))
      .orderBy(webhooks.id),
);

/** The endpoint that an operational event is about; null for every other event. */
export const findAboutWebhook = query(async (db: Database, eventId: EventId): Promise<WebhookId | null> => {
  const [row] = await db
    .select({ about: events.about_webhook_id })
    .from(events)
    .where(eq(events.id, eventId));
  return row?.about ?? null;
});

export interface AddedDelivery {
  id: DeliveryId;
  workflow_id: string;
  /** `held` when the endpoint is disabled, `queued` when there is none: no workflow is needed then. */
  status: 'pending' | 'held' | 'queued';
  /** Others of its lane are before it: it is attempted when these have ended. */
  is_behind: boolean;
}

/**
 * Adds the delivery of an event to a webhook that got none when the event came in. Undefined when there is one, be it made
 * meanwhile, or when the event or the webhook is no longer there.
 */
export const addDelivery = query(
  (
    db: Database,
    {
      account_id,
      event_id,
      webhook_id,
      is_filter_open = false,
    }: { account_id: AccountId; event_id: EventId; webhook_id: WebhookId; is_filter_open?: boolean },
    workflowIdOf: (delivery: DeliveryId) => string,
    now: Date,
  ): Promise<AddedDelivery | undefined> =>
    db.transaction(async (tx) => {
      // Locked, so that two who send it again make one delivery.
      const [event] = await tx
        .select({
          type: events.type,
          channel: events.channel,
          data: events.data,
          client_id: events.client_id,
          expires_at: events.expires_at,
        })
        .from(events)
        .where(and(eq(events.id, event_id), eq(events.account_id, account_id)))
        .for('update');
      const [webhook] = await tx
        .select({ state: webhooks.endpoint_state, url: webhooks.url, ordering: webhooks.ordering })
        .from(webhooks)
        .where(
          and(eq(webhooks.id, webhook_id), eq(webhooks.account_id, account_id), isNull(webhooks.deleted_at)),
        )
        .for('share');
      const [existing] = await tx
        .select({ id: deliveries.id })
        .from(deliveries)
        .where(and(eq(deliveries.event_id, event_id), eq(deliveries.webhook_id, webhook_id)));
      if (event === undefined || webhook === undefined || existing !== undefined) return undefined;
      const id = newId('dlv');
      const isDisabled = webhook.state === 'disabled' || webhook.state === 'probing';
      const status = webhook.url === null ? 'queued' : isDisabled ? 'held' : 'pending';
      const workflow_id = workflowIdOf(id);
      const lane =
        webhook.ordering === null ? null : laneFinder()(webhook.ordering, { ...event, id: event_id });
      const turn = lane === null ? null : await takeTurn(tx, { webhook_id, lane }, id);
      const is_behind = turn !== null && !turn.is_head;
      await tx.insert(deliveries).values({
        ...{ id, account_id, event_id, webhook_id, workflow_id, status, is_filter_open, created_at: now },
        expires_at: event.expires_at,
        reason: status === 'held' ? endpointDisabledReason : is_behind ? behindReason : null,
        next_attempt_at: status === 'pending' && !is_behind ? now : null,
        ...(turn === null ? {} : { lane, place: turn.place, lane_state: turn.is_head ? 'head' : 'behind' }),
      });
      return { id, workflow_id, status, is_behind };
    }),
);
