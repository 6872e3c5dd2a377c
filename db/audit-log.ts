import { and, desc, eq, inArray, lt } from 'drizzle-orm';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, type ApiKeyId, type AuditEntryId, isId, newId, type PortalLinkId } from './ids.ts';
import { type Page, type PageRequest, toPage } from './paging.ts';
import { type AuditActor, apiKeys, auditLog } from './schema.ts';

/** Who or what does something. */
export type Actor =
  | { kind: 'api_key'; id: ApiKeyId }
  | { kind: 'portal_link'; id: PortalLinkId }
  /** Someone who signalled a workflow by hand, under the name they gave. */
  | { kind: 'signal'; name: string | null }
  | { kind: 'postrider' };

/** Who changes something, and when. */
export interface Change {
  actor: Actor;
  now: Date;
}

export interface NewAuditEntry {
  account_id: AccountId;
  actor: Actor;
  /** What was done, in the past tense: `webhook.disabled`. */
  action: string;
  /** The id of what it was done to. */
  subject_id: string;
  reason?: string | null;
  /** Which fields changed, how many deliveries: never a secret's value. */
  details?: Record<string, unknown> | null;
  /** The same thing told twice under one key is one entry. */
  dedupe_key?: string;
}

/** Adds an entry within the transaction that does what it tells of. Called by query functions, which translate its errors. */
export async function appendAuditEntry(
  tx: Database,
  { actor, reason = null, details = null, dedupe_key, ...entry }: NewAuditEntry,
): Promise<void> {
  const id: AuditEntryId = newId('aud');
  await tx
    .insert(auditLog)
    .values({
      id,
      ...entry,
      actor: actor.kind,
      actor_name: nameOf(actor),
      reason,
      details,
      ...(dedupe_key === undefined ? {} : { dedupe_key }),
    })
    .onConflictDoNothing();
}

/** Adds an entry of its own, for what is not done in the database. */
export const recordAuditEntry = query(
  (db: Database, entry: NewAuditEntry): Promise<void> => appendAuditEntry(db, entry),
);

/** An entry as it is shown. */
export interface AuditEntry {
  id: AuditEntryId;
  created_at: Date;
  actor: {
    kind: AuditActor;
    /** Of an API key or a portal link. */
    id: string | null;
    /** The API key's name, where it is the account's own, or the one that came with a signal. */
    name: string | null;
  };
  action: string;
  subject_id: string;
  reason: string | null;
  details: Record<string, unknown> | null;
}

export interface AuditFilter {
  action?: string | undefined;
  subject_id?: string | undefined;
  actor_id?: ApiKeyId | undefined;
}

/** An account's entries, newest first; every given filter holds. */
export const listAuditEntries = query(
  async (
    db: Database,
    accountId: AccountId,
    filter: AuditFilter,
    page: PageRequest<'aud'>,
  ): Promise<Page<AuditEntry>> => {
    const rows = await db
      .select()
      .from(auditLog)
      .where(
        and(
          eq(auditLog.account_id, accountId),
          filter.action === undefined ? undefined : eq(auditLog.action, filter.action),
          filter.subject_id === undefined ? undefined : eq(auditLog.subject_id, filter.subject_id),
          filter.actor_id === undefined
            ? undefined
            : and(eq(auditLog.actor, 'api_key'), eq(auditLog.actor_name, filter.actor_id)),
          page.before === undefined ? undefined : lt(auditLog.id, page.before),
        ),
      )
      .orderBy(desc(auditLog.id))
      .limit(page.limit + 1);
    const keyNames = await loadKeyNames(db, accountId, rows);
    return toPage(
      rows.map(({ id, created_at, actor: kind, actor_name, action, subject_id, reason, details }) => ({
        ...{ id, created_at },
        actor:
          kind === 'api_key'
            ? { kind, id: actor_name, name: keyNames.get(actor_name) ?? null }
            : kind === 'portal_link'
              ? { kind, id: actor_name, name: null }
              : { kind, id: null, name: actor_name },
        ...{ action, subject_id, reason, details },
      })),
      page.limit,
    );
  },
);

/** Another account's key, of the first account for example, is shown without its name. */
async function loadKeyNames(
  db: Database,
  accountId: AccountId,
  rows: readonly (typeof auditLog.$inferSelect)[],
) {
  const ids = rows.flatMap(({ actor, actor_name }) =>
    actor === 'api_key' && actor_name !== null && isId('key', actor_name) ? [actor_name] : [],
  );
  if (ids.length === 0) return new Map<string | null, string>();
  const keys = await db
    .select({ id: apiKeys.id, name: apiKeys.name })
    .from(apiKeys)
    .where(and(eq(apiKeys.account_id, accountId), inArray(apiKeys.id, [...new Set(ids)])));
  return new Map<string | null, string>(keys.map(({ id, name }) => [id, name]));
}

function nameOf(actor: Actor): string | null {
  if (actor.kind === 'api_key' || actor.kind === 'portal_link') return actor.id;
  return actor.kind === 'signal' ? actor.name : null;
}
