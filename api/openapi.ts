import { z } from 'zod';
import { createDocument, type ZodOpenApiOperationObject, type ZodOpenApiPathsObject } from 'zod-openapi';
import { requestHeader } from './forged-requests.ts';
import { type Route, scopeOf } from './routes.ts';

const problemSchema = z
  .looseObject({
    type: z.literal('about:blank'),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    code: z.string().meta({ description: 'What programs tell problems apart by.' }),
    errors: z
      .array(
        z.object({
          pointer: z.string().optional().meta({ description: 'A JSON pointer into the body.' }),
          parameter: z.string().optional().meta({ description: 'The name of a path or query parameter.' }),
          header: z.string().optional(),
          detail: z.string(),
        }),
      )
      .optional(),
  })
  .meta({ id: 'Problem', description: 'RFC 9457' });

const description = `Delivers events to webhooks, signed, until each has answered 2xx or its retry schedule is spent.

Send an API key with every request: \`Authorization: Bearer pk_…\`; browsers may sign in and send a session’s cookie instead. Ids tell their kind by their prefix; times are RFC 3339
in UTC with milliseconds; lists are newest first, and \`next_cursor\` asks for the next page. Errors are problem documents
(RFC 9457) with a \`code\` and, for bad input, a pointer to each bad field. Fields and parameters that are not described
here are refused. Answers to accounts with limits say in \`RateLimit\` and \`RateLimit-Policy\` how they stand
(draft-ietf-httpapi-ratelimit-headers-11).`;

/** The OpenAPI 3.1 document of the routes, made from the very schemas that requests are checked with. */
export function openApiDocument(routes: readonly Route[], version: string) {
  const paths: ZodOpenApiPathsObject = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method]: operationOf(route) };
  }
  return createDocument({
    openapi: '3.1.0',
    info: { title: 'Postrider', version, description },
    servers: [{ url: '/' }],
    tags: [...new Set(routes.map((route) => route.tag))].map((name) => ({ name })),
    components: {
      securitySchemes: {
        apiKey: { type: 'http', scheme: 'bearer' },
        session: {
          type: 'apiKey',
          in: 'cookie',
          name: 'postrider_session',
          description: `Of \`POST /v1/session\`. What is not a GET needs the header \`${requestHeader.name}: ${requestHeader.value}\` as well.`,
        },
      },
    },
    paths,
  });
}

function operationOf(route: Route): ZodOpenApiOperationObject {
  return {
    operationId: route.name,
    tags: [route.tag],
    summary: route.summary,
    ...(route.description === undefined ? {} : { description: route.description }),
    security: route.access === 'public' ? [] : [{ apiKey: [] }, { session: [] }],
    requestParams: {
      ...(route.params instanceof z.ZodObject ? { path: route.params } : {}),
      ...(route.query instanceof z.ZodObject ? { query: route.query } : {}),
      ...(route.headers instanceof z.ZodObject ? { header: route.headers } : {}),
    },
    ...(route.body === undefined
      ? {}
      : {
          requestBody: {
            required: route.isBodyOptional !== true,
            content: { 'application/json': { schema: route.describedBody ?? route.body } },
          },
        }),
    responses: Object.fromEntries([
      ...Object.entries(route.responses).map(([status, response]) => [
        status,
        {
          description: response.description,
          ...(response.schema === undefined
            ? {}
            : { content: { 'application/json': { schema: response.schema } } }),
        },
      ]),
      ...Object.entries(problemsOf(route)).map(([status, words]) => [
        status,
        {
          description: words,
          ...(headersOf[status] === undefined ? {} : { headers: headersOf[status] }),
          content: { 'application/problem+json': { schema: problemSchema } },
        },
      ]),
    ]),
  };
}

const retryAfter = z.string().regex(/^\d+$/).meta({ description: 'Seconds until it may be sent again.' });
const rateLimit = z.string().optional().meta({ description: 'draft-ietf-httpapi-ratelimit-headers-11' });
const headersOf: Record<string, z.ZodObject> = {
  429: z.object({ 'Retry-After': retryAfter, RateLimit: rateLimit, 'RateLimit-Policy': rateLimit }),
  503: z.object({ 'Retry-After': retryAfter.optional() }),
};

/** The problems that every route of the form has, and its own. */
function problemsOf(route: Route): Record<string, string> {
  const { access, params, query, headers, body, problems } = route;
  const scope = scopeOf(route);
  const isClosed = access !== 'public';
  const takesInput = isClosed || [params, query, headers, body].some((part) => part !== undefined);
  return {
    ...(takesInput ? { 400: 'A parameter, a header or the body’s form is wrong' } : {}),
    ...(isClosed ? { 401: 'There is no valid API key' } : {}),
    ...(isClosed && scope !== null ? { 403: `The caller has not the scope ${scope}` } : {}),
    ...(access === 'first account'
      ? { 403: `The key is not one of the first account, or has not the scope ${scope}` }
      : {}),
    ...(params === undefined ? {} : { 404: 'There is none, or it is another account’s' }),
    ...(body === undefined
      ? {}
      : {
          413: 'The body is too large',
          415: 'The body is not declared as JSON',
          422: 'The body holds something that is not taken',
        }),
    ...(isClosed ? { 429: 'The account has a limit, and has reached it' } : {}),
    ...(isClosed ? { 503: 'The database is not available' } : {}),
    ...problems,
  };
}
