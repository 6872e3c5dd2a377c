import { isDeepStrictEqual } from 'node:util';
import { and, desc, eq, isNull, lt, type SQL, sql } from 'drizzle-orm';
import { certificateDetails } from '../webhook/client-certificate.ts';
import type { EndpointLimits } from '../webhook/endpoint-limits.ts';
import type { HealthPolicy } from '../webhook/health-policy.ts';
import type { OnFailure, Ordering } from '../webhook/ordering.ts';
import type { Auth } from '../webhook/profile.ts';
import type { RetrySchedule } from '../webhook/retry-schedule.ts';
import { noTls, type TlsSettings } from '../webhook/tls-settings.ts';
import { type Actor, appendAuditEntry, type Change } from './audit-log.ts';
import { type Database, selectRows } from './database.ts';
import type { Sealer } from './encryption.ts';
import { query } from './errors.ts';
import { idleAtMost } from './idle-at-most.ts';
import { type AccountId, type DeliveryId, newId, uuidOf, type WebhookId } from './ids.ts';
import { type Page, type PageRequest, toPage } from './paging.ts';
import { accounts, deliveries, type EndpointState, webhookSecrets, webhooks } from './schema.ts';

/** What its owner decides about a webhook, and may change. */
export interface WebhookSettings extends EndpointLimits, TlsSettings {
  /** Null where its consumer pulls its deliveries. */
  url: string | null;
  description: string;
  events: string[];
  channels: string[] | null;
  /** JSONata; null where it has none. So is `transformation`. */
  filter: string | null;
  transformation: string | null;
  /** Null where the profile's own holds; so is `timeout_ms`. */
  retry_schedule: RetrySchedule | null;
  timeout_ms: number | null;
  headers: Record<string, string>;
  auth: Auth;
  /** What it says otherwise than its profile's health policy; null where that holds whole. */
  health: Partial<HealthPolicy> | null;
  /** Held deliveries a second that go out when its endpoint recovers. */
  recovery_rate: number;
  /** Without a URL: it is deleted when its consumer was away for so many seconds; null for never. */
  lapses_after_s: number | null;
  /** In which order it gets its events; null for none. */
  ordering: Ordering | null;
  /** What becomes of the order when a delivery fails for good. */
  on_failure: OnFailure;
}

/** A webhook as it is stored, its headers and auth opened; its signing secret is read on its own. */
export interface Webhook extends WebhookSettings {
  id: WebhookId;
  profile: string;
  endpoint_state: EndpointState;
  state_since: Date;
  state_reason: string | null;
  consecutive_failures: number;
  last_failure: { at: string; reason: string } | null;
  /** When its consumer was last there, to within some seconds; null where it has a URL, or nobody ever was. */
  pulled_at: Date | null;
  created_at: Date;
  updated_at: Date;
}

/** A webhook after a change of it, with the names of the settings that are not what they were. */
export interface ChangedWebhook {
  webhook: Webhook;
  changed: (keyof WebhookSettings)[];
}

/** Why a delivery is cancelled whose webhook is gone. */
export const webhookDeletedReason = 'the webhook was deleted';

export interface CancelledDelivery {
  id: DeliveryId;
  workflow_id: string;
}

/** Stores a webhook with its signing secret. All its sealed texts are sealed for the webhook's id. */
export const createWebhook = query(
  (
    db: Database,
    sealer: Sealer,
    webhook: WebhookSettings & { account_id: AccountId; profile: string; secret: string },
    actor: Actor,
  ): Promise<Webhook> =>
    db.transaction(async (tx) => {
      await assertRoom(tx, webhook.account_id);
      const id = newId('wh');
      const [row] = await tx
        .insert(webhooks)
        .values({
          id,
          account_id: webhook.account_id,
          profile: webhook.profile,
          ...columnsOf(webhook, sealer, id),
        })
        .returning();
      if (row === undefined) throw new Error('the new webhook was not returned');
      await tx
        .insert(webhookSecrets)
        .values({ id: newId('whs'), webhook_id: id, sealed: sealer.seal(webhook.secret, id) });
      const { account_id, profile } = webhook;
      await appendAuditEntry(tx, {
        ...{ account_id, actor, action: 'webhook.created', subject_id: id },
        details: { profile },
      });
      return toWebhook(row, sealer);
    }),
);

/** The account has as many webhooks as it may have. */
export class TooManyWebhooks extends Error {
  override readonly name = 'TooManyWebhooks';
  readonly most: number;

