import { sql } from 'drizzle-orm';
import type { AcceptOptions } from './accept-events.ts';
import { byName, type Claim, claimColumns } from './claim-keys.ts';
import { type Database, type RunOptions, selectRows } from './database.ts';
import { marking, nameOf, textsOfFilteredOut } from './filtered-out.ts';
import { type AccountId, type EventId, idOf, uuidOf } from './ids.ts';
import { insertedInLanes, insertedInNoOrder } from './owed-deliveries.ts';
import type { Placed } from './placed-events.ts';
import type { AccountSubscriptions } from './subscriptions.ts';
import { timedParts } from './timed-acceptance.ts';
import { unnest } from './unnest.ts';

/** Some accounts' webhooks have changed since they were loaded: nothing was stored. */
export class Outdated extends Error {
  readonly accounts: readonly AccountId[];

  constructor(accounts: readonly AccountId[]) {
    super('webhooks have changed');
    this.accounts = accounts;
  }
}

export type StoreOptions = RunOptions & Pick<AcceptOptions, 'laneWorkflowIdOf'>;

/**
 * Writes, in one statement, the claims, the events whose claim succeeded or that need none, and their deliveries. Answers
 * the events that it stored or released.
 * @throws Outdated, and writes nothing, when the webhooks of an account are no longer as they are `known`
 */
export async function insertPlaced(
  db: Database,
  placed: readonly Placed[],
  claims: readonly Claim[],
  known: readonly AccountSubscriptions[],
  options: StoreOptions,
): Promise<Set<EventId>> {
  const claimants = new Set(claims.map(({ event_id }) => event_id));
  const newEvents = placed.map(({ event }) => event);
  const timed = timedParts(newEvents);
  const filteredOut = textsOfFilteredOut(placed);
  const owed = placed.flatMap(({ event, deliveries }) => deliveries.map((delivery) => ({ event, delivery })));
  const inLanes = owed.some(({ delivery }) => delivery.lane !== null);
  const rows = await selectRows<{ id: string; what: 'stored' | 'outdated' | 'behind' }>(
    db,
    sql`with outdated as (
        select a.id from ${unnest(known, {
          known_account: ['uuid', ({ account_id }) => uuidOf(account_id)],
          known_version: ['text', ({ version }) => `${version}`],
        })}
        join accounts a on a.id = known_account where a.webhooks_version <> known_version::bigint
      ), claimed as (
        insert into idempotency_keys (account_id, key, event_id, request_hash)
        select account_id, key, event_id, request_hash from ${unnest([...claims].sort(byName), claimColumns)}
        where not exists (select from outdated)
        on conflict do nothing
        returning event_id
      ), stored as (
        insert into events
          (id, account_id, client_id, type, channel, data, is_test, about_webhook_id, traceparent, filtered_out,
            created_at${timed.columns})
        select id, account_id, client_id, type, channel, data, is_test, about_webhook_id, traceparent,
          filtered_out::uuid[], created_at::timestamptz${timed.values}
        from ${unnest(timed.toStore, {
          id: ['uuid', (event) => uuidOf(event.id)],
          account_id: ['uuid', (event) => uuidOf(event.account_id)],
          client_id: ['text', (event) => event.client_id],
          type: ['text', (event) => event.type],
          channel: ['text', (event) => event.channel],
          data: ['text', (event) => event.data],
          is_test: ['boolean', (event) => event.is_test],
          about_webhook_id: [
            'uuid',
            (event) => (event.about_webhook === null ? null : uuidOf(event.about_webhook)),
          ],
          traceparent: ['text', (event) => event.traceparent ?? null],
          filtered_out: ['text', (event) => filteredOut.get(event) ?? null],
          created_at: ['text', (event) => event.created_at.toISOString()],
          needs_claim: ['boolean', (event) => claimants.has(event.id)],
          ...timed.input,
        })}
        where not exists (select from outdated) and (not needs_claim or id in (select event_id from claimed))
        returning id, account_id, client_id${timed.returned}
      )${timed.further}${marking(newEvents, filteredOut)}, told as (
        insert into changes (kind, account_ids, event_ids, client_ids)
        select 'events', array_agg(account_id), array_agg(id), array_agg(client_id) from ${timed.accepted} having count(*) > 0
      ), ${inLanes ? insertedInLanes(owed, timed, options.laneWorkflowIdOf ?? (() => null)) : insertedInNoOrder(owed, timed)}
      select id, 'stored' as what from ${timed.accepted} union all select id, 'outdated' from outdated
      ${inLanes ? sql`union all select id, 'behind' from owed where lane_state = 'behind'` : sql``}`,
    { ...options, name: nameOf(inLanes ? `${timed.name}_in_lanes` : timed.name, newEvents, filteredOut) },
  );
  const idsOf = (what: string) => rows.filter((row) => row.what === what).map(({ id }) => id);
  const outdated = idsOf('outdated');
  if (outdated.length > 0) throw new Outdated(outdated.map((id) => idOf('acct', id)));
  if (inLanes) {
    const behind = new Set(idsOf('behind').map((id) => idOf('dlv', id)));
    for (const { delivery } of owed) delivery.is_behind = behind.has(delivery.id);
  }
  return new Set(idsOf('stored').map((id) => idOf('evt', id)));
}
