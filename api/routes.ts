import type { RequestHandler, Response } from 'express';
import type { Logger } from 'pino';
import type { z } from 'zod';
import type { Caller } from '../db/api-keys.ts';
import type { Database } from '../db/database.ts';
import type { Sealer } from '../db/encryption.ts';
import type { Revocations } from '../db/revocations.ts';
import type { Scope } from '../db/schema.ts';
import type { AccountLimiter } from '../delivery/account-limiter.ts';
import type { ChangesFeed } from '../delivery/changes-feed.ts';
import type { Expressions } from '../delivery/expressions.ts';
import type { InboxAnnouncer } from '../delivery/inbox-announcer.ts';
import type { Intake } from '../delivery/intake.ts';
import type { Lanes } from '../delivery/lanes.ts';
import type { PullDoor } from '../delivery/pull-door.ts';
import type { Timekeeper } from '../delivery/timekeeper.ts';
import type { WebhookWatcher } from '../delivery/webhook-watcher.ts';
import type { HealthStarter } from '../temporal/health-starter.ts';
import type { RecoveryStarter } from '../temporal/recovery-starter.ts';
import type { WorkflowStarter } from '../temporal/workflow-starter.ts';
import type { Cidr } from '../webhook/address-policy.ts';
import type { CountUsage } from './account-limits.ts';
import type { EventTypes } from './event-type-rules.ts';
import type { AnsweredRequest } from './request-log.ts';

export interface ApiSettings {
  /** Postrider's own version. */
  version: string;
  /** Ranges that webhooks may point into although the URL policy forbids them. */
  allowedPrivateCidrs: readonly Cidr[];
  /** Where people reach the API and the dashboard, without a slash at its end. */
  publicUrl: string;
  temporalNamespace: string;
  /** Whether it is reached from this machine alone, as far as the settings tell. */
  isForThisMachine?: boolean;
  /** Where people open Temporal's own page; linked to from ours. */
  temporalUiUrl?: string | undefined;
  /** Where the dashboard's page was built. */
  dashboardFolder?: string | undefined;
}

/** Whether the process can do its work, and each thing it needs for that by name. */
export interface Readiness {
  ready: boolean;
  checks: Record<string, { ok: boolean; detail?: string }>;
}

/** What the API asks of Temporal. */
export type Starter = Pick<
  WorkflowStarter,
  'startManualAttempt' | 'startDeliverEvents' | 'tellDeliveryEnded'
>;

/** What the API is made of; main.ts and tests give it. */
export interface ApiDependencies {
  db: Database;
  intake: Intake;
  expressions: Expressions;
  announcer: InboxAnnouncer;
  starter: Starter;
  healthStarter: Pick<HealthStarter, 'enable' | 'disable'>;
  recoveryStarter: Pick<RecoveryStarter, 'recover' | 'progress' | 'cancel'>;
  changes: ChangesFeed;
  pullDoor: PullDoor;
  /** Of other processes on the database; if absent, there are none. */
  revocations?: Pick<Revocations, 'areHeard' | 'listen'>;
  timekeeper: Pick<Timekeeper, 'lookAt'>;
  watcher: Pick<WebhookWatcher, 'watch' | 'tellChanged'>;
  sealer: Sealer;
  lanes: Pick<Lanes, 'advance'>;
  settings: ApiSettings;
  isReady(): Promise<Readiness>;
  /** All metrics, in Prometheus's text format. */
  readMetrics(): Promise<string>;
  /** Stands before every route. */
  traceRequests?: RequestHandler;
  /** Hears of every request that was answered. */
  onRequest?: (request: AnsweredRequest) => void;
  log: Logger;
  now?: () => Date;
  /** For tests: how often a stream of deliveries says that it is there, and when it ends. */
  listening?: { heartbeatMs: number; mostMs: number };
}

