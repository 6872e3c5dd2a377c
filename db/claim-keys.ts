import { sql } from 'drizzle-orm';
import { type Database, type RunOptions, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, type EventId, idOf, uuidOf } from './ids.ts';
import { unnest } from './unnest.ts';

/** What of an event decides whether it is a repeat. */
export interface Claimant {
  id: EventId;
  account_id: AccountId;
  /** The keys under which a repeat is recognised. */
  idempotency_keys: string[];
  /** Tells a repeat from another request under the same key. */
  request_hash: string;
}

/** The event that a key belongs to. */
export interface Holder {
  event_id: EventId;
  request_hash: string;
}

export type Judgement =
  | { outcome: 'accepted' }
  /** Every key that is taken belongs to an event of the same content. */
  | { outcome: 'repeated'; event_id: EventId }
  /** The key belongs to an event of other content. */
  | { outcome: 'conflict'; key: string };

interface Key {
  account_id: AccountId;
  key: string;
}

/** A key as an event claims it. */
export interface Claim extends Key, Holder {}

/**
 * Claims the keys of events, as if these came one after the other, and says which are new. A key of a repeat belongs to the
 * first event from then on; a key of a conflict is left free. Within a transaction that then stores the accepted ones.
 */
export async function claimKeys<Event extends Claimant>(
  tx: Database,
  events: readonly Event[],
  options: RunOptions,
): Promise<Map<Event, Judgement>> {
  const firstClaims = new Map<string, Claim>();
  for (const claim of events.flatMap(claimsOf)) {
    if (!firstClaims.has(nameOf(claim))) firstClaims.set(nameOf(claim), claim);
  }
  const claims = [...firstClaims.values()].sort(byName);
  const claimed = await insertClaims(tx, claims, options);
  const ours = claims.filter((claim) => claimed.has(nameOf(claim)));
  const others = claims.filter((claim) => !claimed.has(nameOf(claim)));
  const found = await lookUpHolders(tx, others, options);
  const holders = new Map<string, Holder | 'gone'>(
    // Taken when it was claimed and no longer there, it is still not ours.
    others.map((claim) => [nameOf(claim), found.get(nameOf(claim)) ?? 'gone']),
  );
  const judgements = new Map(events.map((event) => [event, judge(event, holders)]));
  await correctClaims(tx, ours, holders);
  return judgements;
}

/** Whether an event of the same content was accepted before under one of the event's keys, and none of them is another's. */
export const isRepeat = query(async (db: Database, event: Claimant): Promise<boolean> => {
  if (event.idempotency_keys.length === 0) return false;
  const holders = [...(await lookUpHolders(db, claimsOf(event), {})).values()];
  return holders.length > 0 && holders.every(({ request_hash }) => request_hash === event.request_hash);
});

/** What an event claims, each key once. */
export function claimsOf({ id: event_id, account_id, idempotency_keys, request_hash }: Claimant): Claim[] {
  return [...new Set(idempotency_keys)].map((key) => ({ account_id, key, event_id, request_hash }));
}

/** Judges an event by the keys that are taken, and gives it those that are not. */
function judge(event: Claimant, holders: Map<string, Holder | 'gone'>): Judgement {
  const names = event.idempotency_keys.map((key) => ({ key, name: nameOf({ ...event, key }) }));
  const taken = names.flatMap(({ key, name }) => {
    const holder = holders.get(name);
    return holder === undefined ? [] : [{ key, holder }];
  });
  const other = taken.find(({ holder }) => holder === 'gone' || holder.request_hash !== event.request_hash);
  if (other !== undefined) return { outcome: 'conflict', key: other.key };
  const first = taken[0]?.holder as Holder | undefined;
  const holder = { event_id: first?.event_id ?? event.id, request_hash: event.request_hash };
  for (const { name } of names) if (!holders.has(name)) holders.set(name, holder);
  return first === undefined ? { outcome: 'accepted' } : { outcome: 'repeated', event_id: first.event_id };
}

async function insertClaims(
  tx: Database,
  claims: readonly Claim[],
  options: RunOptions,
): Promise<Set<string>> {
  const rows = await selectRows<{ account_id: string; key: string }>(
    tx,
    sql`insert into idempotency_keys (account_id, key, event_id, request_hash)
        select account_id, key, event_id, request_hash from ${unnest(claims, claimColumns)}
        on conflict do nothing
        returning account_id, key`,
    options,
  );
  return new Set(rows.map(nameOfRow));
}

/** Who holds keys, under account and key. A key that nobody holds is missing. */
export async function lookUpHolders(
  db: Database,
  keys: readonly Key[],
  options: RunOptions,
): Promise<Map<string, Holder>> {
  const rows = await selectRows<{ account_id: string; key: string; event_id: string; request_hash: string }>(
    db,
    sql`select account_id, key, event_id, request_hash from idempotency_keys
        join ${unnest(keys, {
          wanted_account: ['uuid', ({ account_id }) => uuidOf(account_id)],
          wanted_key: ['text', ({ key }) => key],
        })} on account_id = wanted_account and key = wanted_key`,
    options,
  );
  return new Map(
    rows.map((row) => [
      nameOfRow(row),
      { event_id: idOf('evt', row.event_id), request_hash: row.request_hash },
    ]),
  );
}

/** Makes the claims that were inserted for their first claimant say who holds them in the end; nobody's are withdrawn. */
async function correctClaims(
  tx: Database,
  claims: readonly Claim[],
  holders: ReadonlyMap<string, Holder | 'gone'>,
): Promise<void> {
  const moved = claims.flatMap((claim) => {
    const holder = holders.get(nameOf(claim));
    const isMoved =
      typeof holder === 'object' &&
      (holder.event_id !== claim.event_id || holder.request_hash !== claim.request_hash);
    return isMoved ? [{ ...claim, ...holder }] : [];
  });
  if (moved.length > 0) {
    await tx.execute(
      sql`update idempotency_keys k set event_id = input.event_id, request_hash = input.request_hash
          from ${unnest(moved, claimColumns)} where k.account_id = input.account_id and k.key = input.key`,
    );
  }
  const free = claims.filter((claim) => !holders.has(nameOf(claim)));
  if (free.length > 0) {
    await tx.execute(
      sql`delete from idempotency_keys k using ${unnest(free, claimColumns)}
          where k.account_id = input.account_id and k.key = input.key`,
    );
  }
}

/** Claims as the columns of `idempotency_keys`. */
export const claimColumns = {
  account_id: ['uuid', (claim: Claim) => uuidOf(claim.account_id)],
  key: ['text', (claim: Claim) => claim.key],
  event_id: ['uuid', (claim: Claim) => uuidOf(claim.event_id)],
  request_hash: ['text', (claim: Claim) => claim.request_hash],
} satisfies Parameters<typeof unnest<Claim>>[1];

function nameOf({ account_id, key }: Key): string {
  return `${account_id} ${key}`;
}

function nameOfRow({ account_id, key }: { account_id: string; key: string }): string {
  return nameOf({ account_id: idOf('acct', account_id), key });
}

/** Always in the same order, so that two transactions never wait for each other's keys crosswise. */
export function byName(a: Key, b: Key): number {
  if (nameOf(a) === nameOf(b)) return 0;
  return nameOf(a) < nameOf(b) ? -1 : 1;
}
