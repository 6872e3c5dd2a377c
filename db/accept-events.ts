import { laneFinder } from '../webhook/ordering.ts';
import { claimKeys, claimsOf, type Holder, type Judgement, lookUpHolders } from './claim-keys.ts';
import type { Database } from './database.ts';
import { query } from './errors.ts';
import { filterQuestions, type VerdictOn, verdictFinder } from './event-filters.ts';
import type { AccountId, DeliveryId, EventId, WebhookId } from './ids.ts';
import { insertPlaced, Outdated, type StoreOptions } from './insert-events.ts';
import { type Placed, placed } from './placed-events.ts';
import {
  type AccountSubscriptions,
  createSubscriptionMemory,
  type Subscription,
  type SubscriptionMemory,
} from './subscriptions.ts';

/** An event as it is stored: checked, named and timed, but not yet written. */
export interface NewEvent {
  id: EventId;
  account_id: AccountId;
  client_id: string | null;
  type: string;
  channel: string | null;
  /** JSON text. */
  data: string;
  is_test: boolean;
  /** The moment in its id. */
  created_at: Date;
  /** For a test event: the one webhook it goes to, subscribed or not. */
  only_webhook: WebhookId | null;
  /** For an operational event: the endpoint it is about, which never gets it. */
  about_webhook: WebhookId | null;
  /** The keys under which a repeat is recognised (`key:…`, `id:…`); may be empty. */
  idempotency_keys: string[];
  /** Tells a repeat from another request under the same key. */
  request_hash: string;
  /** The span that brought it (W3C Trace Context); absent where it is not traced. */
  traceparent?: string;
  /** When it is to go out; absent for at once. Until then it is stored without deliveries. */
  deliver_at?: Date;
  /** After this moment nothing of it is sent. */
  expires_at?: Date;
  /**
   * It is stored already, and goes out now, as it was in that version. Where it was changed, cancelled or released meanwhile
   * nothing is done, and it counts as repeated.
   */
  release?: { version: number; at: Date };
}

export type Acceptance =
  | { outcome: 'accepted'; event_id: EventId; deliveries: NewDelivery[] }
  /** Accepted before, under the same key and with the same content: `event_id` is that event. */
  | { outcome: 'repeated'; event_id: EventId }
  /** The key was used for another request. */
  | { outcome: 'conflict'; key: string };

export interface NewDelivery {
  id: DeliveryId;
  webhook_id: WebhookId;
  workflow_id: string;
  /** `held` when the endpoint is disabled, `queued` when there is none: no workflow is needed then. */
  status: 'pending' | 'held' | 'queued';
  /** Whether the caller makes its first attempt. */
  has_head_start: boolean;
  /** In which lane of its webhook it is; null where the webhook's events are in no order. */
  lane: string | null;
  /** Others of its lane are before it: it is attempted when these have ended, by whoever ends them. */
  is_behind: boolean;
  /** Its webhook's filter gave no result: whoever attempts it asks it again. */
  is_filter_open: boolean;
  webhook: Subscription;
}

/** Names the workflow that will own a delivery. `owed` is all that goes out of the event, this webhook among them. */
export type NameWorkflow = (event: NewEvent, webhook: Subscription, owed: readonly Subscription[]) => string;

export interface AcceptOptions {
  /** Whether the caller makes the first attempt of a pending delivery; if absent it makes none. */
  hasHeadStart?: (event: NewEvent, webhook: Subscription) => boolean;
  /** Names the workflow that will own a delivery which waits in its lane, should it need one; if absent, as any other's. */
  laneWorkflowIdOf?: (delivery: DeliveryId) => string;
  /** If absent, filters let everything pass. */
  verdictOn?: VerdictOn;
  /** Bounds the wait for each statement, in ms: what becomes of the events is not known then. */
  timeoutMs?: number;
  /** What is remembered of accounts' webhooks; if absent they are loaded. */
  memory?: SubscriptionMemory;
}

/** So often webhooks may change in the moment in which events of their account are stored. */
const mostReloads = 5;

