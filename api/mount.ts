import type { Express, Request, RequestHandler, Response } from 'express';
import { z } from 'zod';
import type { Caller } from '../db/api-keys.ts';
import { countUsage } from './account-limits.ts';
import type { Authenticator } from './authentication.ts';
import { type BodyBudget, createBodyBudget } from './body-budget.ts';
import { withinDeadline } from './deadline.ts';
import { assertFromDashboard, assertSameOrigin } from './forged-requests.ts';
import { Problem } from './problems.ts';
import { mostBodyBytes, readJsonBody } from './request-body.ts';
import { idsForLog, noteForLog } from './request-log.ts';
import { type Reply, type Route, type Services, scopeOf } from './routes.ts';
import { sessionHashIn } from './session-cookie.ts';
import { parseBody, parseParameters } from './validation.ts';

/** How long the database is waited for, in ms, before what is only read is answered with 503. */
const readDeadlineMs = 2_000;
/** Of all bodies that are taken in at the same time. */
const mostBytesAtOnce = 64 * 1024 * 1024;

const noQuery = z.strictObject({});

/** Serves the routes, and answers other methods on their paths with 405, or with what is allowed when that is asked. */
export function mountRoutes(
  app: Express,
  routes: readonly Route[],
  services: Services,
  authenticator: Authenticator,
): void {
  // A path without parameters first: `/v1/webhooks/test` is not the webhook `test`.
  const paths = [...new Set(routes.map((route) => route.path))].sort(
    (a, b) => a.split('{').length - b.split('{').length,
  );
  const budget = createBodyBudget(mostBytesAtOnce);
  for (const path of paths) {
    const here = routes.filter((route) => route.path === path);
    const expressPath = path.replaceAll(/\{(\w+)\}/g, ':$1');
    for (const route of here) app[route.method](expressPath, serve(route, services, authenticator, budget));
    const methods = here.map((route) => route.method.toUpperCase());
    app.all(expressPath, refuseOtherMethods(path, methods));
  }
}

function serve(
  route: Route,
  services: Services,
  authenticator: Authenticator,
  budget: BodyBudget,
): RequestHandler {
  return async (request, response) => {
    noteForLog(response, { route: route.path });
    const sessionHash = sessionHashIn(request.headers.cookie);
    assertNotForged(request, route, { sessionHash, publicUrl: services.settings.publicUrl });
    const caller =
      route.access === 'public' ? undefined : await identify(request, route, authenticator, sessionHash);
    if (caller !== undefined) {
      noteForLog(response, { account_id: caller.account_id });
      await countUsage(services.accountLimiter, response, caller, 'requests', 1);
    }
    if (route.body) budget.setAside(request, response, route.mostBodyBytes ?? mostBodyBytes);
    const params = route.params && parseParameters(route.params, request.params, 'parameter');
    if (params !== undefined) noteForLog(response, idsForLog(params));
    const answer = route.handle(services, {
      params,
      query: parseQuery(route, request),
      headers: route.headers && parseParameters(route.headers, headersOf(route.headers, request), 'header'),
      body: route.body && parseBody(route.body, await readJsonBody(request, response, route)),
      sessionHash,
      hasLeft: () => request.socket.destroyed,
      isStillAllowed: () => identify(request, route, authenticator, sessionHash).then(() => true, isOutage),
      // Undefined on public routes, whose handlers do not look. No getter: an object with one is slow, and so are its handlers.
      caller: caller as Caller,
      countEvents: (events) =>
        countUsage(services.accountLimiter, response, caller as Caller, 'events', events),
    });
    send(response, await (route.method === 'get' ? withinDeadline(answer, readDeadlineMs) : answer));
  };
}

/** A browser sends a session's cookie along whoever makes it ask. @throws Problem 403 */
function assertNotForged(
  { headers, method }: Request,
  { access, isSameOrigin }: Route,
  { sessionHash, publicUrl }: { sessionHash: string | undefined; publicUrl: string },
): void {
  if (access === 'public') {
    if (isSameOrigin) assertSameOrigin(headers, publicUrl);
    return;
  }
  const isBySession = sessionHash !== undefined && headers.authorization === undefined;
  if (isBySession && method !== 'GET' && method !== 'HEAD') assertFromDashboard(headers, publicUrl);
}

/** @throws Problem 401, 403 */
async function identify(
  request: Request,
  route: Route,
  authenticator: Authenticator,
  sessionHash: string | undefined,
): Promise<Caller> {
  const caller = await authenticator.authenticate(request.headers.authorization, sessionHash);
  const refusal = refusalOf(caller, route);
  if (refusal !== undefined) throw new Problem({ status: 403, ...refusal });
  return caller;
}

/** Why a caller may not ask this of the route. */
function refusalOf(
  { by, scopes, is_first_account }: Caller,
  route: Route,
): { code: string; detail: string } | undefined {
  const scope = scopeOf(route);
  const isMissing = scope !== null && !scopes.includes(scope);
  if ((isMissing || route.isForKeysOnly) && by.kind === 'portal_link') {
    return by.read_only && isMissing && (scope !== 'admin' || route.method !== 'get')
      ? { code: 'read_only', detail: 'This link is for looking only' }
      : { code: 'forbidden', detail: 'Nobody who came by a portal link may do this' };
  }
  if (route.access === 'first account' && !is_first_account) {
    return { code: 'forbidden', detail: 'Only a key of the first account may do this' };
  }
  if (isMissing) return { code: 'insufficient_scope', detail: `The API key has not the scope ${scope}` };
  return undefined;
}

function parseQuery(route: Route, request: Request): unknown {
  // Probes and browsers may add what they like to what anyone may read.
  if (route.query === undefined && route.access === 'public') return undefined;
  return parseParameters(route.query ?? noQuery, request.query, 'parameter');
}

/** The named headers, in lower case; one that was sent twice is a list, which no schema takes. */
function headersOf(schema: z.ZodType, request: Request): Record<string, unknown> {
  const names = schema instanceof z.ZodObject ? Object.keys(schema.shape) : [];
  return Object.fromEntries(
    names.map((name) => {
      const values = request.headersDistinct[name.toLowerCase()];
      return [name, values?.length === 1 ? values[0] : values];
    }),
  );
}

/** Answers what a path's own methods did not: 405, or to OPTIONS what it takes. */
export function refuseOtherMethods(path: string, methods: readonly string[]): RequestHandler {
  const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : []), 'OPTIONS'].join(', ');
  return (request, response) => {
    noteForLog(response, { route: path });
    response.set('Allow', allow);
    if (request.method === 'OPTIONS') {
      response.status(204).end();
      return;
    }
    throw new Problem({ status: 405, code: 'method_not_allowed', detail: `This path takes ${allow}` });
  };
}

/** What is not a refusal says nothing of the caller. */
function isOutage(error: unknown): boolean {
  return !(error instanceof Problem);
}

function send(response: Response, reply: Reply): void {
  if (reply.logged !== undefined) noteForLog(response, reply.logged);
  response.status(reply.status);
  if (reply.headers !== undefined) response.set(reply.headers);
  if (reply.stream !== undefined && response.req.method !== 'HEAD') reply.stream(response);
  else if (reply.body === undefined) response.end();
  else response.json(reply.body);
}
