import { createHash } from 'node:crypto';
import type { Logger } from 'pino';
import type { Database } from '../db/database.ts';
import { type EventTypeRules, findEventTypeRules, recordSeenEventType } from '../db/event-types.ts';
import type { AccountId } from '../db/ids.ts';
import { catalogueEntry, eventCatalogue } from '../webhook/profiles.ts';
import { withinDeadline } from './deadline.ts';
import { compileBuiltInSchema, compileSchema, fieldErrors, type SchemaCheck } from './json-schema.ts';
import { createMemory } from './memory.ts';
import { invalidBody, Problem, unavailable } from './problems.ts';
import { LimitExceeded } from './time-limit.ts';

/** What an account's catalogue has to say about the events that come in. */
export interface EventTypes {
  /**
   * Whether the account may post an event of the type with such data.
   * @throws Problem 422 for data that does not fit the type's schema and for a type that a strict account does not know,
   * 503 for a moment after the account's schemas have taken too long
   * @throws DatabaseUnavailable
   */
  check(accountId: AccountId, type: string, data: unknown): Promise<void>;
  /**
   * Lists types as seen that are in no catalogue and not listed yet. Never fails, and waits half a second at most: the events
   * are stored already.
   */
  noteSeen(accountId: AccountId, types: Iterable<string>): Promise<void>;
  /**
   * Compiles a schema in the account's own time.
   * @throws SchemaNotUsable, LimitExceeded, and Problem 503 as `check`
   */
  compile(accountId: AccountId, schema: object): SchemaCheck;
  /** Looks everything up afresh from now on: something was changed. */
  forget(): void;
}

/** How long what another process has changed may go unnoticed, in ms. */
const rememberedMs = 5_000;
const mostRemembered = 10_000;
const mostCompiled = 500;
/** A database that hangs keeps nobody waiting for long whose events are stored; what is not listed by then is so afterwards. */
const noteDeadlineMs = 500;
/** An account whose schema has taken too long waits this long, in ms: so its events take a fiftieth of the time at most. */
const pauseMs = 10_000;

/** Of the types whose dialect cannot send every form of data. */
const builtInChecks = new Map(
  eventCatalogue.flatMap(({ type, schema }) =>
    typeof schema === 'object' && schema !== null ? [[type, compileBuiltInSchema(schema)] as const] : [],
  ),
);

/** Holds events to the account's own schema of their type, else to the built-in one. */
export function createEventTypes({
  db,
  log,
  now,
}: {
  db: Database;
  log: Logger;
  now: () => Date;
}): EventTypes {
  const memory = createMemory<EventTypeRules>({ rememberedMs, most: mostRemembered, now });
  const compiled = new Map<string, SchemaCheck>();
  const pausedUntil = new Map<AccountId, number>();

  const keyOf = (accountId: AccountId, type: string) => `${accountId} ${type}`;
  const rulesOf = async (accountId: AccountId, type: string) =>
    (await memory.recall(keyOf(accountId, type), () =>
      findEventTypeRules(db, accountId, type),
    )) as EventTypeRules;

  function inOwnTime<T>(accountId: AccountId, work: () => T): T {
    if ((pausedUntil.get(accountId) ?? 0) > now().getTime()) {
      throw unavailable(
        'schema_paused',
        'A schema of this account has just taken too long: try again in 10 s',
      );
    }
    pausedUntil.delete(accountId);
    try {
      return work();
    } catch (error) {
      if (error instanceof LimitExceeded) pausedUntil.set(accountId, now().getTime() + pauseMs);
      throw error;
    }
  }

  /** Compiled once for a text, whoever's it is: the check depends on nothing else. */
  function compileOnce(schema: object): SchemaCheck {
    const key = createHash('sha256').update(JSON.stringify(schema)).digest('base64');
    const check = compiled.get(key) ?? compileSchema(schema);
    compiled.delete(key);
    compiled.set(key, check);
    const [oldest] = compiled.keys();
    if (compiled.size > mostCompiled && oldest !== undefined) compiled.delete(oldest);
    return check;
  }

  function faultsByOwnSchema(accountId: AccountId, schema: object, data: unknown) {
    try {
      return inOwnTime(accountId, () => compileOnce(schema)(data));
    } catch (error) {
      if (error instanceof Problem) throw error;
      // It compiled when it was stored, and yet an expression in it may be too large to run.
      return [
        { pointer: '', detail: 'could not be checked against the schema of its type: that takes too long' },
      ];
    }
  }

  /** As far as is known without asking the database. */
  const isListed = (accountId: AccountId, type: string) =>
    catalogueEntry(type) !== undefined || (memory.peek(keyOf(accountId, type))?.entry ?? null) !== null;

  async function listUnknown(accountId: AccountId, types: Iterable<string>): Promise<void> {
    for (const type of types) {
      const rules = await rulesOf(accountId, type);
      if (rules.entry !== null) continue;
      await recordSeenEventType(db, accountId, type);
      memory.correct(keyOf(accountId, type), { ...rules, entry: 'seen' });
    }
  }

  return {
    async check(accountId, type, data) {
      const rules = await rulesOf(accountId, type);
      const builtIn = catalogueEntry(type);
      if (rules.is_strict && rules.entry !== 'own' && builtIn === undefined) throw unknownType();
      const own = rules.json_schema;
      const faults =
        typeof own === 'object' && own !== null
          ? faultsByOwnSchema(accountId, own, data)
          : (builtInChecks.get(type)?.(data) ?? []);
      if (faults.length > 0) throw invalidBody(fieldErrors(faults, '/data'));
    },

    async noteSeen(accountId, types) {
      const unknown = [...types].filter((type) => !isListed(accountId, type));
      if (unknown.length === 0) return;
      try {
        await withinDeadline(listUnknown(accountId, unknown), noteDeadlineMs);
      } catch (error) {
        log.warn({ account_id: accountId, reason: (error as Error).name }, 'a new event type was not listed');
      }
    },

    compile: (accountId, schema) => inOwnTime(accountId, () => compileOnce(schema)),

    forget: memory.forget,
  };
}

function unknownType(): Problem {
  return new Problem({
    status: 422,
    code: 'unknown_event_type',
    detail: 'The account takes events of the types in its catalogue only',
    errors: [{ pointer: '/type', detail: 'is not in the catalogue (GET /v1/event-types)' }],
  });
}
