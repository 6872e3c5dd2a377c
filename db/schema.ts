import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  doublePrecision,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  text,
  timestamp,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Ordering } from '../webhook/ordering.ts';
import { failureChoices } from '../webhook/ordering.ts';
import { idColumn, moment } from './columns.ts';

/** `queued`: its webhook has no URL, and it waits for its consumer to pull it (db/pull-queue.ts). */
export const deliveryStatuses = [
  ...(['pending', 'held', 'queued'] as const),
  ...(['succeeded', 'failed', 'cancelled', 'expired'] as const),
] as const;
export type DeliveryStatus = (typeof deliveryStatuses)[number];

/** `scheduled`: it waits for its time. `released`: it went out, at its time or at once, to whoever had subscribed. */
export const eventStatuses = ['released', 'scheduled', 'cancelled'] as const;
export type EventStatus = (typeof eventStatuses)[number];

/**
 * Why an attempt was made: by its delivery's schedule, by someone's request, for a test event, to probe a disabled endpoint, or since
 * its consumer pulled it.
 */
export const attemptTriggers = ['schedule', 'manual', 'test', 'probe', 'pull'] as const;
export type AttemptTrigger = (typeof attemptTriggers)[number];

/** `probing`: disabled, and one delivery is out to see whether it can be enabled. */
export const endpointStates = ['healthy', 'failing', 'disabled', 'probing'] as const;
export type EndpointState = (typeof endpointStates)[number];

/**
 * Who did something that the audit log tells: an API key, someone who came by a portal link, whoever signalled a workflow, or
 * Postrider itself.
 */
export const auditActors = ['api_key', 'portal_link', 'signal', 'postrider'] as const;
export type AuditActor = (typeof auditActors)[number];

/** What a caller may do. `admin`: keys, portal links and accounts. */
export const scopes = ['events:write', 'webhooks:read', 'webhooks:write', 'admin'] as const;
export type Scope = (typeof scopes)[number];

/** What an account may do at most; what is absent is not limited, but by what holds for all. */
export interface AccountLimits {
  requests_per_second?: number;
  events_per_day?: number;
  webhooks?: number;
  /** Of an event's data. */
  event_bytes?: number;
}

export const accounts = pgTable(
  'accounts',
  {
    id: idColumn('acct').primaryKey(),
    name: text().notNull(),
    /** The most App Inbox messages of a contact that are available; older ones no longer are. */
    inbox_message_limit: integer().notNull().default(1_000),
    /** Whether events of types that are not in the catalogue are refused. */
    strict_event_types: boolean().notNull().default(false),
    /** For how many days its events, deliveries and attempts are kept; null for as many as the settings say. */
    retention_days: integer(),
    limits: jsonb().$type<AccountLimits>().notNull().default({}),
    /** Raised by triggers (see the migration) with every change of what decides which webhooks get an event, and how. */
    webhooks_version: bigint({ mode: 'number' }).notNull().default(0),
    created_at: moment().notNull().defaultNow(),
  },
  // The first of all is asked for with every look at a key.
  (table) => [index('accounts_by_age').on(table.created_at, table.id)],
);

/** What accounts with limits have used of a window of time (db/account-usage.ts). */
export const accountUsage = pgTable(
  'account_usage',
  {
    account_id: idColumn('acct').notNull(),
    /** `requests` or `events`. */
    kind: text().notNull(),
    window_start: moment().notNull(),
    used: bigint({ mode: 'number' }).notNull(),
    /** What the last statement has taken: it returns it. */
    granted: bigint({ mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.account_id, table.kind] })],
);

export const apiKeys = pgTable(
  'api_keys',
  {
    id: idColumn('key').primaryKey(),
    account_id: idColumn('acct')
      .notNull()
      .references(() => accounts.id),
    name: text().notNull(),
    /** SHA-256 of the key in hex; the key itself is shown once and never stored. */
    hash: text().notNull(),
    /** The key's last four characters, to tell keys apart. */
    hint: text().notNull(),
    /** With `admin` among them it may do everything. */
    scopes: text({ enum: scopes })
      .array()
      .notNull()
      .default([...scopes]),
    expires_at: moment(),
    /** To within a minute or so. */
    last_used_at: moment(),
    created_at: moment().notNull().defaultNow(),
    revoked_at: moment(),
  },
  (table) => [uniqueIndex('api_keys_hash').on(table.hash)],
);

