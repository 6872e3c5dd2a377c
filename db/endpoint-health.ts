import { and, desc, eq, gt, isNotNull, isNull, ne, or, sql } from 'drizzle-orm';
import type { EndpointHealth, HealthChange, Outcome } from '../webhook/endpoint-health.ts';
import { consecutiveFailures, newEndpointHealth } from '../webhook/endpoint-health.ts';
import { effectivePolicy, type HealthPolicy } from '../webhook/health-policy.ts';
import type { ProfileName } from '../webhook/profile.ts';
import { profiles } from '../webhook/profiles.ts';
import { type Actor, appendAuditEntry } from './audit-log.ts';
import { type Database, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, idOf, isId, uuidOf, type WebhookId } from './ids.ts';
import { unblockLanes } from './lanes.ts';
import { webhooks } from './schema.ts';

/** An endpoint's health as it is stored. */
export interface StoredHealth {
  account_id: AccountId;
  description: string;
  health: EndpointHealth;
  policy: HealthPolicy;
  /** The number of the last outcome that there is. */
  last: number;
}

type Row = typeof webhooks.$inferSelect;

/** The health of a webhook's endpoint, from which its workflow goes on; undefined when the webhook is deleted. */
export const findEndpointHealth = query(
  async (db: Database, webhookId: WebhookId): Promise<StoredHealth | undefined> => {
    const [row] = await db
      .select()
      .from(webhooks)
      .where(and(eq(webhooks.id, webhookId), isNull(webhooks.deleted_at)));
    return row === undefined ? undefined : toStoredHealth(row);
  },
);

/** What happened to an endpoint, and why. */
export interface HealthUpdate {
  health: EndpointHealth;
  changes: readonly HealthChange[];
  actor: Actor;
  reason: string | null;
  /** It is enabled: outcomes up to this moment no longer count. */
  enables: boolean;
}

/**
 * Stores an endpoint's health, and in the audit log that it was disabled or enabled; may be repeated. An endpoint of which
 * further outcomes are on their way stays `failing`, so that what follows is numbered too. Undefined when the webhook is
 * deleted.
 */
export const storeEndpointHealth = query(
  (
    db: Database,
    webhookId: WebhookId,
    { health, changes, actor, reason, enables }: HealthUpdate,
  ): Promise<StoredHealth | undefined> =>
    db.transaction(async (tx) => {
      const [current] = await tx
        .select()
        .from(webhooks)
        .where(and(eq(webhooks.id, webhookId), isNull(webhooks.deleted_at)))
        .for('update');
      if (current === undefined) return undefined;
      const policy = policyOf(current);
      const isOutdated = health.state === 'healthy' && !enables && current.outcomes > health.counted;
      const [row] = await tx
        .update(webhooks)
        .set({
          endpoint_state: isOutdated ? 'failing' : health.state,
          state_since: new Date(health.since),
          state_reason: health.reason,
          consecutive_failures: consecutiveFailures(health, policy),
          last_failure: health.last_failure,
          next_probe_at: health.next_probe_at === null ? null : new Date(health.next_probe_at),
          outcomes_counted: enables ? current.outcomes : Math.min(health.counted, current.outcomes),
          health_snapshot: { ...health, early: [] },
        })
        .where(eq(webhooks.id, webhookId))
        .returning();
      if (enables) await unblockLanes(tx, webhookId);
      for (const [index, change] of changes.entries()) {
        if (change === 'warned') continue;
        await appendAuditEntry(tx, {
          account_id: current.account_id,
          actor,
          action: `webhook.${change}`,
          subject_id: webhookId,
          reason: reason ?? health.reason,
          dedupe_key: changeKey(webhookId, health, changes, index),
        });
      }
      return row === undefined ? undefined : toStoredHealth(row);
    }),
);

/** Names one of the changes that led to this health: the same for every repeat. */
export function changeKey(
  webhookId: WebhookId,
  health: EndpointHealth,
  changes: readonly HealthChange[],
  index: number,
): string {
  return `${webhookId}:${health.changes - changes.length + 1 + index}`;
}

const mostOutcomes = 2_000;