/**
 * Stores events and a pending delivery (or, where the endpoint is disabled, a held one, and a queued one where there is none) for each subscribed webhook, in one
 * transaction, and answers for each event in the given order. Of two that come under one key the first is accepted. What is
 * asked of the caller is asked in the order of the events.
 * @throws FiltersUnasked, and stores nothing, where `verdictOn` does not know what a filter says
 */
export const acceptEvents = query(
  async (
    db: Database,
    newEvents: readonly NewEvent[],
    subscribes: (webhook: Subscription, event: NewEvent) => boolean,
    workflowIdOf: NameWorkflow,
    {
      hasHeadStart = () => false,
      laneWorkflowIdOf,
      timeoutMs,
      memory = createSubscriptionMemory(),
      verdictOn = () => 'passes',
    }: AcceptOptions = {},
  ): Promise<Acceptance[]> => {
    const options: StoreOptions = {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(laneWorkflowIdOf === undefined ? {} : { laneWorkflowIdOf }),
    };
    const laneOf = laneFinder();
    const accounts = [...new Set(newEvents.map((event) => event.account_id))];
    for (let reloads = 0; ; reloads += 1) {
      const known = await memory.recall(db, accounts, options);
      const webhooks = new Map(known.map((one) => [one.account_id, one.webhooks]));
      const verdictOf = verdictFinder(filterQuestions(newEvents, known, subscribes), verdictOn);
      const choice = { subscribes, workflowIdOf, hasHeadStart, verdictOf, laneOf };
      const place = (event: NewEvent) => placed(event, webhooks.get(event.account_id) ?? [], choice);
      try {
        // After so many, what an event is owed is decided by what was just loaded.
        return await store(db, newEvents, place, reloads < mostReloads ? known : [], options);
      } catch (error) {
        if (!(error instanceof Outdated)) throw error;
        memory.forget(error.accounts);
      }
    }
  },
);

/** @throws Outdated when what is `known` holds no longer */
function store(
  db: Database,
  newEvents: readonly NewEvent[],
  place: (event: NewEvent) => Placed,
  known: readonly AccountSubscriptions[],
  options: StoreOptions,
): Promise<Acceptance[]> {
  if (newEvents.every((event) => event.idempotency_keys.length < 2)) {
    return acceptInOneStatement(db, newEvents.map(place), known, options);
  }
  return db.transaction(async (tx) => {
    const judgements = await claimKeys(tx, newEvents, options);
    const placed = newEvents.filter((event) => judgements.get(event)?.outcome === 'accepted').map(place);
    const stored = await insertPlaced(tx, placed, [], known, options);
    const deliveries = new Map(placed.map((one) => [one.event, one.deliveries]));
    return newEvents.map((event): Acceptance => {
      const judgement = judgements.get(event) as Judgement;
      if (judgement.outcome !== 'accepted') return judgement;
      if (event.release !== undefined && !stored.has(event.id)) return repeated(event.id);
      return { outcome: 'accepted', event_id: event.id, deliveries: deliveries.get(event) ?? [] };
    });
  });
}

/** Events with one key or none: a key that is taken leaves out its event, and the rest is stored all the same. */
async function acceptInOneStatement(
  db: Database,
  placed: readonly Placed[],
  known: readonly AccountSubscriptions[],
  options: StoreOptions,
): Promise<Acceptance[]> {
  const claims = placed.flatMap(({ event }) => claimsOf(event));
  const stored = await insertPlaced(db, placed, claims, known, options);
  const taken = claims.filter(({ event_id }) => !stored.has(event_id));
  const holders = taken.length === 0 ? new Map<string, Holder>() : await lookUpHolders(db, taken, options);
  return placed.map(({ event, deliveries }): Acceptance => {
    if (stored.has(event.id)) return { outcome: 'accepted', event_id: event.id, deliveries };
    if (event.release !== undefined) return repeated(event.id);
    const [key = ''] = event.idempotency_keys;
    const holder = holders.get(`${event.account_id} ${key}`);
    return holder?.request_hash === event.request_hash
      ? repeated(holder.event_id)
      : { outcome: 'conflict', key };
  });
}

function repeated(event_id: EventId): Acceptance {
  return { outcome: 'repeated', event_id };
}