/** Links that open the dashboard for one account, for a time (db/portal-links.ts). */
export const portalLinks = pgTable(
  'portal_links',
  {
    id: idColumn('plink').primaryKey(),
    account_id: idColumn('acct')
      .notNull()
      .references(() => accounts.id),
    /** Whose link it is: it ends with this key. */
    api_key_id: idColumn('key')
      .notNull()
      .references(() => apiKeys.id),
    /** SHA-256 of the token in hex; the token itself is shown once and never stored. */
    hash: text().notNull(),
    read_only: boolean().notNull(),
    created_at: moment().notNull().defaultNow(),
    expires_at: moment().notNull(),
    revoked_at: moment(),
  },
  (table) => [uniqueIndex('portal_links_hash').on(table.hash)],
);

/** Browsers that are signed in (db/sessions.ts): each by an API key or by a portal link, and no longer than that holds. */
export const sessions = pgTable(
  'sessions',
  {
    /** SHA-256 of the cookie's token in hex. */
    hash: text().primaryKey(),
    api_key_id: idColumn('key').references(() => apiKeys.id),
    portal_link_id: idColumn('plink').references(() => portalLinks.id),
    created_at: moment().notNull().defaultNow(),
    expires_at: moment().notNull(),
  },
  (table) => [
    index('sessions_expires').on(table.expires_at),
    index('sessions_api_key').on(table.api_key_id),
    index('sessions_portal_link').on(table.portal_link_id),
  ],
);

/**
 * Where a delivery stands in its lane: it waits for others (`behind`), or it is the one that is attempted (`head`), which after
 * it has failed for good may make all others wait (`blocked`).
 */
export const laneStates = ['behind', 'head', 'blocked'] as const;

