import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type AttemptId, newId } from '../../db/ids.ts';
import { attempts } from '../../db/schema.ts';
import { startTestApi, type TestApi } from '../setup/api.ts';

let api: TestApi;
let webhookId: string;
beforeAll(async () => {
  api = await startTestApi();
  const webhook = await api.request('POST', '/v1/webhooks', {
    body: { url: 'https://receiver.test/', events: ['*'] },
  });
  webhookId = webhook.json.id;
});
afterAll(() => api.close());

async function postEvents(count: number): Promise<string[]> {
  const answers = await Promise.all(
    Array.from({ length: count }, () =>
      api.request('POST', '/v1/events', { body: { type: 'paged', data: {} } }),
    ),
  );
  return answers.map((answer) => answer.json.id);
}

/** Every id of a list, page after page, with something new arriving between the pages. */
async function readAll(path: string, limit: number, arrive: () => Promise<unknown>): Promise<string[]> {
  const ids: string[] = [];
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor === '' ? `limit=${limit}` : `limit=${limit}&cursor=${cursor}`;
    const { json } = await api.request('GET', `${path}?${query}`);
    expect(json.data.length).toBeLessThanOrEqual(limit);
    ids.push(...json.data.map((row: { id: string }) => row.id));
    await arrive();
    cursor = json.next_cursor;
  }
  return ids;
}

describe('cursors', () => {
  test('page through 250 events and their deliveries exactly once, newest first, while new ones arrive', async () => {
    const posted = await postEvents(250);
    for (const [path, limit] of [
      ['/v1/events', 7],
      ['/v1/events', 250],
      ['/v1/deliveries', 50],
    ] as const) {
      const ids = await readAll(path, limit, () => postEvents(3));
      expect(ids).toEqual([...new Set(ids)].sort().reverse());
      if (path === '/v1/events') expect(ids).toEqual(expect.arrayContaining(posted));
      else expect(ids.length).toBeGreaterThanOrEqual(250);
    }
  });

  test('page through 250 attempts of a webhook exactly once, newest first', async () => {
    const row = (id: AttemptId) => ({
      id,
      account_id: api.accountId,
      webhook_id: webhookId as `wh_${string}`,
      delivery_id: newId('dlv'),
      number: 1,
      trigger: 'schedule' as const,
      started_at: new Date(),
      duration_ms: 1,
      url: 'https://receiver.test/',
      request_headers: {},
      succeeded: true,
    });
    const rows = Array.from({ length: 250 }, () => row(newId('att')));
    await api.db.insert(attempts).values(rows);
    const ids = await readAll(`/v1/webhooks/${webhookId}/logs`, 33, () =>
      api.db.insert(attempts).values(row(newId('att'))),
    );
    expect(ids).toEqual(
      rows
        .map(({ id }) => id)
        .sort()
        .reverse(),
    );
  });

  test('a list that ends with its page has no next one, and the usual page has 50', async () => {
    const key = api.otherKey;
    expect((await api.request('GET', '/v1/events', { key })).json).toEqual({ data: [], next_cursor: null });
    for (const id of ['one', 'two']) {
      await api.request('POST', '/v1/events', { body: { type: 'a', data: {}, id }, key });
    }
    const exact = await api.request('GET', '/v1/events?limit=2', { key });
    expect(exact.json).toMatchObject({ data: [{ id: 'two' }, { id: 'one' }], next_cursor: null });
    expect((await api.request('GET', '/v1/events')).json.data).toHaveLength(50);
  });
});