/** What handlers work with. */
export interface Services extends Omit<ApiDependencies, 'now'> {
  now(): Date;
  eventTypes: EventTypes;
  accountLimiter: AccountLimiter;
  /** Looks every key up afresh from now on: one was revoked. */
  forgetCallers(): void;
  /** Calls it whenever a caller may no longer be let in, until the answered function is called. */
  onRevocation(listener: () => void): () => void;
}

export interface RouteRequest<Params, Query, Headers, Body> {
  params: Params;
  query: Query;
  headers: Headers;
  body: Body;
  /** Who asks. On public routes nobody does, and reading it throws. */
  caller: Caller;
  /** Counts events against the caller's limit, before they are stored. @throws Problem 429 */
  countEvents: CountUsage;
  /** SHA-256 of the session's token that the browser sent, be it of any use or not. */
  sessionHash: string | undefined;
  /** Whether nobody waits for the answer any more: the connection is gone. */
  hasLeft(): boolean;
  /** Whether the caller would still be let in. */
  isStillAllowed(): Promise<boolean>;
}

export interface Reply {
  status: number;
  /** Sent as JSON. */
  body?: unknown;
  /** In place of a body: writes to the response, whose status and headers are set, for as long as it likes. */
  stream?(response: Response): void;
  headers?: Record<string, string>;
  /** For the request's line in the log: ids of what it made. */
  logged?: { event_id: string } | { webhook_id: string };
}

export interface ResponseSpec {
  description: string;
  schema?: z.ZodType;
}

/**
 * A route as data: mount.ts serves it, openapi.ts describes it, from the same schemas. `path` is in OpenAPI's form
 * (`/v1/events/{id}`).
 */
export interface RouteSpec<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Headers extends z.ZodType,
  Body extends z.ZodType,
> {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete';
  path: string;
  /** OpenAPI's operationId. */
  name: string;
  tag: string;
  summary: string;
  description?: string;
  /** Who may ask: anyone, any account's key, or a key of the first account. */
  access: 'public' | 'account' | 'first account';
  /**
   * What the key must be good for: `webhooks:read` for a GET and `webhooks:write` for others, unless it says otherwise; null
   * where every caller may.
   */
  scope?: Scope | null;
  /** Nobody who came by a portal link may, whatever it is good for. */
  isForKeysOnly?: boolean;
  /** A public route that a browser may ask only for a page of this server. */
  isSameOrigin?: boolean;
  params?: Params;
  /** A route without one takes no query parameters. */
  query?: Query;
  /** Only the headers that it names are looked at. */
  headers?: Headers;
  /** A route without one does not read a body. */
  body?: Body;
  /** The body as it is described, where the handler checks parts of it itself. */
  describedBody?: z.ZodType;
  /** A request without a body is one with `{}`. */
  isBodyOptional?: boolean;
  /** The longest body that it takes, where that is not the usual one. */
  mostBodyBytes?: number;
  /** The handler itself looks for values that cannot be stored or sent (json-limits.ts). */
  checksOwnValues?: boolean;
  responses: Record<number, ResponseSpec>;
  /** Statuses of problems that are this route's own, beyond those that all routes of its form have. */
  problems?: Record<number, string>;
  handle(
    services: Services,
    request: RouteRequest<z.output<Params>, z.output<Query>, z.output<Headers>, z.output<Body>>,
  ): Promise<Reply>;
}

/** Any route. `handle` gets what its own schemas made of the request. */
export type Route = RouteSpec<z.ZodType, z.ZodType, z.ZodType, z.ZodType>;

/** Checks a route's handler against its schemas. */
export function route<
  Params extends z.ZodType,
  Query extends z.ZodType,
  Headers extends z.ZodType,
  Body extends z.ZodType,
>(spec: RouteSpec<Params, Query, Headers, Body>): Route {
  return spec as unknown as Route;
}

/** What a caller's key must be good for; null where every caller may. */
export function scopeOf({ scope, method }: Pick<Route, 'scope' | 'method'>): Scope | null {
  if (scope !== undefined) return scope;
  return method === 'get' ? 'webhooks:read' : 'webhooks:write';
}
