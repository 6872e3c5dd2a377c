import { fromUUID, toUUID, typeidUnboxed } from 'typeid-js';

/** The prefix of each kind of id: account, API key, event, webhook, webhook secret, delivery, attempt, audit log entry, portal link. */
export const idPrefixes = ['acct', 'key', 'evt', 'wh', 'whs', 'dlv', 'att', 'aud', 'plink'] as const;
export type IdPrefix = (typeof idPrefixes)[number];
export type Id<P extends IdPrefix> = `${P}_${string}`;

export type AccountId = Id<'acct'>;
export type ApiKeyId = Id<'key'>;
export type EventId = Id<'evt'>;
export type WebhookId = Id<'wh'>;
export type WebhookSecretId = Id<'whs'>;
export type DeliveryId = Id<'dlv'>;
export type AttemptId = Id<'att'>;
export type AuditEntryId = Id<'aud'>;
export type PortalLinkId = Id<'plink'>;

const suffixForm = /^[0-7][0-9a-hjkmnp-tv-z]{25}$/;

/** A new id: the prefix and a UUIDv7 in lower-case base32 (the TypeID form), so ids sort by the time they were made. */
export function newId<P extends IdPrefix>(prefix: P): Id<P> {
  return typeidUnboxed(prefix) as string as Id<P>;
}

/** Whether the text is an id of that kind in its exact form. */
export function isId<P extends IdPrefix>(prefix: P, text: string): text is Id<P> {
  return (
    text.startsWith(`${prefix}_`) && suffixForm.test(text.slice(prefix.length + 1)) && isUuid(text as Id<P>)
  );
}

/** 128 bits in the form of an id need not be those of a UUID, which has a version and a variant. */
function isUuid(id: Id<IdPrefix>): boolean {
  try {
    uuidOf(id);
    return true;
  } catch {
    return false;
  }
}

/** The UUIDs of some that come again with every event. */
const ofAccountsAndWebhooks = new Map<string, string>();
const mostRemembered = 10_000;

/** The UUID that an id is stored as. Takes only ids that `isId` accepts. */
export function uuidOf(id: Id<IdPrefix>): string {
  const comesAgain = id.startsWith('acct_') || id.startsWith('wh_');
  if (!comesAgain) return uuidIn(id);
  const known = ofAccountsAndWebhooks.get(id);
  if (known !== undefined) return known;
  const uuid = uuidIn(id);
  if (ofAccountsAndWebhooks.size >= mostRemembered) ofAccountsAndWebhooks.clear();
  ofAccountsAndWebhooks.set(id, uuid);
  return uuid;
}

function uuidIn(id: Id<IdPrefix>): string {
  return toUUID(id as unknown as Parameters<typeof toUUID>[0]);
}

/** The id of that kind for a stored UUID. */
export function idOf<P extends IdPrefix>(prefix: P, uuid: string): Id<P> {
  return fromUUID(uuid, prefix) as string as Id<P>;
}

const digits = new Map([...'0123456789abcdefghjkmnpqrstvwxyz'].map((digit, value) => [digit, value]));
/** Three bits in the first digit and five in each other: 48 in all. */
const digitsOfTime = 10;

/** The moment in an id, which is when it was made (RFC 9562, UUIDv7: the first 48 bits are Unix milliseconds). */
export function timeOf(id: Id<IdPrefix>): Date {
  let ms = 0;
  const start = id.indexOf('_') + 1;
  for (let at = start; at < start + digitsOfTime; at += 1) ms = ms * 32 + (digits.get(id[at] as string) ?? 0);
  return new Date(ms);
}

/** The smallest UUIDv7 of a moment: bounds for ranges of time over ids. */
export function firstUuidAt(time: Date): string {
  const hex = time.getTime().toString(16).padStart(12, '0');
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`;
}

/** A new UUIDv7 in lower case; those of one process sort in the order in which they were made. */
export function newUuid(): string {
  return toUUID(typeidUnboxed('x'));
}
