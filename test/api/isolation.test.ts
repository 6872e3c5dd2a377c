import { sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { apiRoutes, createApp } from '../../api/app.ts';
import { type ApiDependencies, type Route, scopeOf } from '../../api/routes.ts';
import { selectRows } from '../../db/database.ts';
import { newId } from '../../db/ids.ts';
import { textOfCursor } from '../../delivery/pull-cursor.ts';
import { startTestApi, type TestApi, testApiSettings } from '../setup/api.ts';
import { openPortal } from '../setup/browser.ts';

type Browser = Awaited<ReturnType<typeof openPortal>>;

let api: TestApi;
/** Ids of what the first account has, by what stands before them in a path. Names are not secret; what they name is `hunter2`. */
let ids: Record<string, string>;
let readOnly: Browser;
let othersPortal: Browser;
beforeAll(async () => {
  api = await startTestApi();
  const webhook = await api.request('POST', '/v1/webhooks', {
    body: { url: 'https://receiver.test/hunter2', events: ['*'], description: 'hunter2' },
  });
  const event = await api.request('POST', '/v1/events', {
    body: { type: 'shared.type', channel: 'shared', data: { text: 'hunter2' } },
  });
  await api.request('PUT', '/v1/event-types/shared.type', { body: { description: 'hunter2' } });
  await api.request('PUT', '/v1/account/webhook', { body: { url: 'https://receiver.test/hunter2' } });
  await api.request('PUT', '/v1/channels/shared/webhook', {
    body: { url: 'https://receiver.test/hunter2' },
  });
  const message = await api.request('POST', '/v1/inbox/messages', {
    body: [{ externalCustomerId: 'shared', title: 'hunter2', createdDate: '2025-01-15T10:00:00Z' }],
  });
  const [delivery] = (await api.request('GET', `/v1/events/${event.json.id}`)).json.deliveries;
  const [key] = (await api.request('GET', '/v1/api-keys')).json.data;
  readOnly = await openPortal(api, { read_only: true });
  othersPortal = await openPortal(api, { account_id: api.otherAccountId });
  ids = {
    webhooks: webhook.json.id,
    events: event.json.id,
    deliveries: delivery.id,
    'api-keys': key.id,
    accounts: api.accountId,
    'portal-links': readOnly.link.id,
    'event-types': 'shared.type',
    channels: 'shared',
    contacts: 'shared',
    messages: message.json?.[0]?.id ?? message.json?.data?.[0]?.id ?? '0190a5a0-0000-7000-8000-000000000000',
  };
});
afterAll(() => api.close());

/** What is streamed never ends: changes.test.ts is about that. */
const closedRoutes = apiRoutes.filter(({ access, name }) => access !== 'public' && name !== 'watchChanges');
const table = closedRoutes.map((route) => [route.name, route] as const);

/** The route's path to what the first account has. */
function pathTo({ path }: Route): string {
  return path.replaceAll(/([\w-]+)\/\{\w+\}/g, (_, kind: string) => {
    const id = ids[kind];
    if (id === undefined) throw new Error(`say in this test what id a path with ${kind}/ takes`);
    return `${kind}/${id}`;
  });
}

/** Bodies that the routes take, so that it is not for their form that they are refused. */
const bodies: Record<string, unknown> = {
  postEvent: { type: 'a', data: {} },
  postEvents: { events: [{ type: 'a', data: {} }] },
  createWebhook: { url: 'https://receiver.test/', events: ['*'] },
  replaceWebhook: { url: 'https://receiver.test/', events: ['*'] },
  changeWebhook: { description: 'changed' },
  recoverWebhook: { since: new Date(0).toISOString() },
  createApiKey: { name: 'x' },
  previewWebhook: { event_type: 'a' },
  createAccount: { name: 'x' },
  changeAccount: { name: 'x' },
  describeEventType: { description: 'changed' },
  putAccountWebhook: { url: 'https://receiver.test/' },
  putChannelWebhook: { url: 'https://receiver.test/' },
  setInboxMessageStatus: { status: 'read' },
  acknowledgeDeliveries: { cursor: textOfCursor({ webhook_id: newId('wh'), number: 1, at_ms: 1 }) },
};
/** Those that name, in the body, what is the first account's. */
const naming: Record<string, () => unknown> = {
  testWebhook: () => ({ webhook_id: ids.webhooks, event_type: 'a' }),
  createPortalLink: () => ({ account_id: api.accountId, expires_in: 60 }),
  tryExpressions: () => ({ webhook_id: ids.webhooks, event: { type: 'a', data: {} } }),
  resendEvent: () => ({ webhook_id: ids.webhooks }),
};

function bodyOf(route: Route): { body?: unknown } {
  if (route.body === undefined) return {};
  const body = naming[route.name]?.() ?? bodies[route.name] ?? {};
  const isTaken = route.body.safeParse(body).success;
  if (!isTaken) throw new Error(`say in this test what body ${route.name} takes`);
  return { body };
}

/** Every row that an account could have a hand in, but for what is seen and signed in. */
async function allRows(): Promise<string> {
  const tables = [
    'webhooks',
    'events',
    'deliveries',
    'api_keys',
    'accounts',
    'event_types',
    'inbox_messages',
  ];
  const dumps: unknown[] = [];
  for (const name of [...tables, 'webhook_secrets', 'audit_log', 'portal_links']) {
    dumps.push(await selectRows(api.db, sql`select * from ${sql.identifier(name)} order by 1, 2`));
  }
  return JSON.stringify(dumps);
}

describe('a portal session for looking only', () => {
  test.each(table)('%s', async (_, route) => {
    const before = await allRows();
    const calls = api.healthCalls.length + api.recoveries.length + api.manualAttempts.length;
    const answer = await readOnly.ask(route.method.toUpperCase(), pathTo(route), bodyOf(route));
    const scope = scopeOf(route);
    if (route.isForKeysOnly && scope === 'webhooks:read') {
      expect(answer.json).toMatchObject({ status: 403, code: 'forbidden' });
    } else if (scope === null || scope === 'webhooks:read') {
      if (route.name !== 'signOut') expect(answer.status, answer.text).not.toBe(403);
    } else {
      const code = scope === 'admin' && route.method === 'get' ? 'forbidden' : 'read_only';
      expect(answer.json).toMatchObject({ status: 403, code });
    }
    expect(await allRows()).toBe(before);
    expect(api.healthCalls.length + api.recoveries.length + api.manualAttempts.length).toBe(calls);
    if (route.name === 'signOut') readOnly = await openPortal(api, { read_only: true });
  });

  test('sees no signing secret', async () => {
    const answer = await readOnly.ask('GET', `/v1/webhooks/${ids.webhooks}/secret`);
    expect(answer.json).toMatchObject({ status: 403, code: 'read_only' });
  });
});

describe.each([
  ['another account’s portal session', () => othersPortal.ask],
  [
    'another account’s key',
    () => (method: string, path: string, options: object) =>
      api.request(method, path, { ...options, key: api.otherKey }),
  ],
])('%s', (_, askerOf) => {
  test.each(table)('%s', async (_, route) => {
    const answer = await askerOf()(route.method.toUpperCase(), pathTo(route), bodyOf(route));
    expect(answer.text).not.toMatch(/hunter2/);
    expect(answer.text).not.toContain(api.accountId);
    if (route.path.includes('{')) {
      // What it names by a name of its own is its own.
      const isOwn = /event-types|channels|contacts/.test(route.path);
      if (!isOwn) expect([403, 404], answer.text).toContain(answer.status);
    }
    if (naming[route.name] !== undefined) expect([403, 404, 422], answer.text).toContain(answer.status);
    if (route.name === 'signOut') othersPortal = await openPortal(api, { account_id: api.otherAccountId });
  });

  test('has changed nothing of the first account', async () => {
    const [webhook] = (await api.request('GET', '/v1/webhooks')).json.data.filter(
      ({ id }: { id: string }) => id === ids.webhooks,
    );
    expect(webhook).toMatchObject({ description: 'hunter2', endpoint_state: 'healthy' });
    expect(webhook.updated_at).toBe(webhook.created_at);
    expect((await api.request('GET', `/v1/deliveries/${ids.deliveries}`)).json.status).toBe('pending');
    expect((await api.request('GET', '/v1/event-types/shared.type')).json.description).toBe('hunter2');
    const keys = (await api.request('GET', '/v1/api-keys')).json.data;
    expect(keys.every(({ revoked_at }: { revoked_at: unknown }) => revoked_at === null)).toBe(true);
    for (const path of ['/v1/account/webhook', '/v1/channels/shared/webhook']) {
      expect((await api.request('GET', path)).text).toContain('https://receiver.test/hunter2');
    }
    expect(await api.request('GET', '/v1/session')).toMatchObject({
      json: { account: { name: 'First account' } },
    });
  });
});

test('nothing is served but what is described, and so tried above, and these', () => {
  const described = apiRoutes.map(({ path }) => path.replaceAll(/\{(\w+)\}/g, ':$1'));
  const nothing = {} as ApiDependencies;
  const app = createApp({ ...nothing, settings: testApiSettings, log: pino({ level: 'silent' }) });
  const served = app.router.stack.flatMap(({ route }) => (route === undefined ? [] : [`${route.path}`]));
  expect(described.filter((path) => !served.includes(path))).toEqual([]);
  expect([...new Set(served)].filter((path) => !described.includes(path))).toMatchInlineSnapshot(`
    [
      "/openapi.json",
      "/docs",
      "/docs/start.js",
      "/docs/swagger-ui.css",
      "/docs/swagger-ui-bundle.js",
      "/docs/favicon-32x32.png",
      "/metrics",
      "/assets/:name",
      "/",
      "/^\\/(?!v1\\/|assets\\/|docs\\/)/",
    ]
  `);
});

test('every route says what it needs, and those that are not the usual are these', () => {
  const unusual = closedRoutes
    .filter(({ scope }) => scope !== undefined)
    .map((route) => `${route.method} ${route.path}: ${scopeOf(route)}`);
  expect(unusual.sort()).toMatchInlineSnapshot(`
    [
      "delete /v1/api-keys/{id}: admin",
      "delete /v1/portal-links/{id}: admin",
      "delete /v1/session: null",
      "get /v1/accounts: admin",
      "get /v1/api-keys: admin",
      "get /v1/session: null",
      "get /v1/webhooks/{id}/listen: webhooks:write",
      "get /v1/webhooks/{id}/poll: webhooks:write",
      "get /v1/webhooks/{id}/secret: webhooks:write",
      "patch /v1/accounts/{id}: admin",
      "patch /v1/events/{id}: events:write",
      "post /v1/accounts: admin",
      "post /v1/api-keys: admin",
      "post /v1/events/batch: events:write",
      "post /v1/events/{id}/cancel: events:write",
      "post /v1/events: events:write",
      "post /v1/inbox/messages: events:write",
      "post /v1/portal-links: admin",
      "post /v1/webhooks/preview: webhooks:read",
      "post /v1/webhooks/try-expressions: webhooks:read",
      "put /v1/inbox/messages/{id}/status: events:write",
    ]
  `);
});
