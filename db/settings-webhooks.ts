import { and, arrayContains, asc, eq, isNotNull, isNull, sql } from 'drizzle-orm';
import type { Change } from './audit-log.ts';
import type { Database } from './database.ts';
import type { Sealer } from './encryption.ts';
import { query } from './errors.ts';
import type { AccountId, WebhookId } from './ids.ts';
import { webhooks } from './schema.ts';
import {
  type CancelledDelivery,
  createWebhook,
  deleteWebhook,
  findWebhook,
  updateWebhook,
  type Webhook,
  type WebhookSettings,
} from './webhooks.ts';

/** What names the one webhook of a settings page: of the account, or of a channel. */
export interface SettingsPage {
  account_id: AccountId;
  profile: string;
  /** The event type that the page's webhook is registered for. */
  event_type: string;
  /** Null for the account's own page. */
  channel: string | null;
}

/** Any number, the same in every process: under it, and the page's own, its webhook is made or deleted. */
const settingsPageLock = 7_166_044;

/** The webhook that a settings page shows: the oldest that is registered as the page does it. */
export const findSettingsWebhook = query(
  (db: Database, sealer: Sealer, page: SettingsPage): Promise<Webhook | undefined> =>
    findOn(db, sealer, page),
);

/**
 * Gives the page's webhook that URL, or makes it. Of two that do so at once one makes it and the other changes it.
 * `is_new` tells whether this call has made it, with the secret.
 */
export const putSettingsWebhook = query(
  (
    db: Database,
    sealer: Sealer,
    page: SettingsPage,
    { settings, secret, ...change }: Change & { settings: WebhookSettings; secret: string },
  ): Promise<{ webhook: Webhook; is_new: boolean }> =>
    db.transaction(async (tx) => {
      await lockPage(tx, page);
      const { account_id, profile } = page;
      const existing = await findOn(tx, sealer, page);
      const changed =
        existing === undefined
          ? undefined
          : await updateWebhook(
              tx,
              sealer,
              account_id,
              existing.id,
              (current) => ({ ...current, url: settings.url }),
              change,
            );
      if (changed !== undefined) return { webhook: changed.webhook, is_new: false };
      const webhook = await createWebhook(
        tx,
        sealer,
        { ...settings, account_id, profile, secret },
        change.actor,
      );
      return { webhook, is_new: true };
    }),
);

/** Deletes the page's webhook, as `deleteWebhook` does; undefined when it has none. */
export const deleteSettingsWebhook = query(
  (
    db: Database,
    sealer: Sealer,
    page: SettingsPage,
    change: Change,
  ): Promise<{ id: WebhookId; cancelled: CancelledDelivery[] } | undefined> =>
    db.transaction(async (tx) => {
      await lockPage(tx, page);
      const existing = await findOn(tx, sealer, page);
      const deleted = existing && (await deleteWebhook(tx, page.account_id, existing.id, change));
      return existing && deleted && { id: existing.id, ...deleted };
    }),
);

async function findOn(
  db: Database,
  sealer: Sealer,
  { account_id, profile, event_type, channel }: SettingsPage,
): Promise<Webhook | undefined> {
  const [row] = await db
    .select({ id: webhooks.id })
    .from(webhooks)
    .where(
      and(
        eq(webhooks.account_id, account_id),
        isNull(webhooks.deleted_at),
        // The page sets a URL, which one without does not get.
        isNotNull(webhooks.url),
        eq(webhooks.profile, profile),
        arrayContains(webhooks.events, [event_type]),
        channel === null ? isNull(webhooks.channels) : eq(webhooks.channels, [channel]),
      ),
    )
    .orderBy(asc(webhooks.id))
    .limit(1);
  return row && findWebhook(db, sealer, account_id, row.id);
}

async function lockPage(tx: Database, { account_id, profile, channel }: SettingsPage) {
  const name = JSON.stringify([account_id, profile, channel]);
  await tx.execute(sql`select pg_advisory_xact_lock(${settingsPageLock}, hashtext(${name}))`);
}
