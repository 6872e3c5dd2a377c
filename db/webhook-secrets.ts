import { and, desc, eq, gt, inArray, isNull, lte, or, sql } from 'drizzle-orm';
import { type Actor, appendAuditEntry } from './audit-log.ts';
import type { Database } from './database.ts';
import type { Sealer } from './encryption.ts';
import { query } from './errors.ts';
import { type AccountId, newId, type WebhookId } from './ids.ts';
import { webhookSecrets, webhooks } from './schema.ts';
import { isLiveWebhook } from './webhooks.ts';

/** How many secrets of a webhook sign at the same time. */
export const mostSigningSecrets = 5;

/** Newest first: the current one, then by when they were made. An older one may well sign for longer than a newer one. */
const newestSecretFirst = sql`${webhookSecrets.expires_at} is not null, ${webhookSecrets.id} desc`;

const isSigning = or(isNull(webhookSecrets.expires_at), gt(webhookSecrets.expires_at, sql`now()`));

export interface RotatedSecret {
  secret: string;
  /** When the one that was current until now stops signing; null when it has. */
  previous_expires_at: Date | null;
  /** How many secrets sign from now on. */
  signing: number;
}

/**
 * Gives a webhook a new signing secret, which `choose` makes from those that sign now, newest first; what it throws leaves
 * all as it is. The one that was current signs for `overlapSeconds` more, and earlier ones until the moment that their own
 * rotation named. With an overlap of 0 the new secret is at once the only one. Beyond `mostSigningSecrets` the oldest stop
 * at once. Secrets that no longer sign are deleted. Undefined when there is no such webhook.
 */
export const rotateSecret = query(
  (
    db: Database,
    sealer: Sealer,
    accountId: AccountId,
    id: WebhookId,
    {
      choose,
      overlapSeconds,
      actor,
    }: { choose: (signing: string[]) => string; overlapSeconds: number; actor: Actor },
  ): Promise<RotatedSecret | undefined> =>
    db.transaction(async (tx) => {
      const [webhook] = await tx
        .select({ id: webhooks.id })
        .from(webhooks)
        .where(isLiveWebhook(accountId, id))
        .for('update');
      if (webhook === undefined) return undefined;
      const rows = await tx
        .select({ id: webhookSecrets.id, sealed: webhookSecrets.sealed })
        .from(webhookSecrets)
        .where(and(eq(webhookSecrets.webhook_id, id), isSigning))
        .orderBy(newestSecretFirst);
      const secret = choose(rows.map(({ sealed }) => sealer.open(sealed, id)));

      const keeps = overlapSeconds === 0 ? [] : rows.slice(0, mostSigningSecrets - 1);
      const ends = rows.slice(keeps.length).map((row) => row.id);
      await tx
        .delete(webhookSecrets)
        .where(
          and(
            eq(webhookSecrets.webhook_id, id),
            or(lte(webhookSecrets.expires_at, sql`now()`), inArray(webhookSecrets.id, ends)),
          ),
        );
      const [previous] = await tx
        .update(webhookSecrets)
        .set({ expires_at: sql`now() + make_interval(secs => ${overlapSeconds}::float8)` })
        .where(and(eq(webhookSecrets.webhook_id, id), isNull(webhookSecrets.expires_at)))
        .returning({ expires_at: webhookSecrets.expires_at });
      await tx
        .insert(webhookSecrets)
        .values({ id: newId('whs'), webhook_id: id, sealed: sealer.seal(secret, id) });
      const signing = keeps.length + 1;
      await appendAuditEntry(tx, {
        ...{ account_id: accountId, actor, action: 'webhook.secret_rotated', subject_id: id },
        details: { overlap_seconds: overlapSeconds, signing },
      });
      return { secret, previous_expires_at: previous?.expires_at ?? null, signing };
    }),
);

/** The secret that signs a webhook's requests now; undefined when there is no such webhook. */
export const findCurrentSecret = query(
  async (db: Database, sealer: Sealer, accountId: AccountId, id: WebhookId): Promise<string | undefined> => {
    const [row] = await db
      .select({ sealed: webhookSecrets.sealed })
      .from(webhookSecrets)
      .innerJoin(webhooks, eq(webhooks.id, webhookSecrets.webhook_id))
      .where(and(isLiveWebhook(accountId, id), isNull(webhookSecrets.expires_at)))
      .orderBy(desc(webhookSecrets.id))
      .limit(1);
    return row === undefined ? undefined : sealer.open(row.sealed, id);
  },
);
