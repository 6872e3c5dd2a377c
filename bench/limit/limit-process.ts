import { ensureFirstAccount } from '../../db/accounts.ts';
import { type OpenDatabase, openEmbeddedDatabase, openServerDatabase } from '../../db/database.ts';
import { type AccountId, newId } from '../../db/ids.ts';
import { migrateDatabase } from '../../db/migrate.ts';
import { type AttemptRecord, recordAttempts } from '../../db/record-attempts.ts';
import { createHttpClient, type HttpClient } from '../../delivery/http-client.ts';
import { idempotencyKeyOf } from '../../webhook/idempotency-key.ts';
import { profiles } from '../../webhook/profiles.ts';
import { buildRequest } from '../../webhook/request.ts';
import { judge } from '../../webhook/response-rules.ts';
import { answerCalls } from '../child.ts';
import { nowMs } from '../clock.ts';
import { eventData } from '../payload.ts';
import {
  type Endpoint,
  insertEndpoints,
  type MadeEvent,
  type StoredDelivery,
  storeGroup,
} from './store-group.ts';

// What the parts can do at most: bodies signed, stored in groups, POSTed and recorded, by one process that does nothing
// else. There is no API, no workflow and no queue.

export interface LimitPreparation {
  /** PostgreSQL, or else the folder of an embedded database. */
  readonly database: { readonly url: string } | { readonly folder: string };
  /** Of the endpoints, each of which gets every event. */
  readonly urls: readonly string[];
}

export interface LimitRun {
  /** This one of so many processes, which share the numbers of the events. */
  readonly index: number;
  readonly processes: number;
  readonly warmUpSeconds: number;
  readonly seconds: number;
}

export interface LimitResult {
  /** POSTed, answered and recorded in the time that counts. */
  readonly deliveries: number;
  /** In all. */
  readonly made: number;
}

/** Deliveries that are stored in one transaction, and recorded in one statement. */
const deliveriesPerGroup = 100;
/** Groups under way: while one is stored, others are sent and recorded. */
const groupsAtOnce = 4;

interface Parts {
  readonly database: OpenDatabase;
  readonly accountId: AccountId;
  readonly endpoints: readonly Endpoint[];
  readonly http: HttpClient;
}

let parts: Parts | undefined;

async function prepare({ database: where, urls }: LimitPreparation): Promise<void> {
  const database =
    'url' in where
      ? openServerDatabase({ url: where.url, poolSize: 10, onIdleError: () => {} })
      : await openEmbeddedDatabase(where);
  await migrateDatabase(database);
  const { account_id: accountId } = await ensureFirstAccount(database.db, {});
  parts = {
    database,
    accountId,
    endpoints: await insertEndpoints(database.db, accountId, urls),
    http: createHttpClient({ isAddressAllowed: () => true }),
  };
}

async function run({ index, processes, warmUpSeconds, seconds }: LimitRun): Promise<LimitResult> {
  if (parts === undefined) throw new Error('nothing is prepared');
  const { database, accountId, endpoints, http } = parts;
  const from = nowMs() + warmUpSeconds * 1_000;
  const until = from + seconds * 1_000;
  let deliveries = 0;
  let made = 0;
  let nextSeq = index;
  const takeEvents = () =>
    Array.from({ length: Math.max(1, Math.round(deliveriesPerGroup / endpoints.length)) }, () => {
      const seq = nextSeq;
      nextSeq += processes;
      return newEvent(accountId, seq);
    });
  const deliverGroups = async () => {
    while (nowMs() < until) {
      const stored = await storeGroup(database.db, takeEvents(), endpoints);
      const attempts = await Promise.all(stored.map((delivery) => attempt(http, delivery)));
      await recordAttempts(database.db, attempts);
      made += attempts.length;
      const now = nowMs();
      if (now >= from && now < until) deliveries += attempts.length;
    }
  };
  await Promise.all(Array.from({ length: groupsAtOnce }, deliverGroups));
  await http.close();
  await database.close();
  return { deliveries, made };
}

function newEvent(accountId: AccountId, seq: number): MadeEvent {
  return { id: newId('evt'), accountId, type: 'bench.t0', data: eventData(seq), createdAt: new Date() };
}

/** As an attempt is made: the same body, signatures, client and rules. Resolves with its record. */
async function attempt(
  http: HttpClient,
  { event, endpoint, deliveryId }: StoredDelivery,
): Promise<AttemptRecord> {
  const attemptedAt = new Date();
  const { headers, body } = buildRequest({
    profile: profiles.inbox,
    event: {
      id: event.id,
      type: event.type,
      channel: null,
      createdAt: event.createdAt,
      data: JSON.parse(event.data),
      idempotencyKey: () => idempotencyKeyOf(event.id),
    },
    secrets: [endpoint.secret],
    auth: { type: 'none' },
    headers: {},
    attemptedAt,
    userAgent: 'Postrider/limit',
  });
  const answer = await http.post({ url: endpoint.url, headers, body, timeoutMs: profiles.inbox.timeoutMs });
  const verdict = judge(profiles.inbox, answer, { now: Date.now() });
  if (verdict.outcome !== 'succeeded' || answer.kind !== 'answered') {
    throw new Error('the sink did not answer 200');
  }
  return {
    id: newId('att'),
    delivery_id: deliveryId,
    webhook_id: endpoint.id,
    account_id: event.accountId,
    trigger: 'schedule',
    started_at: attemptedAt,
    duration_ms: answer.durationMs,
    url: endpoint.url,
    request_headers: headers,
    succeeded: true,
    reason: null,
    detail: null,
    response_status: answer.status,
    response_headers: { ...answer.headers },
    response_body: answer.body,
    response_truncated: answer.bodyTruncated,
    next_attempt_at: null,
  };
}

export type LimitCalls = typeof calls;

const calls = { prepare, run };

answerCalls(calls);
