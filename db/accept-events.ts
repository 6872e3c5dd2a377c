import { type SQL, sql } from 'drizzle-orm';
import { laneFinder } from '../webhook/ordering.ts';
import {
  byName,
  type Claim,
  claimColumns,
  claimKeys,
  claimsOf,
  type Holder,
  type Judgement,
  lookUpHolders,
} from './claim-keys.ts';
import { type Database, type RunOptions, selectRows } from './database.ts';
import { query } from './errors.ts';
import { type AccountId, type DeliveryId, type EventId, idOf, newId, uuidOf, type WebhookId } from './ids.ts';
import { insertedInLanes, insertedInNoOrder } from './owed-deliveries.ts';
import {
  type AccountSubscriptions,
  createSubscriptionMemory,
  type Subscription,
  type SubscriptionMemory,
} from './subscriptions.ts';
import { timedParts } from './timed-acceptance.ts';
import { unnest } from './unnest.ts';

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

/** An event, and a webhook that subscribes to it and has a filter. */
export interface FilterQuestion {
  event: NewEvent;
  webhook: Subscription & { filter: string };
}

/** Whether an event passes a filter; `open` where that gave no result. */
export type FilterVerdict = 'passes' | 'filtered' | 'open';

/** Names the workflow that will own a delivery. `owed` is all that goes out of the event, this webhook among them. */
export type NameWorkflow = (event: NewEvent, webhook: Subscription, owed: readonly Subscription[]) => string;

export interface AcceptOptions {
  /** Whether the caller makes the first attempt of a pending delivery; if absent it makes none. */
  hasHeadStart?: (event: NewEvent, webhook: Subscription) => boolean;
  /** Names the workflow that will own a delivery which waits in its lane, should it need one; if absent, as any other's. */
  laneWorkflowIdOf?: (delivery: DeliveryId) => string;
  /** Answers in the order of the questions, of which there are some; if absent, filters let everything pass. */
  askFilters?: (questions: readonly FilterQuestion[]) => Promise<FilterVerdict[]>;
  /** Bounds the wait for each statement, in ms: what becomes of the events is not known then. */
  timeoutMs?: number;
  /** What is remembered of accounts' webhooks; if absent they are loaded. */
  memory?: SubscriptionMemory;
}

/** Some accounts' webhooks have changed since they were loaded: nothing was stored. */
class Outdated extends Error {
  readonly accounts: readonly AccountId[];

  constructor(accounts: readonly AccountId[]) {
    super('webhooks have changed');
    this.accounts = accounts;
  }
}

type StoreOptions = RunOptions & Pick<AcceptOptions, 'laneWorkflowIdOf'>;

/** So often webhooks may change in the moment in which events of their account are stored. */
const mostReloads = 5;
/** And so often filters are asked then, since others' events wait meanwhile: what has no verdict after that is open. */
const mostAsks = 2;

/** An event with what is owed of it. */
interface Placed {
  event: NewEvent;
  deliveries: NewDelivery[];
  /** Whose filter keeps it from them. */
  filteredOut: WebhookId[];
}

/** By event, webhook and filter. */
type Verdicts = Map<string, FilterVerdict>;
type VerdictOf = (event: NewEvent, webhook: Subscription) => FilterVerdict;

interface Choice {
  subscribes: (webhook: Subscription, event: NewEvent) => boolean;
  workflowIdOf: NameWorkflow;
  hasHeadStart: (event: NewEvent, webhook: Subscription) => boolean;
  verdictOf: VerdictOf;
  laneOf: ReturnType<typeof laneFinder>;
}

const passes: VerdictOf = () => 'passes';

/**
 * Stores events and a pending delivery (or, where the endpoint is disabled, a held one, and a queued one where there is none) for each subscribed webhook, in one
 * transaction, and answers for each event in the given order. Of two that come under one key the first is accepted. What is
 * asked of the caller is asked in the order of the events.
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
      askFilters,
    }: AcceptOptions = {},
  ): Promise<Acceptance[]> => {
    const options: StoreOptions = {
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
      ...(laneWorkflowIdOf === undefined ? {} : { laneWorkflowIdOf }),
    };
    const laneOf = laneFinder();
    const verdicts: Verdicts = new Map();
    const accounts = [...new Set(newEvents.map((event) => event.account_id))];
    for (let reloads = 0; ; reloads += 1) {
      const known = await memory.recall(db, accounts, options);
      const webhooks = new Map(known.map((one) => [one.account_id, one.webhooks]));
      const questions = askFilters === undefined ? [] : filterQuestions(newEvents, known, subscribes);
      if (questions.length > 0 && askFilters !== undefined && reloads < mostAsks) {
        await askAll(questions, askFilters, verdicts);
      }
      const verdictOf = questions.length === 0 ? passes : verdictFinder(questions, verdicts);
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

/** Who gets it is decided when it is released. */
function isForLater({ deliver_at, release }: NewEvent): boolean {
  return deliver_at !== undefined && release === undefined;
}