export const webhooks = pgTable(
  'webhooks',
  {
    id: idColumn('wh').primaryKey(),
    account_id: idColumn('acct')
      .notNull()
      .references(() => accounts.id),
    /** Null for a webhook whose deliveries are pulled by its consumer: nothing is sent. */
    url: text(),
    description: text().notNull().default(''),
    /** Patterns of event types: an exact name, `message.*` or `*`. */
    events: text().array().notNull(),
    /** The channels whose events it receives; null for all. */
    channels: text().array(),
    profile: text().notNull(),
    /** Overrides of the profile; null where the profile's own holds. */
    retry_schedule: jsonb(),
    timeout_ms: integer(),
    /** JSONata (docs/expressions.md): which events it gets, and the body that it gets of them; null for all, and the profile's. */
    filter: text(),
    transformation: text(),
    /** Sealed (db/encryption.ts) JSON: extra headers, and how to authenticate at the endpoint. */
    headers_sealed: text(),
    auth_sealed: text(),
    /** Sealed JSON (webhook/tls-settings.ts): client certificate, its key, authorities; null for none of these. */
    tls_sealed: text(),
    /** When its client certificate ends; null without one. */
    certificate_ends_at: moment(),
    /** When the endpoint is disabled and how it is enabled again (webhook/health-policy.ts); null for the profile's own. */
    health_policy: jsonb(),
    /** Held deliveries a second that go out when it recovers. */
    recovery_rate: integer().notNull().default(20),
    /** Requests a second, and requests under way, that its endpoint gets at most; null for no limit. */
    rate_limit: doublePrecision(),
    max_in_flight: integer(),
    /** In which order it gets its events; null for none. */
    ordering: jsonb().$type<Ordering>(),
    on_failure: text({ enum: failureChoices }).notNull().default('skip'),
    /** Written by the endpoint's health workflow; but a first failure makes it `failing` where the attempt is recorded. */
    endpoint_state: text({ enum: endpointStates }).notNull().default('healthy'),
    state_since: moment().notNull().defaultNow(),
    /** Why it is disabled, in words. */
    state_reason: text(),
    consecutive_failures: integer().notNull().default(0),
    last_failure: jsonb().$type<{ at: string; reason: string }>(),
    next_probe_at: moment(),
    /** Counts the outcomes that its health workflow is told: every one while it is not healthy. */
    outcomes: bigint({ mode: 'number' }).notNull().default(0),
    /** How many of them the workflow has counted. */
    outcomes_counted: bigint({ mode: 'number' }).notNull().default(0),
    /** The health workflow's state beyond these columns, from which it goes on when it is lost. */
    health_snapshot: jsonb(),
    /** Without a URL: how many numbers its deliveries were given as they came to be pulled. */
    pull_count: bigint({ mode: 'number' }).notNull().default(0),
    /** When its consumer was last there, to within some seconds. */
    pulled_at: moment(),
    /** It is deleted when its consumer was away for so long; null for never. */
    lapses_after_s: integer(),
    created_at: moment().notNull().defaultNow(),
    updated_at: moment().notNull().defaultNow(),
    deleted_at: moment(),
  },
  (table) => [
    index('webhooks_account').on(table.account_id, table.id).where(sql`${table.deleted_at} is null`),
    // Few of all: counted at each scrape of the metrics.
    index('webhooks_unwell')
      .on(table.endpoint_state)
      .where(sql`${table.deleted_at} is null and ${table.endpoint_state} <> 'healthy'`),
    index('webhooks_lapsing')
      .on(table.id)
      .where(sql`${table.deleted_at} is null and ${table.lapses_after_s} is not null`),
    index('webhooks_certificates')
      .on(table.certificate_ends_at)
      .where(sql`${table.deleted_at} is null and ${table.certificate_ends_at} is not null`),
    index('webhooks_uncounted').on(table.id).where(sql`${table.outcomes} > ${table.outcomes_counted}`),
  ],
);

export const webhookSecrets = pgTable(
  'webhook_secrets',
  {
    id: idColumn('whs').primaryKey(),
    webhook_id: idColumn('wh')
      .notNull()
      .references(() => webhooks.id),
    /** The secret's text (`whsec_…` or `whsk_…`), sealed. */
    sealed: text().notNull(),
    created_at: moment().notNull().defaultNow(),
    /** When a rotated-out secret stops signing; null for the current one. */
    expires_at: moment(),
  },
  (table) => [index('webhook_secrets_webhook').on(table.webhook_id)],
);

/** Partitioned by day over its time-sortable id (see the first migration). */
export const events = pgTable(
  'events',
  {
    id: idColumn('evt').primaryKey(),
    account_id: idColumn('acct').notNull(),
    /** The producer's own id of the event, when it gave one: what receivers then see as the event's id. */
    client_id: text(),
    type: text().notNull(),
    channel: text(),
    /** The event's data as JSON text. Text, since jsonb would reorder its fields. */
    data: text().notNull(),
    is_test: boolean().notNull().default(false),
    /** The endpoint that an operational event is about; null for every other event. */
    about_webhook_id: idColumn('wh'),
    /** The span that brought it (W3C Trace Context, `traceparent`); null where it was not traced. */
    traceparent: text(),
    /** When it was to go out, where that was not at once. It has not as long as it is in `scheduled_events`. */
    deliver_at: moment(),
    /** After this moment nothing of it is sent; null where that never comes. */
    expires_at: moment(),
    /** When it was called off before it went out. */
    cancelled_at: moment(),
    /** Webhooks that subscribe to it and whose filter kept it from them; null for none. */
    filtered_out: idColumn('wh').array(),
    created_at: moment().notNull(),
  },
  (table) => [index('events_account').on(table.account_id, table.id)],
);

