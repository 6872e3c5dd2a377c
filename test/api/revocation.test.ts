import { eq, sql } from 'drizzle-orm';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { selectRows } from '../../db/database.ts';
import type { ApiKeyId } from '../../db/ids.ts';
import { listenForRevocations, type Revocations } from '../../db/revocations.ts';
import { apiKeys } from '../../db/schema.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';
import { openPortal, signIn } from '../setup/browser.ts';
import { openEventStream } from '../setup/event-stream.ts';
import { waitFor } from '../setup/wait-for.ts';

const server = process.env.TEST_DATABASE_URL;
/** Stands still: nothing is looked up afresh because its time is up. */
const now = new Date();

let asked: TestApi;
/** Another process on the same database; where that is embedded there can be none. */
let other: TestApi;
let revocations: Revocations | undefined;
let isHeard = true;
beforeAll(async () => {
  asked = await startTestApi({ now: () => now });
  other = asked;
  if (!server) return;
  const { db } = asked;
  const [row] = await selectRows<{ name: string }>(db, sql`select current_database() as name`);
  const url = new URL(server);
  url.pathname = `/${row?.name}`;
  const listening = listenForRevocations({ url: url.href, log: pino({ level: 'silent' }) });
  revocations = { ...listening, areHeard: () => isHeard && listening.areHeard() };
  other = await startTestApi({ db, revocations, now: () => now });
  await waitFor(async () => listening.areHeard() || undefined, 'it to listen');
});
afterAll(async () => {
  await revocations?.close();
  if (other !== asked) await other.close();
  await asked.close();
});

const newKey = async (scopes = ['webhooks:read']) =>
  (await asked.request('POST', '/v1/api-keys', { body: { name: 'Short-lived', scopes } })).json as {
    id: string;
    key: string;
  };
const list = async (key: string) => (await other.request('GET', '/v1/webhooks', { key })).status;
const refused = (ask: () => Promise<number>) =>
  waitFor(async () => ((await ask()) === 401 ? true : undefined), 'it to be refused');

describe('what is revoked ends at once in every process', () => {
  test('a key that was just used', async () => {
    const { id, key } = await newKey();
    expect(await list(key)).toBe(200);
    await asked.request('DELETE', `/v1/api-keys/${id}`);
    await refused(() => list(key));
  });

  test('a session', async () => {
    const { ask, cookie } = await signIn(asked, { api_key: asked.key });
    const read = async () =>
      (await other.request('GET', '/v1/session', { key: null, headers: { cookie } })).status;
    expect(await read()).toBe(200);
    expect((await ask('DELETE', '/v1/session')).status).toBe(204);
    await refused(read);
  });

  test('a portal link, the sessions that it opened, and those of the key that made it', async () => {
    const portals = [await openPortal(asked, { account_id: asked.otherAccountId })];
    const { id, key } = await newKey(['admin']);
    portals.push(await openPortal(asked, { account_id: asked.otherAccountId }, key));
    const reads = portals.map(
      ({ cookie }) =>
        async () =>
          (await other.request('GET', '/v1/session', { key: null, headers: { cookie } })).status,
    );
    for (const read of reads) expect(await read()).toBe(200);
    await asked.request('DELETE', `/v1/portal-links/${portals[0]?.link.id}`);
    await asked.request('DELETE', `/v1/api-keys/${id}`);
    for (const read of reads) await refused(read);
  });

  test('what an account may do without limit', async () => {
    const key = asked.otherKey;
    const policy = async () =>
      (await other.request('GET', '/v1/session', { key })).headers.get('ratelimit-policy');
    expect(await policy()).toBeNull();
    const limits = { requests_per_second: 1_000 };
    await asked.request('PATCH', `/v1/accounts/${asked.otherAccountId}`, { body: { limits } });
    await waitFor(async () => (await policy()) ?? undefined, 'the limit to be known');
  });

  test('a stream of changes', async () => {
    const { id, key } = await newKey();
    const stream = await openEventStream(`${other.origin}/v1/changes`, { authorization: `Bearer ${key}` });
    await stream.message('ready', ({ event }) => event === 'ready');
    const askedAt = performance.now();
    await asked.request('DELETE', `/v1/api-keys/${id}`);
    await stream.ended();
    // Not only at the next sign of life.
    expect(performance.now() - askedAt).toBeLessThan(10_000);
    await stream.close();
  });
});

test.runIf(server)(
  'a process that may not have heard remembers nothing, and refuses though nobody told it',
  async () => {
    const { id, key } = await newKey();
    expect(await list(key)).toBe(200);
    await asked.db
      .update(apiKeys)
      .set({ revoked_at: now })
      .where(eq(apiKeys.id, id as ApiKeyId));
    // It remembers it, and the clock stands still.
    expect(await list(key)).toBe(200);
    isHeard = false;
    expect(await list(key)).toBe(401);
    isHeard = true;
  },
);
