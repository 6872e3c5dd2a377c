import type { accountSchema } from '../../api/accounts.schemas.ts';
import type { apiKeySchema, createdApiKeySchema, newApiKeySchema } from '../../api/api-keys.schemas.ts';
import type { auditEntrySchema } from '../../api/audit-log.schemas.ts';
import type {
  deliveryPageSchema,
  deliverySchema,
  deliveryWithAttemptsSchema,
} from '../../api/deliveries.schemas.ts';
import type { eventTypeDescriptionSchema, eventTypeSchema } from '../../api/event-types.schemas.ts';
import type {
  acceptedEventSchema,
  eventChangeSchema,
  eventPageSchema,
  eventSchema,
  newEventSchema,
} from '../../api/events.schemas.ts';
import type { inboxListSchema } from '../../api/inbox.schemas.ts';
import type { newPortalLinkSchema, portalLinkSchema } from '../../api/portal-links.schemas.ts';
import type { resendSchema, resentSchema } from '../../api/resend.schemas.ts';
import type { sessionSchema } from '../../api/session.schemas.ts';
import type { accountStatsSchema, webhookStatsSchema } from '../../api/stats.schemas.ts';
import type { triedExpressionsSchema } from '../../api/webhook-expressions.schemas.ts';
import type { webhookHealthSchema } from '../../api/webhook-health.schemas.ts';
import type { previewedRequestSchema } from '../../api/webhook-preview.schemas.ts';
import type { recoveryProgressSchema } from '../../api/webhook-recovery.schemas.ts';
import type {
  createdWebhookSchema,
  newWebhookSchema,
  rotatedSecretSchema,
  startedTestSchema,
  webhookChangeSchema,
  webhookPageSchema,
  webhookSchema,
  webhookSecretSchema,
} from '../../api/webhooks.schemas.ts';
import type { Answer, Asked } from './wire.ts';

export type Account = Answer<typeof accountSchema>;
export type ApiKey = Answer<typeof apiKeySchema>;
export type CreatedApiKey = Answer<typeof createdApiKeySchema>;
export type AuditEntry = Answer<typeof auditEntrySchema>;
export type DeliverySummary = Answer<typeof deliverySchema>;
/** `searched_until`: a search in payloads has looked back only so far as yet. */
export type DeliveryPage = Answer<typeof deliveryPageSchema>;
export type DeliveryStatus = DeliverySummary['status'];
export type Delivery = Answer<typeof deliveryWithAttemptsSchema>;
export type Attempt = Delivery['attempts'][number];
export type EventType = Answer<typeof eventTypeSchema>;
export type EventTypeDescription = Asked<typeof eventTypeDescriptionSchema>;
export type Event = Answer<typeof eventSchema>;
export type EventPage = Answer<typeof eventPageSchema>;
export type EventSummary = EventPage['data'][number];
export type NewEvent = Asked<typeof newEventSchema>;
export type EventChange = Asked<typeof eventChangeSchema>;
export type EventStatus = EventSummary['status'];
export type AcceptedEvent = Answer<typeof acceptedEventSchema>;
export type InboxMessage = Answer<typeof inboxListSchema>[number];
export type Webhook = Answer<typeof webhookSchema>;
export type NewWebhook = Answer<typeof newWebhookSchema>;
export type WebhookChange = Asked<typeof webhookChangeSchema>;
export type CreatedWebhook = Answer<typeof createdWebhookSchema>;
export type EndpointState = Webhook['endpoint_state'];
export type ProfileName = NonNullable<NewWebhook['profile']>;
export type WebhookHealth = Answer<typeof webhookHealthSchema>;
export type WebhookSecret = Answer<typeof webhookSecretSchema>;
export type RotatedSecret = Answer<typeof rotatedSecretSchema>;
export type StartedTest = Answer<typeof startedTestSchema>;
export type RecoveryProgress = Answer<typeof recoveryProgressSchema>;
export type Session = Answer<typeof sessionSchema>;
export type Scope = Session['scopes'][number];
export type NewPortalLink = Asked<typeof newPortalLinkSchema>;
export type PortalLink = Answer<typeof portalLinkSchema>;
export type NewApiKey = Asked<typeof newApiKeySchema>;
export type Resend = Asked<typeof resendSchema>;
export type Resent = Answer<typeof resentSchema>;
export type PreviewedRequest = Answer<typeof previewedRequestSchema>;
export type TriedExpressions = Answer<typeof triedExpressionsSchema>;
export type Stats = Answer<typeof webhookStatsSchema> & Partial<Answer<typeof accountStatsSchema>>;
export type StatsRange = Stats['range'];
export type StatsBucket = Stats['buckets'][number];
export type ListedWebhook = Answer<typeof webhookPageSchema>['data'][number];