/** Events that wait for their time (db/scheduled-events.ts): a row goes with the statement that makes the event's deliveries. */
export const scheduledEvents = pgTable(
  'scheduled_events',
  {
    event_id: idColumn('evt').primaryKey(),
    account_id: idColumn('acct').notNull(),
    /** When somebody should see to it: its `deliver_at`, or somewhat later once a process has taken it up. */
    due_at: moment().notNull(),
    /** Counts its changes, so that only what was read is released. */
    version: integer().notNull().default(1),
  },
  (table) => [
    index('scheduled_events_due').on(table.due_at),
    index('scheduled_events_account').on(table.account_id, table.event_id),
  ],
);

/** What was accepted under which key, so that a repeat gets the first answer. */
export const idempotencyKeys = pgTable(
  'idempotency_keys',
  {
    account_id: idColumn('acct').notNull(),
    /** `key:` and the Idempotency-Key header, or `id:` and the producer's own event id. */
    key: text().notNull(),
    event_id: idColumn('evt').notNull(),
    /** SHA-256 of what was asked: the same key with another request is a conflict. */
    request_hash: text().notNull(),
    created_at: moment().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.account_id, table.key] })],
);

export const deliveries = pgTable(
  'deliveries',
  {
    id: idColumn('dlv').primaryKey(),
    account_id: idColumn('acct').notNull(),
    event_id: idColumn('evt').notNull(),
    webhook_id: idColumn('wh').notNull(),
    /** The workflow that owns it. */
    workflow_id: text().notNull(),
    status: text({ enum: deliveryStatuses }).notNull(),
    /** Attempts recorded so far, manual ones included: the last attempt's number. */
    attempt_count: integer().notNull().default(0),
    /** Steps of the retry schedule that are used up. */
    scheduled_attempts: integer().notNull().default(0),
    /** When the next scheduled attempt is due; null once it has ended. */
    next_attempt_at: moment(),
    /**
     * Since when the process that stored it makes its first attempt (delivery/head-start.ts): renewed every second, so that
     * others can tell when that process has died. Null when none does, and once the attempt is recorded.
     */
    head_start_at: moment(),
    /**
     * Since when it waits for its endpoint's limits (delivery/waiting-sender.ts), which is no step of its schedule; null when
     * it does not, and once the attempt is recorded. While `head_start_at` is set, a process has taken it up.
     */
    waiting_since: moment(),
    /** In words, why it is where it is: the last failure, or why it was cancelled. */
    reason: text(),
    /** Of a held delivery that had ended and is to be sent again: how it had ended. */
    held_from: text({ enum: deliveryStatuses }),
    /**
     * Of a queued one: its place in its webhook's queue, 1, 2, 3… in the order in which they could be pulled. Null until then, and
     * while it waits for its next attempt (`next_attempt_at`). One that has expired keeps it.
     */
    pull_number: bigint({ mode: 'number' }),
    /** Its event's `expires_at`. */
    expires_at: moment(),
    /** Of a webhook whose events are in order: which of them wait for each other; null for all others. */
    lane: text(),
    /** Its place in the lane; not without gaps. */
    place: bigint({ mode: 'number' }),
    lane_state: text({ enum: laneStates }),
    /** Its webhook's filter gave no result when the event came in: each attempt asks it again. */
    is_filter_open: boolean().notNull().default(false),
    created_at: moment().notNull(),
    ended_at: moment(),
  },
  (table) => [
    index('deliveries_account').on(table.account_id, table.id),
    index('deliveries_webhook').on(table.webhook_id, table.id),
    index('deliveries_event').on(table.event_id),
    index('deliveries_due').on(table.next_attempt_at).where(sql`${table.status} = 'pending'`),
    index('deliveries_workflow').on(table.workflow_id).where(sql`${table.status} = 'pending'`),
    index('deliveries_waiting')
      .on(table.webhook_id, table.id)
      .where(sql`${table.status} = 'pending' and ${table.waiting_since} is not null`),
    index('deliveries_held').on(table.webhook_id, table.id).where(sql`${table.status} = 'held'`),
    index('deliveries_queued')
      .on(table.webhook_id, table.pull_number, table.next_attempt_at, table.id)
      .where(sql`${table.status} = 'queued'`),
    // Those that expired while their consumers may have had them.
    index('deliveries_expired_in_hand')
      .on(table.webhook_id, table.ended_at)
      .where(sql`${table.status} = 'expired' and ${table.pull_number} is not null`),
    index('deliveries_held_in_turn')
      .on(table.webhook_id, table.id)
      .where(sql`${table.status} = 'held' and ${table.lane_state} is distinct from 'behind'`),
    // With all that those who count them ask for, so that the table is not read.
    index('deliveries_out_of_turn')
      .on(table.lane_state, table.webhook_id, table.status)
      .where(sql`${table.lane_state} in ('behind', 'blocked') and ${table.status} in ('pending', 'held')`),
    index('deliveries_lane')
      .on(table.webhook_id, table.lane, table.place)
      .where(sql`${table.lane} is not null and ${table.status} in ('pending', 'held')`),
    // What is looked for most, and a small part of all: those that did not succeed, or have not yet.
    index('deliveries_account_open')
      .on(table.account_id, table.status, table.id)
      .where(sql`${table.status} <> 'succeeded'`),
    index('deliveries_webhook_ended')
      .on(table.webhook_id, table.status, table.id)
      .where(sql`${table.status} in ('held', 'failed', 'cancelled', 'expired')`),
    index('deliveries_unsent')
      .on(table.webhook_id, table.ended_at)
      .where(sql`${table.status} in ('failed', 'cancelled')`),
    index('deliveries_expiring')
      .on(table.expires_at)
      .where(sql`${table.status} in ('pending', 'held', 'queued') and ${table.expires_at} is not null`),
  ],
);