/** What the filters of the known accounts' webhooks are to be asked. Who is named alone gets its event whatever its filter says. */
export function filterQuestions(
  newEvents: readonly NewEvent[],
  known: readonly AccountSubscriptions[],
  subscribes: Choice['subscribes'],
): FilterQuestion[] {
  const filtering = known.filter(({ has_filters }) => has_filters);
  if (filtering.length === 0) return [];
  const webhooks = new Map(filtering.map((one) => [one.account_id, one.webhooks.filter(hasFilter)] as const));
  return newEvents.flatMap((event) =>
    event.only_webhook !== null || isForLater(event)
      ? []
      : (webhooks.get(event.account_id) ?? [])
          .filter((webhook) => subscribes(webhook, event))
          .map((webhook) => ({ event, webhook })),
  );
}

async function askAll(
  questions: readonly FilterQuestion[],
  askFilters: NonNullable<AcceptOptions['askFilters']>,
  verdicts: Verdicts,
): Promise<void> {
  const answers = await askFilters(questions);
  for (const [index, question] of questions.entries()) {
    verdicts.set(keyOf(question), answers[index] ?? 'open');
  }
}

function keyOf({ event, webhook }: FilterQuestion): string {
  return `${event.id} ${webhook.id} ${webhook.filter}`;
}

function verdictFinder(questions: readonly FilterQuestion[], verdicts: Verdicts): VerdictOf {
  const byKey = new Map(
    questions.map((question) => {
      const { event, webhook } = question;
      return [`${event.id} ${webhook.id}`, verdicts.get(keyOf(question)) ?? 'open'] as const;
    }),
  );
  return (event, webhook) => byKey.get(`${event.id} ${webhook.id}`) ?? 'passes';
}

function hasFilter(webhook: Subscription): webhook is FilterQuestion['webhook'] {
  return webhook.filter !== null;
}

function placed(
  event: NewEvent,
  subscriptions: readonly Subscription[],
  { subscribes, workflowIdOf, hasHeadStart, verdictOf, laneOf }: Choice,
): Placed {
  if (isForLater(event)) return { event, deliveries: [], filteredOut: [] };
  const subscribed = subscriptions.filter((webhook) =>
    event.only_webhook === null ? subscribes(webhook, event) : webhook.id === event.only_webhook,
  );
  const isFilteredOut = (webhook: Subscription) => verdictOf(event, webhook) === 'filtered';
  const owed = verdictOf === passes ? subscribed : subscribed.filter((webhook) => !isFilteredOut(webhook));
  const filteredOut =
    owed.length === subscribed.length ? [] : subscribed.filter(isFilteredOut).map(({ id }) => id);
  const pending = owed.filter((webhook) => statusOf(webhook, event) === 'pending');
  const deliveries = owed.map((webhook): NewDelivery => {
    const status = statusOf(webhook, event);
    const isPending = status === 'pending';
    return {
      id: newId('dlv'),
      webhook_id: webhook.id,
      // It is given to another workflow when it goes out.
      workflow_id: isPending ? workflowIdOf(event, webhook, pending) : `deliver/${event.id}`,
      status,
      has_head_start: isPending && hasHeadStart(event, webhook),
      lane: webhook.ordering === null || event.is_test ? null : laneOf(webhook.ordering, event),
      is_behind: false,
      is_filter_open: verdictOf(event, webhook) === 'open',
      webhook,
    };
  });
  return { event, deliveries, filteredOut };
}

/** A test event goes out whatever the endpoint's state: that is how one tests whether it is well again. */
function statusOf({ endpoint_state, url }: Subscription, event: NewEvent): NewDelivery['status'] {
  if (url === null) return 'queued';
  const isHeld = !event.is_test && (endpoint_state === 'disabled' || endpoint_state === 'probing');
  return isHeld ? 'held' : 'pending';
}

/** As PostgreSQL writes lists of ids: of those events that filters kept from a webhook. */
function textsOfFilteredOut(placed: readonly Placed[]): ReadonlyMap<NewEvent, string> {
  const some = placed.filter(({ filteredOut }) => filteredOut.length > 0);
  return new Map(some.map(({ event, filteredOut }) => [event, `{${filteredOut.map(uuidOf)}}`]));
}

/** One that is released is stored already: whose filters keep it back is added then. */
function marked(newEvents: readonly NewEvent[], filteredOut: ReadonlyMap<NewEvent, string>): NewEvent[] {
  return filteredOut.size === 0
    ? []
    : newEvents.filter((event) => event.release !== undefined && filteredOut.has(event));
}

function marking(newEvents: readonly NewEvent[], filteredOut: ReadonlyMap<NewEvent, string>): SQL {
  const events = marked(newEvents, filteredOut);
  if (events.length === 0) return sql``;
  return sql`, marked as (
      update events e set filtered_out = marked_out::uuid[]
      from ${unnest(events, {
        marked_id: ['uuid', ({ id }) => uuidOf(id)],
        marked_out: ['text', (event) => filteredOut.get(event) ?? null],
      })} where e.id = marked_id and e.id in (select id from released)
    )`;
}

/** With that step the statement has another text. */
function nameOf(
  name: string,
  newEvents: readonly NewEvent[],
  filteredOut: ReadonlyMap<NewEvent, string>,
): string {
  return marked(newEvents, filteredOut).length === 0 ? name : `${name}_filtered`;
}

/**
 * Writes, in one statement, the claims, the events whose claim succeeded or that need none, and their deliveries. Answers
 * the events that it stored or released.
 * @throws Outdated, and writes nothing, when the webhooks of an account are no longer as they are `known`
 */
async function insertPlaced(
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
