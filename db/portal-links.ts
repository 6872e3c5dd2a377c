import { and, eq, isNull, or } from 'drizzle-orm';
import { type Actor, appendAuditEntry, type Change } from './audit-log.ts';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, type ApiKeyId, newId, type PortalLinkId } from './ids.ts';
import { tellRevocation } from './revocations.ts';
import { accounts, apiKeys, portalLinks } from './schema.ts';

/** A link that opens the dashboard for one account, as it may be shown: never its token. */
export interface PortalLink {
  id: PortalLinkId;
  account_id: AccountId;
  read_only: boolean;
  expires_at: Date;
}

/** Stores a link by its token's hash; undefined when there is no such account. Told in the account's own audit log. */
export const createPortalLink = query(
  (
    db: Database,
    link: Omit<PortalLink, 'id'> & { hash: string; api_key_id: ApiKeyId },
    actor: Actor,
  ): Promise<PortalLink | undefined> =>
    db.transaction(async (tx) => {
      const [account] = await tx
        .select({ id: accounts.id })
        .from(accounts)
        .where(eq(accounts.id, link.account_id));
      if (account === undefined) return undefined;
      const id = newId('plink');
      await tx.insert(portalLinks).values({ id, ...link });
      const { account_id, read_only, expires_at } = link;
      await appendAuditEntry(tx, {
        ...{ account_id, actor, action: 'portal_link.created', subject_id: id },
        details: { read_only, expires_at },
      });
      return { id, account_id, read_only, expires_at };
    }),
);

/**
 * Ends a link and the sessions that it opened. An account ends the links to itself, and those that its keys made. Ending it
 * twice is ending it once; false when there is no such link.
 */
export const revokePortalLink = query(
  (db: Database, accountId: AccountId, id: PortalLinkId, { actor, now }: Change): Promise<boolean> =>
    db.transaction(async (tx) => {
      const [link] = await tx
        .select({ account_id: portalLinks.account_id, revoked_at: portalLinks.revoked_at })
        .from(portalLinks)
        .innerJoin(apiKeys, eq(apiKeys.id, portalLinks.api_key_id))
        .where(
          and(
            eq(portalLinks.id, id),
            or(eq(portalLinks.account_id, accountId), eq(apiKeys.account_id, accountId)),
          ),
        );
      if (link === undefined) return false;
      const revoked = await tx
        .update(portalLinks)
        .set({ revoked_at: now })
        .where(and(eq(portalLinks.id, id), isNull(portalLinks.revoked_at)))
        .returning({ id: portalLinks.id });
      if (revoked.length > 0) {
        await tellRevocation(tx);
        const { account_id } = link;
        await appendAuditEntry(tx, { account_id, actor, action: 'portal_link.revoked', subject_id: id });
      }
      return true;
    }),
);