/**
 * The lanes in which something waits or is attempted (db/lanes.ts); one that has nothing to do has no row. Whoever adds to
 * a lane, or makes the next of it its head, locks its row.
 */
export const lanes = pgTable(
  'lanes',
  {
    webhook_id: idColumn('wh').notNull(),
    lane: text().notNull(),
    /** The delivery that the others wait for. When it has ended, it is time for the next; null says so too. */
    head: idColumn('dlv'),
    /** Raised with each transaction that adds to it: begins with the time, so that a new row goes on behind an old one. */
    last_turn: bigint({ mode: 'number' }).notNull(),
  },
  (table) => [primaryKey({ columns: [table.webhook_id, table.lane] })],
);

/** What one process holds of an endpoint's `max_in_flight`. */
export interface EndpointShare {
  /** So many requests it may have under way. */
  held: number;
  /** And so many it would have. */
  wanted: number;
  /** After this, in ms since 1970, it has died. */
  until_ms: number;
}

/**
 * What has been given out of the limits of endpoints that have any (db/endpoint-limits.ts). Unlogged (see its migration): a
 * change costs no write to the log, and when PostgreSQL has crashed the table is empty, which says that nothing is given out.
 */
export const endpointLimits = pgTable('endpoint_limits', {
  webhook_id: idColumn('wh').primaryKey(),
  /** When the next request may be made, in ms since 1970. */
  next_turn_ms: doublePrecision().notNull().default(0),
  /** When the last of those that wait will have gone out, as far as that can be told. */
  planned_until_ms: doublePrecision().notNull().default(0),
  /** By process. */
  shares: jsonb().$type<Record<string, EndpointShare>>().notNull().default({}),
});