/** The stored outcomes of an endpoint after that number, in their order; at most 2,000. */
export const findOutcomesAfter = query(
  async (db: Database, webhookId: WebhookId, number: number): Promise<Outcome[]> => {
    const rows = await selectRows<{
      number: number;
      succeeded: boolean;
      spent_delivery: boolean;
      kind: string | null;
      reason: string | null;
      blocks: boolean;
      at_ms: number;
    }>(
      db,
      sql`select outcome_number::float8 as number, succeeded, spent_delivery, reason as kind, detail as reason,
            spent_delivery and exists (
              select from deliveries d where d.id = delivery_id and d.lane_state = 'blocked' and d.status = 'held') as blocks,
            (extract(epoch from started_at) * 1000)::float8 as at_ms
          from attempts where webhook_id = ${uuidOf(webhookId)} and outcome_number > ${number}
          order by outcome_number limit ${mostOutcomes}`,
    );
    return rows.map(({ kind, reason, blocks, at_ms, ...row }) => ({
      ...row,
      ...(blocks ? { blocks } : {}),
      gone: kind === 'gone',
      at: new Date(at_ms).toISOString(),
      ...(reason === null ? {} : { reason }),
    }));
  },
);

/**
 * Webhooks with outcomes that have not been counted although they were stored at least `graceMs` ago; where the endpoint is failing, half as long
 * ago as that has lasted, within `longestGraceMs`.
 */
export const findUncountedWebhooks = query(
  async (
    db: Database,
    options: { now: Date; graceMs: number; longestGraceMs: number; limit: number },
  ): Promise<{ id: WebhookId; account_id: AccountId; counted: number }[]> => {
    const now = sql`${options.now.toISOString()}::timestamptz`;
    const rows = await selectRows<{ id: string; account_id: string; counted: number }>(
      db,
      sql`select w.id, w.account_id, w.outcomes_counted::float8 as counted from webhooks w
          where w.outcomes > w.outcomes_counted and w.deleted_at is null
            and exists (
              select from attempts a where a.webhook_id = w.id and a.outcome_number = w.outcomes_counted + 1
                and a.started_at + a.duration_ms * interval '1 ms' < ${now} - least(
                  greatest(
                    case w.endpoint_state when 'failing' then (${now} - w.state_since) / 2 end,
                    ${options.graceMs} * interval '1 ms'),
                  ${options.longestGraceMs} * interval '1 ms'))
          order by w.id limit ${options.limit}`,
    );
    return rows.map((row) => ({
      id: idOf('wh', row.id),
      account_id: idOf('acct', row.account_id),
      counted: row.counted,
    }));
  },
);

/** Live webhooks whose endpoints are not healthy. */
export const findUnhealthyWebhooks = query(
  async (db: Database, limit: number): Promise<{ id: WebhookId; account_id: AccountId }[]> =>
    db
      .select({ id: webhooks.id, account_id: webhooks.account_id })
      .from(webhooks)
      .where(and(sql`${webhooks.endpoint_state} <> 'healthy'`, isNull(webhooks.deleted_at)))
      .orderBy(webhooks.id)
      .limit(limit),
);

/** Webhooks that were changed or deleted since then, the latest first; at most so many. */
export const findChangedWebhooks = query(
  (
    db: Database,
    since: Date,
    limit: number,
  ): Promise<{ id: WebhookId; account_id: AccountId; is_deleted: boolean }[]> =>
    db
      .select({
        id: webhooks.id,
        account_id: webhooks.account_id,
        is_deleted: sql<boolean>`${webhooks.deleted_at} is not null`,
      })
      .from(webhooks)
      .where(
        and(
          gt(webhooks.updated_at, since),
          or(ne(webhooks.updated_at, webhooks.created_at), isNotNull(webhooks.deleted_at)),
        ),
      )
      .orderBy(desc(webhooks.updated_at))
      .limit(limit),
);

/** Who is meant by the name that came with a request: an API key or a portal link by its id, no one for Postrider itself. */
export function actorNamed(by: string | null): Actor {
  if (by === null) return { kind: 'postrider' };
  if (isId('key', by)) return { kind: 'api_key', id: by };
  if (isId('plink', by)) return { kind: 'portal_link', id: by };
  return { kind: 'signal', name: by === 'signal' ? null : by };
}

function toStoredHealth(row: Row): StoredHealth {
  const snapshot = row.health_snapshot as EndpointHealth | null;
  const isDisabled = row.endpoint_state === 'disabled' || row.endpoint_state === 'probing';
  const base = snapshot ?? newEndpointHealth(row.created_at.toISOString());
  return {
    account_id: row.account_id,
    description: row.description,
    policy: policyOf(row),
    last: row.outcomes,
    health: {
      ...base,
      ...(isDisabled
        ? { state: 'disabled', since: row.state_since.toISOString(), reason: row.state_reason }
        : {}),
      counted: row.outcomes_counted,
      early: [],
    },
  };
}

function policyOf({ profile, health_policy }: Pick<Row, 'profile' | 'health_policy'>): HealthPolicy {
  return effectivePolicy(
    profiles[profile as ProfileName].health,
    health_policy as Partial<HealthPolicy> | null,
  );
}