  constructor(most: number) {
    super('the account has as many webhooks as it may have');
    this.most = most;
  }
}

/** Where the account has a limit it is locked, so that two at once do not both take the last place. @throws TooManyWebhooks */
async function assertRoom(tx: Database, accountId: AccountId): Promise<void> {
  const ofIt = eq(accounts.id, accountId);
  const [account] = await tx.select({ limits: accounts.limits }).from(accounts).where(ofIt);
  const most = account?.limits.webhooks;
  if (most === undefined) return;
  await tx.select({ id: accounts.id }).from(accounts).where(ofIt).for('no key update');
  const there = and(eq(webhooks.account_id, accountId), isNull(webhooks.deleted_at));
  if ((await tx.$count(webhooks, there)) >= most) throw new TooManyWebhooks(most);
}

/** An account's webhooks, newest first. */
export const listWebhooks = query(
  async (
    db: Database,
    sealer: Sealer,
    accountId: AccountId,
    page: PageRequest<'wh'>,
  ): Promise<Page<Webhook>> => {
    const rows = await db
      .select()
      .from(webhooks)
      .where(
        and(
          eq(webhooks.account_id, accountId),
          isNull(webhooks.deleted_at),
          page.before === undefined ? undefined : lt(webhooks.id, page.before),
        ),
      )
      .orderBy(desc(webhooks.id))
      .limit(page.limit + 1);
    return toPage(
      rows.map((row) => toWebhook(row, sealer)),
      page.limit,
    );
  },
);

export const findWebhook = query(
  async (db: Database, sealer: Sealer, accountId: AccountId, id: WebhookId): Promise<Webhook | undefined> => {
    const [row] = await db.select().from(webhooks).where(isLiveWebhook(accountId, id));
    return row === undefined ? undefined : toWebhook(row, sealer);
  },
);

/**
 * Replaces a webhook's settings by what `change` makes of them, in one transaction, so that two partial updates at the
 * same time both hold. What `change` throws leaves the webhook as it is. Undefined when there is no such webhook. The
 * audit log names the settings that changed, without their values.
 */
export const updateWebhook = query(
  (
    db: Database,
    sealer: Sealer,
    accountId: AccountId,
    id: WebhookId,
    change: (current: Webhook) => WebhookSettings,
    { actor, now }: Change,
  ): Promise<ChangedWebhook | undefined> =>
    db.transaction(async (tx) => {
      const [stored] = await tx.select().from(webhooks).where(isLiveWebhook(accountId, id)).for('update');
      if (stored === undefined) return undefined;
      const current = toWebhook(stored, sealer);
      const settings = change(current);
      const [row] = await tx
        .update(webhooks)
        .set({ ...columnsOf(settings, sealer, id), updated_at: now })
        .where(eq(webhooks.id, id))
        .returning();
      if (row === undefined) return undefined;
      const changed = settingNames.filter((name) => !isDeepStrictEqual(current[name], settings[name]));
      if (changed.length > 0) {
        await appendAuditEntry(tx, {
          ...{ account_id: accountId, actor, action: 'webhook.changed', subject_id: id },
          details: { changed },
        });
      }
      return { webhook: toWebhook(row, sealer), changed };
    }),
);

/**
 * Deletes a webhook: it gets no further event, and its waiting deliveries are cancelled for that reason. What it received
 * stays readable. `cancelled` are those whose workflows wait; none waits for what was held or queued, or was behind
 * in a lane. Undefined when there is no such webhook, or no longer.
 */