/** Partitioned by day over its time-sortable id (see the first migration). */
export const attempts = pgTable(
  'attempts',
  {
    id: idColumn('att').primaryKey(),
    account_id: idColumn('acct').notNull(),
    webhook_id: idColumn('wh').notNull(),
    delivery_id: idColumn('dlv').notNull(),
    /** 1…n within its delivery. */
    number: integer().notNull(),
    trigger: text({ enum: attemptTriggers }).notNull(),
    started_at: moment().notNull(),
    duration_ms: integer().notNull(),
    /** Null where it was pulled. */
    url: text(),
    /** As sent; values that are secret are shown as `•••`. */
    request_headers: jsonb().$type<Record<string, string>>().notNull(),
    /** As it was sent, where a transformation made it; null where the profile did, which makes it again. */
    request_body: text(),
    succeeded: boolean().notNull(),
    /** A failure reason of webhook/failure-reasons.ts; null when it succeeded. */
    reason: text(),
    /** The failure in words. */
    detail: text(),
    response_status: integer(),
    response_headers: jsonb().$type<Record<string, string>>(),
    /** At most 64 KiB of it. */
    response_body: text(),
    response_truncated: boolean().notNull().default(false),
    /** Its place among the outcomes that its endpoint's health workflow is told; null where that is not told. */
    outcome_number: bigint({ mode: 'number' }),
    /** It was the last step of its delivery's schedule, or its failure was final. */
    spent_delivery: boolean().notNull().default(false),
  },
  (table) => [
    index('attempts_webhook').on(table.webhook_id, table.id),
    index('attempts_delivery').on(table.delivery_id, table.number),
    index('attempts_outcome')
      .on(table.webhook_id, table.outcome_number)
      .where(sql`${table.outcome_number} is not null`),
  ],
);

/** An account's event types: its own catalogue entries, and types that were only seen in events. */
export const eventTypes = pgTable(
  'event_types',
  {
    account_id: idColumn('acct')
      .notNull()
      .references(() => accounts.id),
    name: text().notNull(),
    description: text().notNull().default(''),
    /** JSON text: example data. */
    example: text(),
    /** A JSON Schema (draft 2020-12) that the data of such events must fit. */
    json_schema: jsonb(),
    /** False for a type that nobody described: it was seen in an event. */
    in_catalogue: boolean().notNull(),
    created_at: moment().notNull().defaultNow(),
    updated_at: moment().notNull().defaultNow(),
  },
  (table) => [primaryKey({ columns: [table.account_id, table.name] })],
);

export const inboxMessageStatuses = ['available', 'delivered', 'read', 'deleted', 'expired'] as const;
export type InboxMessageStatus = (typeof inboxMessageStatuses)[number];

/** App Inbox messages of contacts. */
export const inboxMessages = pgTable(
  'inbox_messages',
  {
    account_id: idColumn('acct')
      .notNull()
      .references(() => accounts.id),
    /** The interaction id: the producer's own, or made here. Unique within its account. */
    id: uuid().notNull(),
    /** Null for a contact that has none: its messages are kept and go nowhere. */
    external_customer_id: text(),
    created_date: moment().notNull(),
    title: text(),
    content: text(),
    image: text(),
    link: text(),
    category: text(),
    custom_data: text(),
    status: text({ enum: inboxMessageStatuses }).notNull().default('available'),
    updated_at: moment().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.account_id, table.id] }),
    index('inbox_messages_contact').on(
      table.account_id,
      table.external_customer_id,
      table.created_date,
      table.id,
    ),
  ],
);

/**
 * The lists of contacts' messages, as far as they are announced: stored with each change of a list, so that no change is
 * forgotten.
 */
export const inboxLists = pgTable(
  'inbox_lists',
  {
    account_id: idColumn('acct')
      .notNull()
      .references(() => accounts.id),
    /** 32 hex digits made of the contact's id: Temporal knows the list by it, since the id itself is personal. */
    contact_hash: text().notNull(),
    external_customer_id: text().notNull(),
    /** Counts the changes of the list. */
    version: bigint({ mode: 'number' }).notNull(),
    /** When the first change happened that was not announced yet; null when all are. */
    due_since: moment(),
    /** The version of that change. */
    due_version: bigint({ mode: 'number' }).notNull(),
    announced_at: moment(),
    /** The event that announced it last. */
    announced_event_id: idColumn('evt'),
  },
  (table) => [
    primaryKey({ columns: [table.account_id, table.contact_hash] }),
    index('inbox_lists_due').on(table.due_since).where(sql`${table.due_since} is not null`),
  ],
);

/**
 * Deliveries that failed and whose operational event `delivery.failed` is still to be made: there only while someone subscribes
 * to it. A delivery that is sent again and fails again has failed twice.
 */
export const untoldFailures = pgTable(
  'untold_failures',
  {
    delivery_id: idColumn('dlv').notNull(),
    /** The number of the attempt with which it failed. */
    attempt_number: integer().notNull(),
    account_id: idColumn('acct').notNull(),
    created_at: moment().notNull().defaultNow(),
  },
  (table) => [
    primaryKey({ columns: [table.delivery_id, table.attempt_number] }),
    index('untold_failures_created').on(table.created_at),
  ],
);

/** Who or what changed something, when and why. Only ever added to. */
export const auditLog = pgTable(
  'audit_log',
  {
    id: idColumn('aud').primaryKey(),
    account_id: idColumn('acct').notNull(),
    actor: text({ enum: auditActors }).notNull(),
    /** The API key's id, or the name that came with the signal. */
    actor_name: text(),
    /** `webhook.disabled` and the like: what was done, in the past tense. */
    action: text().notNull(),
    /** The id of what it was done to. */
    subject_id: text().notNull(),
    reason: text(),
    /** Which fields changed, how many deliveries: never a secret's value. */
    details: jsonb().$type<Record<string, unknown>>(),
    /** The same thing told twice is one entry; null where nothing is told twice. */
    dedupe_key: text(),
    created_at: moment().notNull().defaultNow(),
  },
  (table) => [
    index('audit_log_account').on(table.account_id, table.id),
    index('audit_log_subject').on(table.subject_id, table.id),
    uniqueIndex('audit_log_dedupe').on(table.dedupe_key),
  ],
);

/** What a row of `changes` tells of. */
export const changeKinds = ['attempts', 'events', 'delivery', 'webhook'] as const;
export type ChangeKind = (typeof changeKinds)[number];

/**
 * What has changed lately, for whoever watches and for the statistics (docs/decisions/). A row is written by the statement that
 * makes the change, for all that it changes: the lists of a row belong together by position. Kept for some minutes.
 */
export const changes = pgTable(
  'changes',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    created_at: moment().notNull().defaultNow(),
    kind: text({ enum: changeKinds }).notNull(),
    account_ids: uuid().array().notNull(),
    webhook_ids: uuid().array(),
    event_ids: uuid().array(),
    /** Of events: their producers' own ids. */
    client_ids: text().array(),
    delivery_ids: uuid().array(),
    attempt_ids: uuid().array(),
    /** Of deliveries, or of an endpoint. */
    statuses: text().array(),
    /** Of attempts, for the statistics. */
    started_at: timestamp({ withTimezone: true, precision: 3 }).array(),
    durations_ms: integer().array(),
    /** Null where it succeeded. */
    reasons: text().array(),
    /** Its attempts are not in `attempt_stats` yet. */
    is_unfolded: boolean().notNull().default(false),
  },
  (table) => [index('changes_unfolded').on(table.id).where(sql`${table.is_unfolded}`)],
);

/** Attempts counted: of a webhook or, under the id of nothing, of a whole account, in a span of time (db/attempt-stats.ts). */
export const attemptStats = pgTable(
  'attempt_stats',
  {
    account_id: idColumn('acct').notNull(),
    webhook_id: uuid().notNull(),
    /** The span's length. */
    seconds: integer().notNull(),
    start: moment().notNull(),
    succeeded: bigint({ mode: 'number' }).notNull(),
    failed: bigint({ mode: 'number' }).notNull(),
    /** How many took how long, by class (db/latency.ts). */
    latency: integer().array().notNull(),
    /** How many failed for which reason. */
    reasons: jsonb().$type<Record<string, number>>().notNull(),
  },
  (table) => [
    primaryKey({ columns: [table.account_id, table.webhook_id, table.seconds, table.start] }),
    index('attempt_stats_start').on(table.seconds, table.start),
  ],
);