export const deleteWebhook = query(
  (
    db: Database,
    accountId: AccountId,
    id: WebhookId,
    { actor, now, reason = null }: Change & { reason?: string | null },
  ): Promise<{ cancelled: CancelledDelivery[] } | undefined> =>
    db.transaction(async (tx) => {
      const deleted = await tx
        .update(webhooks)
        .set({ deleted_at: now, updated_at: now })
        .where(isLiveWebhook(accountId, id))
        .returning({ id: webhooks.id, idle_at_most: idleAtMost });
      if (deleted.length === 0) return undefined;
      // Nobody waits for these, of which there may be very many.
      const cancelUntold = async (which: SQL): Promise<number> => {
        const [row] = await selectRows<{ count: number }>(
          tx,
          sql`with cancelled as (
              update deliveries set status = 'cancelled', reason = ${webhookDeletedReason}, next_attempt_at = null,
                ended_at = ${now.toISOString()}::timestamptz
              where webhook_id = ${uuidOf(id)} and ${which} returning id
            )
            select count(*)::int as count from cancelled`,
        );
        return row?.count ?? 0;
      };
      // In this order, since a recovery makes held ones pending.
      const untold =
        (await cancelUntold(sql`status = 'held'`)) +
        (await cancelUntold(sql`status = 'queued'`)) +
        // The second of the conditions on `status` is the index's.
        (await cancelUntold(
          sql`status = 'pending' and status in ('pending', 'held') and lane is not null and lane_state = 'behind'`,
        ));
      const cancelled = await tx
        .update(deliveries)
        .set({ status: 'cancelled', reason: webhookDeletedReason, next_attempt_at: null, ended_at: now })
        .where(and(eq(deliveries.webhook_id, id), eq(deliveries.status, 'pending')))
        .returning({ id: deliveries.id, workflow_id: deliveries.workflow_id });
      await appendAuditEntry(tx, {
        ...{ account_id: accountId, actor, action: 'webhook.deleted', subject_id: id, reason },
        details: { cancelled_deliveries: untold + cancelled.length },
      });
      return { cancelled };
    }),
);

/** A webhook of that account and not deleted: another account's is not there. */
export function isLiveWebhook(accountId: AccountId, id: WebhookId) {
  return and(eq(webhooks.id, id), eq(webhooks.account_id, accountId), isNull(webhooks.deleted_at));
}

const settingNames = [
  ...([
    'url',
    'description',
    'events',
    'channels',
    'filter',
    'transformation',
    'retry_schedule',
    'timeout_ms',
    'headers',
    'auth',
    'client_certificate',
    'server_ca',
  ] as const),
  ...([
    'health',
    'recovery_rate',
    'rate_limit',
    'max_in_flight',
    'lapses_after_s',
    'ordering',
    'on_failure',
  ] as const),
];

function columnsOf(settings: WebhookSettings, sealer: Sealer, id: WebhookId) {
  const { url, description, events, channels, retry_schedule, timeout_ms, headers, auth, health } = settings;
  return {
    url,
    description,
    events,
    channels,
    filter: settings.filter,
    transformation: settings.transformation,
    retry_schedule,
    timeout_ms,
    headers_sealed: Object.keys(headers).length === 0 ? null : sealer.seal(JSON.stringify(headers), id),
    auth_sealed: auth.type === 'none' ? null : sealer.seal(JSON.stringify(auth), id),
    tls_sealed: sealTls(settings, sealer, id),
    certificate_ends_at:
      settings.client_certificate === null ? null : certificateDetails(settings.client_certificate).not_after,
    health_policy: health,
    recovery_rate: settings.recovery_rate,
    rate_limit: settings.rate_limit,
    max_in_flight: settings.max_in_flight,
    lapses_after_s: settings.lapses_after_s,
    ordering: settings.ordering,
    on_failure: settings.on_failure,
  };
}

function sealTls({ client_certificate, server_ca }: TlsSettings, sealer: Sealer, id: WebhookId) {
  if (client_certificate === null && server_ca === null) return null;
  return sealer.seal(JSON.stringify({ client_certificate, server_ca }), id);
}

function toWebhook(row: typeof webhooks.$inferSelect, sealer: Sealer): Webhook {
  return {
    id: row.id,
    url: row.url,
    description: row.description,
    events: row.events,
    channels: row.channels,
    filter: row.filter,
    transformation: row.transformation,
    profile: row.profile,
    retry_schedule: row.retry_schedule as RetrySchedule | null,
    timeout_ms: row.timeout_ms,
    headers: row.headers_sealed === null ? {} : JSON.parse(sealer.open(row.headers_sealed, row.id)),
    auth: row.auth_sealed === null ? { type: 'none' } : JSON.parse(sealer.open(row.auth_sealed, row.id)),
    ...(row.tls_sealed === null ? noTls : (JSON.parse(sealer.open(row.tls_sealed, row.id)) as TlsSettings)),
    health: row.health_policy as Partial<HealthPolicy> | null,
    recovery_rate: row.recovery_rate,
    rate_limit: row.rate_limit,
    max_in_flight: row.max_in_flight,
    lapses_after_s: row.lapses_after_s,
    ordering: row.ordering,
    on_failure: row.on_failure,
    endpoint_state: row.endpoint_state,
    state_since: row.state_since,
    state_reason: row.state_reason,
    consecutive_failures: row.consecutive_failures,
    last_failure: row.last_failure,
    pulled_at: row.pulled_at,
    created_at: row.created_at,
    updated_at: row.updated_at,
  };
}
